-- Audit entries are some rows among billions of events, so the activity feed and the audit trail read a table of their own.
-- Microseconds, as in their cursors: rows are in the order of (microsecond, id), and a page is a range of the key.
-- Small granules and months: a page needs few rows, and each part it touches costs it one granule.
CREATE TABLE IF NOT EXISTS activitylog.audit
(
    tenant_id      LowCardinality(String),
    project        LowCardinality(String),
    timestamp      DateTime64(6, 'UTC') CODEC(Delta, LZ4),
    event_id       UUID,
    received_at    DateTime64(3, 'UTC') CODEC(Delta, LZ4),
    user_id        String,
    action         LowCardinality(String),
    target_type    LowCardinality(String),
    target_id      String,
    outcome        LowCardinality(String),
    message        String,
    correlation_id String,
    source_ip      String,
    retention_days UInt16,
    attributes     Map(LowCardinality(String), String),

    INDEX ix_project project TYPE set(1000) GRANULARITY 8,
    INDEX ix_action action TYPE set(1000) GRANULARITY 8,
    INDEX ix_user_id user_id TYPE bloom_filter(0.01) GRANULARITY 8
)
ENGINE = ReplacingMergeTree(received_at)
PARTITION BY (toStartOfMonth(timestamp), retention_days)
PRIMARY KEY (tenant_id, timestamp)
ORDER BY (tenant_id, timestamp, event_id)
TTL toDateTime(timestamp) + toIntervalDay(retention_days)
SETTINGS ttl_only_drop_parts = 1, index_granularity = 1024,
         fsync_after_insert = 1, fsync_part_directory = 1,
         non_replicated_deduplication_window = 100000;

CREATE MATERIALIZED VIEW IF NOT EXISTS activitylog.audit_from_events TO activitylog.audit AS
SELECT tenant_id, project, toDateTime64(events.timestamp, 6, 'UTC') AS timestamp, event_id, received_at, user_id, event_type AS action,
       target_type, target_id, outcome, message, correlation_id, source_ip, retention_days, attributes
FROM activitylog.events
WHERE kind = 'audit';

-- What was there before the view. Rows that both bring have one key, and readers leave out the second.
INSERT INTO activitylog.audit
SELECT tenant_id, project, toDateTime64(events.timestamp, 6, 'UTC') AS timestamp, event_id, received_at, user_id, event_type AS action,
       target_type, target_id, outcome, message, correlation_id, source_ip, retention_days, attributes
FROM activitylog.events
WHERE kind = 'audit'
SETTINGS max_partitions_per_insert_block = 0;

CREATE VIEW IF NOT EXISTS pub.audit DEFINER = wall SQL SECURITY DEFINER AS SELECT * FROM activitylog.audit;
