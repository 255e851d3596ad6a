-- One row is one attempt of one call. The primary key holds `at` because the table is partitioned by it: `at` is fixed
-- once, by the writer, so a record shipped twice lands on the same row.
CREATE TABLE usage_event (
    at timestamptz NOT NULL,
    id uuid NOT NULL,
    attempt integer NOT NULL CHECK (attempt >= 0),
    state text NOT NULL CHECK (state IN ('open', 'finished', 'interrupted')),
    ingested_at timestamptz NOT NULL,
    -- `{worker}-{boot_ms}` of the segment: a worker that was started again is another writer.
    writer text NOT NULL,
    environment text NOT NULL,
    node text NOT NULL,
    worker text NOT NULL,
    generation bigint NOT NULL,
    kind text NOT NULL,
    api_id text NOT NULL,
    version_id text NOT NULL,
    operation_id text NOT NULL,
    owner_team_id text NOT NULL,
    application_id text NOT NULL,
    team_id text NOT NULL,
    subscription_id text NOT NULL,
    plan_id text NOT NULL,
    credential_id text NOT NULL,
    user_id text NOT NULL,
    is_try_it boolean NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    client_request_id text NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    reserved_tokens bigint NOT NULL,
    reserved_usd numeric(24, 9) NOT NULL,
    status integer NOT NULL,
    code text NOT NULL,
    fault text NOT NULL,
    rule text NOT NULL,
    verdict text NOT NULL,
    upstream_status integer NOT NULL,
    is_streamed boolean NOT NULL,
    is_client_gone boolean NOT NULL,
    total_ms double precision NOT NULL,
    overhead_ms double precision NOT NULL,
    upstream_ms double precision NOT NULL,
    first_byte_ms double precision NOT NULL,
    request_bytes bigint NOT NULL,
    response_bytes bigint NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cached_tokens bigint NOT NULL,
    is_estimated boolean NOT NULL,
    cost_usd numeric(24, 9) NOT NULL,
    price_state text NOT NULL,
    PRIMARY KEY (at, id, attempt)
) PARTITION BY RANGE (at);
CREATE INDEX usage_event_id ON usage_event (id);
CREATE INDEX usage_event_open ON usage_event (node, worker) WHERE state = 'open';

-- Where a shipper copies the records of a segment before usage_ingest. `json` keeps the text as it came: a record that
-- jsonb refuses (a NUL, half a surrogate pair) must reach the quarantine instead of failing the COPY. Unlogged: a segment is deleted
-- only after usage_ingest committed, so a crash that empties this table loses nothing.
CREATE UNLOGGED TABLE usage_staging (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node text NOT NULL,
    segment text NOT NULL,
    payload json NOT NULL
);
CREATE INDEX usage_staging_node ON usage_staging (node, id);

-- What could not be stored, kept with its reason. `payload` is a record's text; `raw` the bytes of a damaged segment.
CREATE TABLE usage_quarantine (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node text NOT NULL,
    segment text NOT NULL,
    byte_offset bigint NOT NULL DEFAULT -1,
    reason text NOT NULL,
    payload text NOT NULL DEFAULT '',
    raw bytea NOT NULL DEFAULT '',
    quarantined_at timestamptz NOT NULL DEFAULT now()
);
-- A segment shipped twice is quarantined once.
CREATE UNIQUE INDEX usage_quarantine_once ON usage_quarantine (node, segment, byte_offset, md5(payload), md5(raw));

-- A minute whose rollup no longer matches the ledger. Marks are only added and removed, never changed, so shippers never wait for
-- each other; `mark` is the version by which the rollup removes exactly what it has seen.
CREATE TABLE usage_dirty (
    mark bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    minute timestamptz NOT NULL
);
CREATE INDEX usage_dirty_minute ON usage_dirty (minute);

-- Calls refused before anybody was known, counted per minute, code and version. `id` is the spool record's: twice is once.
CREATE TABLE usage_refused_minute (
    id uuid PRIMARY KEY,
    minute timestamptz NOT NULL,
    node text NOT NULL,
    version_id text NOT NULL,
    code text NOT NULL,
    count bigint NOT NULL CHECK (count > 0)
);
CREATE INDEX usage_refused_minute_version ON usage_refused_minute (version_id, minute);
CREATE INDEX usage_refused_minute_minute ON usage_refused_minute (minute);

