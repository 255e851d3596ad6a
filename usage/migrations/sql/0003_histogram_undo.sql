DROP AGGREGATE usage_histogram_sum(bigint[]);
DROP FUNCTION usage_histogram_add(bigint[], bigint[]);
DROP FUNCTION usage_histogram(integer[]);
DROP FUNCTION usage_latency_bucket(double precision);
