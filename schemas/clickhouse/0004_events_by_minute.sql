-- The timeline and long ranges read this. Kept per minute, so that every larger bucket is a sum of it.
CREATE TABLE IF NOT EXISTS activitylog.events_by_minute
(
    tenant_id      LowCardinality(String),
    project        LowCardinality(String),
    minute         DateTime('UTC') CODEC(Delta, LZ4),
    source         LowCardinality(String),
    event_class    LowCardinality(String),
    event_type     LowCardinality(String),
    service        LowCardinality(String),
    model          LowCardinality(String),
    user_id        String,
    retention_days UInt16,
    events         SimpleAggregateFunction(sum, UInt64),
    errors         SimpleAggregateFunction(sum, UInt64),
    duration       AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY (toMonday(minute), retention_days)
PRIMARY KEY (tenant_id, minute)
ORDER BY (tenant_id, minute, project, source, event_class, event_type, service, model, user_id)
TTL minute + toIntervalDay(retention_days)
SETTINGS ttl_only_drop_parts = 1,
         fsync_after_insert = 1, fsync_part_directory = 1,
         non_replicated_deduplication_window = 100000;

CREATE MATERIALIZED VIEW IF NOT EXISTS activitylog.events_by_minute_from_events TO activitylog.events_by_minute AS
SELECT tenant_id, project, toStartOfMinute(toDateTime(timestamp, 'UTC')) AS minute, source, event_class, event_type, service, model, user_id,
       retention_days,
       count() AS events,
       countIf(event_class = 'error') AS errors,
       quantilesTDigestStateIf(0.5, 0.95, 0.99)(duration_ns, duration_ns > 0) AS duration
FROM activitylog.events
GROUP BY tenant_id, project, minute, source, event_class, event_type, service, model, user_id, retention_days;
