-- Every billable call once: the leaves of events, the best record of a call winning whenever it arrives. Read with FINAL.
-- The key is a hash of the event's usage_key: sorting and merging 16 bytes instead of some 36 characters (docs/decisions/).
CREATE TABLE IF NOT EXISTS activitylog.usage
(
    tenant_id                LowCardinality(String),
    day                      Date,
    usage_key                UUID,
    priority                 UInt8,
    timestamp                DateTime64(9, 'UTC'),
    event_id                 UUID,
    project                  LowCardinality(String),
    repository               LowCardinality(String),
    environment              LowCardinality(String),
    service                  LowCardinality(String),
    source                   LowCardinality(String),
    user_id                  String,
    session_id               String,
    trace_id                 String,
    provider                 LowCardinality(String),
    model                    LowCardinality(String),
    operation                LowCardinality(String),
    feature                  LowCardinality(String),
    duration_ns              UInt64,
    input_tokens             UInt64,
    output_tokens            UInt64,
    cache_read_tokens        UInt64,
    cache_creation_tokens    UInt64,
    cache_creation_1h_tokens UInt64,
    reasoning_tokens         UInt64,
    cost_usd                 Decimal(18, 9),
    cost_reported_usd        Nullable(Decimal(18, 9)),
    cost_origin              Enum8('none' = 0, 'reported' = 1, 'computed' = 2),
    price_version            LowCardinality(String),
    retention_days           UInt16
)
ENGINE = ReplacingMergeTree(priority)
PARTITION BY (toMonday(day), retention_days)
ORDER BY (tenant_id, day, usage_key)
TTL day + toIntervalDay(retention_days)
SETTINGS ttl_only_drop_parts = 1, merge_selector_base = 10,
         fsync_after_insert = 1, fsync_part_directory = 1,
         non_replicated_deduplication_window = 100000;

CREATE MATERIALIZED VIEW IF NOT EXISTS activitylog.usage_from_events TO activitylog.usage AS
SELECT tenant_id, toDate(timestamp) AS day, reinterpretAsUUID(sipHash128(events.usage_key)) AS usage_key, usage_priority AS priority, timestamp, event_id,
       project, repository, environment, service, source, user_id, session_id, trace_id,
       provider, model, operation, feature, duration_ns,
       input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, cache_creation_1h_tokens, reasoning_tokens,
       cost_usd, cost_reported_usd, cost_origin, price_version, retention_days
FROM activitylog.events
WHERE usage_role = 'leaf';