-- How long events are kept, in days; usage.retention says the same to Python.
CREATE FUNCTION usage_retention_days() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT 35';

CREATE FUNCTION usage_minute_of(p_at timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT date_trunc('minute', p_at, 'UTC') $$;

-- Makes the partition of one UTC day. ATTACH, unlike PARTITION OF, lets readers and writers of other days go on.
CREATE FUNCTION usage_make_partition(p_day date) RETURNS void LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    v_name text := 'usage_event_' || to_char(p_day, 'YYYYMMDD');
BEGIN
    IF to_regclass(v_name) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('usage_make_partition'));
    -- Another node may have made it while we waited. Asked of the table: the name cache still says no.
    IF EXISTS (SELECT 1 FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
               WHERE inhparent = 'usage_event'::regclass AND child.relname = v_name) THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE usage_event INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', v_name);
    EXECUTE format('ALTER TABLE usage_event ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   v_name, p_day::timestamptz, (p_day + 1)::timestamptz);
END $$;

-- Drops the partitions that lie wholly before the time; returns how many.
CREATE FUNCTION usage_drop_partitions(p_before timestamptz) RETURNS integer LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    v_name text;
    v_count integer := 0;
BEGIN
    FOR v_name IN
        SELECT child.relname FROM pg_inherits
        JOIN pg_class AS child ON child.oid = inhrelid
        WHERE inhparent = 'usage_event'::regclass
          AND child.relname ~ '^usage_event_[0-9]{8}$'
          AND to_date(right(child.relname, 8), 'YYYYMMDD') + 1 <= p_before
        ORDER BY child.relname
    LOOP
        EXECUTE format('DROP TABLE %I', v_name);
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END $$;

-- Says why a time (epoch seconds) cannot be stored, NULL when it can.
CREATE FUNCTION usage_lateness_of(p_epoch numeric) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN p_epoch > extract(epoch FROM now()) + 86400 THEN 'more than a day ahead'
        WHEN p_epoch < extract(epoch FROM now()) - 86400 * usage_retention_days() THEN 'older than the retention'
    END
$$;

-- Says what is wrong with a record, NULL when nothing is.
CREATE FUNCTION usage_flaw_of(p_record jsonb) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN jsonb_typeof(p_record) <> 'object' THEN 'not an object'
        WHEN p_record ->> 'type' = 'refused' THEN CASE
            WHEN jsonb_typeof(p_record -> 'minute') IS DISTINCT FROM 'number' THEN 'no minute'
            WHEN jsonb_typeof(p_record -> 'count') IS DISTINCT FROM 'number' THEN 'no count'
            ELSE usage_lateness_of((p_record ->> 'minute')::numeric * 60) END
        WHEN (p_record ->> 'type') IS NULL OR p_record ->> 'type' NOT IN ('started', 'finished') THEN 'unknown type'
        WHEN COALESCE(p_record ->> 'id', '') !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN 'no call id'
        WHEN jsonb_typeof(p_record -> 'attempt') IS DISTINCT FROM 'number' THEN 'no attempt'
        WHEN jsonb_typeof(p_record -> 'at') IS DISTINCT FROM 'number' THEN 'no time'
        ELSE usage_lateness_of((p_record ->> 'at')::numeric) END
$$;

-- The event a record stands for. Fields that a record does not name take their default; a `null` is an error.
CREATE FUNCTION usage_event_of(p_node text, p_segment text, p_record jsonb) RETURNS usage_event
LANGUAGE sql VOLATILE AS $$
    SELECT jsonb_populate_record(NULL::usage_event,
        '{"environment": "production", "worker": "", "generation": 0, "kind": "rest", "api_id": "", "version_id": "",
          "operation_id": "", "owner_team_id": "", "application_id": "", "team_id": "", "subscription_id": "",
          "plan_id": "", "credential_id": "", "user_id": "", "is_try_it": false, "method": "", "path": "",
          "client_request_id": "", "provider": "", "model": "", "reserved_tokens": 0, "status": 0, "code": "",
          "fault": "", "rule": "", "verdict": "", "upstream_status": 0, "is_streamed": false, "is_client_gone": false,
          "total_ms": 0, "overhead_ms": 0, "upstream_ms": 0, "first_byte_ms": 0, "request_bytes": 0,
          "response_bytes": 0, "input_tokens": 0, "output_tokens": 0, "cached_tokens": 0, "is_estimated": false,
          "price_state": "none"}'::jsonb
        || p_record
        || jsonb_build_object(
            'at', to_timestamp((p_record ->> 'at')::double precision),
            'state', CASE p_record ->> 'type' WHEN 'started' THEN 'open' ELSE 'finished' END,
            'ingested_at', clock_timestamp(),
            'node', p_node,
            'writer', regexp_replace(p_segment, '-[0-9]+(\.[a-z]+)?$', ''),
            'reserved_usd', COALESCE((p_record ->> 'reserved_nano')::numeric, 0) / 1000000000,
            'cost_usd', COALESCE((p_record ->> 'cost_nano')::numeric, 0) / 1000000000))
