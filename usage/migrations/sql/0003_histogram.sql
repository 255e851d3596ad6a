-- Latency histograms: 170 buckets, eight to the octave from 0.25 ms on, so a percentile is right within 4.5 %. An array ends at its
-- last bucket that is not empty. usage.histogram does the same in Python; a test compares.
CREATE FUNCTION usage_latency_bucket(p_ms double precision) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN p_ms < 0.25 THEN 1 ELSE least(170, 2 + floor(8 * ln(p_ms / 0.25) / ln(2::double precision))::integer) END
$$;

CREATE FUNCTION usage_histogram(p_buckets integer[]) RETURNS bigint[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT COALESCE(array_agg(COALESCE(held, 0) ORDER BY bucket), '{}')
    FROM generate_series(1, (SELECT max(each) FROM unnest(p_buckets) AS each)) AS bucket
    LEFT JOIN (SELECT each AS bucket, count(*) AS held FROM unnest(p_buckets) AS each GROUP BY each) AS counted USING (bucket)
$$;

CREATE FUNCTION usage_histogram_add(p_one bigint[], p_other bigint[]) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    v_short bigint[];
BEGIN
    IF cardinality(p_one) < cardinality(p_other) THEN
        v_short := p_one;
        p_one := p_other;
    ELSE
        v_short := p_other;
    END IF;
    FOR bucket IN 1 .. cardinality(v_short) LOOP
        p_one[bucket] := p_one[bucket] + v_short[bucket];
    END LOOP;
    RETURN p_one;
END $$;

CREATE AGGREGATE usage_histogram_sum(bigint[]) (
    sfunc = usage_histogram_add, stype = bigint[], initcond = '{}', combinefunc = usage_histogram_add, parallel = safe);
