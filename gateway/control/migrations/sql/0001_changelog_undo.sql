DROP TABLE gateway_worker, gateway_commit, gateway_change, gateway_counter;
DROP FUNCTION gateway_give_generation(), gateway_note_transaction();