$$;

-- Stores the events among the records and marks the minutes they changed. Finished replaces open and interrupted; whatever is
-- there already stays. Rows are written in key order, so two that meet cannot deadlock.
CREATE FUNCTION usage_store_events(p_events usage_event[]) RETURNS void LANGUAGE plpgsql SET timezone = 'UTC' AS $$
BEGIN
    PERFORM usage_make_partition(day) FROM (SELECT DISTINCT at::date AS day FROM unnest(p_events) ORDER BY 1) AS days;
    WITH stored AS (
        INSERT INTO usage_event AS kept
        SELECT DISTINCT ON (at, id, attempt) * FROM unnest(p_events) WHERE state = 'finished' ORDER BY at, id, attempt
        ON CONFLICT (at, id, attempt) DO UPDATE SET
            state = EXCLUDED.state, ingested_at = EXCLUDED.ingested_at, writer = EXCLUDED.writer,
            environment = EXCLUDED.environment, node = EXCLUDED.node, worker = EXCLUDED.worker,
            generation = EXCLUDED.generation, kind = EXCLUDED.kind, api_id = EXCLUDED.api_id,
            version_id = EXCLUDED.version_id, operation_id = EXCLUDED.operation_id,
            owner_team_id = EXCLUDED.owner_team_id, application_id = EXCLUDED.application_id,
            team_id = EXCLUDED.team_id, subscription_id = EXCLUDED.subscription_id, plan_id = EXCLUDED.plan_id,
            credential_id = EXCLUDED.credential_id, user_id = EXCLUDED.user_id, is_try_it = EXCLUDED.is_try_it,
            method = EXCLUDED.method, path = EXCLUDED.path, client_request_id = EXCLUDED.client_request_id,
            provider = EXCLUDED.provider, model = EXCLUDED.model, reserved_tokens = EXCLUDED.reserved_tokens,
            reserved_usd = EXCLUDED.reserved_usd, status = EXCLUDED.status, code = EXCLUDED.code,
            fault = EXCLUDED.fault, rule = EXCLUDED.rule, verdict = EXCLUDED.verdict,
            upstream_status = EXCLUDED.upstream_status, is_streamed = EXCLUDED.is_streamed,
            is_client_gone = EXCLUDED.is_client_gone, total_ms = EXCLUDED.total_ms,
            overhead_ms = EXCLUDED.overhead_ms, upstream_ms = EXCLUDED.upstream_ms,
            first_byte_ms = EXCLUDED.first_byte_ms, request_bytes = EXCLUDED.request_bytes,
            response_bytes = EXCLUDED.response_bytes, input_tokens = EXCLUDED.input_tokens,
            output_tokens = EXCLUDED.output_tokens, cached_tokens = EXCLUDED.cached_tokens,
            is_estimated = EXCLUDED.is_estimated, cost_usd = EXCLUDED.cost_usd, price_state = EXCLUDED.price_state
        WHERE kept.state <> 'finished'
        RETURNING at
    )
    INSERT INTO usage_dirty (minute) SELECT DISTINCT usage_minute_of(at) FROM stored;
    INSERT INTO usage_event
    SELECT DISTINCT ON (at, id, attempt) * FROM unnest(p_events) WHERE state = 'open' ORDER BY at, id, attempt
    ON CONFLICT (at, id, attempt) DO NOTHING;
END $$;

