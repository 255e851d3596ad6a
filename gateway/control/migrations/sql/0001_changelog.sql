-- The changelog: what gateways must know, in the order in which it took effect. A row is written with generation NULL in
-- the transaction of the change it tells of and gets its number at commit, from the deferred trigger below.
CREATE TABLE gateway_counter (
    id smallint PRIMARY KEY CHECK (id = 1),
    -- A restore or a failover that lost commits makes a new epoch; a reader of another epoch loads everything anew.
    epoch uuid NOT NULL,
    generation bigint NOT NULL,
    -- Changes up to here may be compacted away: a reader below it loads everything anew.
    horizon bigint NOT NULL DEFAULT 0
);
INSERT INTO gateway_counter (id, epoch, generation) VALUES (1, gen_random_uuid(), 0);

CREATE TABLE gateway_change (
    id bigserial PRIMARY KEY,
    generation bigint,
    kind text NOT NULL,
    key text NOT NULL,
    payload jsonb,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX gateway_change_generation ON gateway_change (generation, id);
CREATE INDEX gateway_change_open ON gateway_change (id) WHERE generation IS NULL;
CREATE INDEX gateway_change_key ON gateway_change (kind, key, generation DESC, id DESC);

-- One row per transaction that changed something, gone again before it commits.
CREATE TABLE gateway_commit (
    transaction xid8 PRIMARY KEY,
    is_last boolean NOT NULL DEFAULT false
);

CREATE FUNCTION gateway_note_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO gateway_commit (transaction) VALUES (pg_current_xact_id()) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE TRIGGER gateway_change_written AFTER INSERT ON gateway_change
    FOR EACH STATEMENT EXECUTE FUNCTION gateway_note_transaction();

-- The first firing queues itself again, behind every deferred check that is waiting (foreign keys of a long import, say);
-- the second takes the number. So the counter's row is locked for the last instant of a commit only.
CREATE FUNCTION gateway_give_generation() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    number bigint;
BEGIN
    IF NOT NEW.is_last THEN
        UPDATE gateway_commit SET is_last = true WHERE transaction = NEW.transaction;
        RETURN NULL;
    END IF;
    UPDATE gateway_counter SET generation = generation + 1 WHERE id = 1 RETURNING generation INTO number;
    -- What is NULL and visible here is our own: others filled theirs before they committed.
    UPDATE gateway_change SET generation = number WHERE generation IS NULL;
    DELETE FROM gateway_commit WHERE transaction = NEW.transaction;
    PERFORM pg_notify('gatehouse_changes', number::text);
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER gateway_commit_due AFTER INSERT OR UPDATE ON gateway_commit
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION gateway_give_generation();

-- Who runs which generation. Each node writes its workers' rows once a second and on every change.
CREATE TABLE gateway_worker (
    id bigserial PRIMARY KEY,
    node text NOT NULL,
    worker text NOT NULL,
    pid integer NOT NULL DEFAULT 0,
    epoch uuid,
    generation bigint NOT NULL DEFAULT 0,
    is_stale boolean NOT NULL DEFAULT false,
    rejected jsonb NOT NULL DEFAULT '[]',
    spool_bytes bigint NOT NULL DEFAULT 0,
    -- Payloads parsed since the worker started: a delta costs what it changes, whatever the size of the state.
    decoded bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT now(),
    reported_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (node, worker)
);
