-- Timelines of weeks: `events_by_minute` of a busy tenant is nearly as long as its events, since a minute's row is one user's, model's and
-- event type's. These are a few rows an hour, whoever was busy.
CREATE TABLE IF NOT EXISTS activitylog.events_by_hour
(
    tenant_id      LowCardinality(String),
    project        LowCardinality(String),
    hour           DateTime('UTC') CODEC(Delta, LZ4),
    source         LowCardinality(String),
    event_class    LowCardinality(String),
    retention_days UInt16,
    events         SimpleAggregateFunction(sum, UInt64),
    errors         SimpleAggregateFunction(sum, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY (toMonday(hour), retention_days)
PRIMARY KEY (tenant_id, hour)
ORDER BY (tenant_id, hour, project, source, event_class)
TTL hour + toIntervalDay(retention_days)
SETTINGS ttl_only_drop_parts = 1, index_granularity = 1024,
         fsync_after_insert = 1, fsync_part_directory = 1,
         non_replicated_deduplication_window = 100000;

-- Sums, so a second try of this migration begins anew. The view comes just before what was there is counted: between the two nothing is
-- inserted, but on a shared server while another node goes on.
DROP VIEW IF EXISTS activitylog.events_by_hour_from_events SYNC;
TRUNCATE TABLE activitylog.events_by_hour;
CREATE MATERIALIZED VIEW IF NOT EXISTS activitylog.events_by_hour_from_events TO activitylog.events_by_hour AS
SELECT tenant_id, project, toStartOfHour(toDateTime(timestamp, 'UTC')) AS hour, source, event_class, retention_days,
       count() AS events, countIf(event_class = 'error') AS errors
FROM activitylog.events
GROUP BY tenant_id, project, hour, source, event_class, retention_days;

INSERT INTO activitylog.events_by_hour
SELECT tenant_id, project, toStartOfHour(minute) AS hour, source, event_class, retention_days, sum(m.events) AS events, sum(m.errors) AS errors
FROM activitylog.events_by_minute AS m
GROUP BY tenant_id, project, hour, source, event_class, retention_days
SETTINGS max_partitions_per_insert_block = 0;

CREATE VIEW IF NOT EXISTS pub.events_by_hour DEFINER = wall SQL SECURITY DEFINER AS
SELECT * REPLACE (toLowCardinality(JSONExtractString(tryBase64URLDecode(splitByChar('.', initialQueryID())[1]), 'tenant')) AS tenant_id)
FROM activitylog.events_by_hour;