-- Stores one batch: quarantines what is flawed, counts refusals, stores events. Raises on a value of the wrong type.
CREATE FUNCTION usage_store(p_rows usage_staging[]) RETURNS void LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    v_events usage_event[];
BEGIN
    -- Materialized, so that each text is parsed once and not once per mention.
    WITH parsed AS MATERIALIZED (
        SELECT node, segment, payload::jsonb AS record FROM unnest(p_rows)
    ), judged AS MATERIALIZED (
        SELECT node, segment, record, record ->> 'type' AS type, usage_flaw_of(record) AS flaw FROM parsed
    ), flawed AS (
        INSERT INTO usage_quarantine (node, segment, reason, payload)
        SELECT node, segment, flaw, record::text FROM judged WHERE flaw IS NOT NULL
        ON CONFLICT DO NOTHING
    ), refused AS (
        INSERT INTO usage_refused_minute (id, minute, node, version_id, code, count)
        SELECT COALESCE(record ->> 'id', md5(concat_ws('|', node, segment, record::text)))::uuid,
               to_timestamp((record ->> 'minute')::bigint * 60), node, COALESCE(record ->> 'version_id', ''),
               COALESCE(record ->> 'code', ''), (record ->> 'count')::bigint
        FROM judged WHERE type = 'refused' AND flaw IS NULL
        ON CONFLICT DO NOTHING
    )
    SELECT array_agg(event) INTO v_events
    FROM judged, LATERAL usage_event_of(node, segment, record) AS event
    WHERE type IN ('started', 'finished') AND flaw IS NULL;
    IF v_events IS NOT NULL THEN
        PERFORM usage_store_events(v_events);
    END IF;
END $$;

-- Moves a node's staged records into the ledger; returns how many it took. Call it in the transaction of the COPY. Safe to repeat
-- and to run for several nodes at once. What cannot be stored goes to usage_quarantine and stops nothing.
CREATE FUNCTION usage_ingest(p_node text) RETURNS integer LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    v_rows usage_staging[];
    v_row usage_staging;
    v_reason text;
    v_total integer := 0;
BEGIN
    LOOP
        -- Taken by DELETE: what commits into staging meanwhile stays for the next round.
        WITH taken AS (
            DELETE FROM usage_staging WHERE id IN (
                SELECT id FROM usage_staging WHERE node = p_node ORDER BY id LIMIT 5000 FOR UPDATE)
            RETURNING *
        )
        SELECT array_agg(taken ORDER BY taken.id) INTO v_rows FROM taken;
        EXIT WHEN v_rows IS NULL;
        v_total := v_total + cardinality(v_rows);
        BEGIN
            PERFORM usage_store(v_rows);
        EXCEPTION WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded THEN
            -- One of them is bad in a way only the attempt shows: store one by one. Other errors (locks, disk) go up.
            FOREACH v_row IN ARRAY v_rows LOOP
                BEGIN
                    PERFORM usage_store(ARRAY[v_row]);
                EXCEPTION WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded THEN
                    GET STACKED DIAGNOSTICS v_reason = MESSAGE_TEXT;
                    INSERT INTO usage_quarantine (node, segment, reason, payload)
                    VALUES (v_row.node, v_row.segment, v_reason, v_row.payload::text) ON CONFLICT DO NOTHING;
                END;
            END LOOP;
        END;
    END LOOP;
    RETURN v_total;
END $$;

-- Ends the open calls of a writer that is gone, billed as reserved; returns how many. `p_worker` is the writer
-- (`w1-1763900000000`: this start of w1 alone) or the worker (`w1`: every start of it). A finished record that comes later wins.
CREATE FUNCTION usage_close_interrupted(p_node text, p_worker text) RETURNS integer
LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    v_minutes timestamptz[];
BEGIN
    WITH closed AS (
        UPDATE usage_event SET
            state = 'interrupted', ingested_at = clock_timestamp(), code = 'interrupted', fault = 'gateway',
            verdict = 'The gateway worker ended during this call. It is billed as reserved.',
            cost_usd = reserved_usd, is_estimated = reserved_usd > 0,
            price_state = CASE WHEN reserved_usd > 0 THEN 'priced' ELSE price_state END
        WHERE node = p_node AND state = 'open' AND (writer = p_worker OR worker = p_worker)
        RETURNING at
    )
    SELECT array_agg(usage_minute_of(at)) INTO v_minutes FROM closed;
    IF v_minutes IS NULL THEN
        RETURN 0;
    END IF;
    INSERT INTO usage_dirty (minute) SELECT DISTINCT unnest(v_minutes);
    RETURN cardinality(v_minutes);
END $$;
