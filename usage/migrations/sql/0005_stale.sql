-- Ends open calls that began before the time, billed as reserved; returns how many. No call lasts that long: its writer went
-- away without a trace (a lost disk, a node that never came back). A finished record that comes later still wins.
CREATE FUNCTION usage_close_stale(p_before timestamptz) RETURNS integer LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    v_minutes timestamptz[];
BEGIN
    WITH closed AS (
        UPDATE usage_event SET
            state = 'interrupted', ingested_at = clock_timestamp(), code = 'interrupted', fault = 'gateway',
            verdict = 'The end of this call was never told. It is billed as reserved.',
            cost_usd = reserved_usd, is_estimated = reserved_usd > 0,
            price_state = CASE WHEN reserved_usd > 0 THEN 'priced' ELSE price_state END
        WHERE state = 'open' AND at < p_before
        RETURNING at
    )
    SELECT array_agg(usage_minute_of(at)) INTO v_minutes FROM closed;
    IF v_minutes IS NULL THEN
        RETURN 0;
    END IF;
    INSERT INTO usage_dirty (minute) SELECT DISTINCT unnest(v_minutes);
    RETURN cardinality(v_minutes);
END $$;
