-- One row per data point. Cumulative counters become deltas at read time.
CREATE TABLE IF NOT EXISTS activitylog.metrics
(
    tenant_id       LowCardinality(String),
    project         LowCardinality(String),
    repository      LowCardinality(String),
    environment     LowCardinality(String),
    service         LowCardinality(String),
    user_id         String,
    user_email      String,
    session_id      String,
    timestamp       DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    start_timestamp DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    received_at     DateTime64(3, 'UTC') CODEC(Delta, LZ4),
    event_id        UUID,
    source          LowCardinality(String),
    name            LowCardinality(String),
    description     LowCardinality(String),
    unit            LowCardinality(String),
    kind            Enum8('gauge' = 0, 'sum' = 1, 'histogram' = 2, 'exponential_histogram' = 3, 'summary' = 4),
    temporality     Enum8('unspecified' = 0, 'delta' = 1, 'cumulative' = 2),
    is_monotonic    Bool,
    flags           UInt32,
    provider        LowCardinality(String),
    model           LowCardinality(String),
    operation       LowCardinality(String),
    feature         LowCardinality(String),
    tool_name       LowCardinality(String),
    series_type     LowCardinality(String),
    value           Float64,
    value_int       Nullable(Int64),
    count           UInt64,
    min             Nullable(Float64),
    max             Nullable(Float64),
    bucket_counts   Array(UInt64),
    explicit_bounds Array(Float64),
    scale           Int32,
    zero_count      UInt64,
    zero_threshold  Float64,
    positive_offset Int32,
    positive_counts Array(UInt64),
    negative_offset Int32,
    negative_counts Array(UInt64),
    quantiles       Array(Float64),
    quantile_values Array(Float64),
    retention_days  UInt16,
    resource        Map(LowCardinality(String), String),
    attributes      Map(LowCardinality(String), String)
)
ENGINE = ReplacingMergeTree(received_at)
PARTITION BY (toMonday(timestamp), retention_days)
PRIMARY KEY (tenant_id, name, timestamp)
ORDER BY (tenant_id, name, timestamp, event_id)
TTL toDateTime(timestamp) + toIntervalDay(retention_days)
SETTINGS ttl_only_drop_parts = 1,
         fsync_after_insert = 1, fsync_part_directory = 1,
         non_replicated_deduplication_window = 100000;
