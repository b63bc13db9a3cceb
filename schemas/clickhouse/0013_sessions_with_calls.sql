-- Claude Code sessions of which calls came: `pub.usage` leaves out what their metrics say. It looked for them among all calls that the
-- tenant ever had; these are some hundred rows instead. A row inserted twice changes nothing.
CREATE TABLE IF NOT EXISTS activitylog.sessions_with_calls
(
    tenant_id      LowCardinality(String),
    project        LowCardinality(String),
    session_id     String,
    day            SimpleAggregateFunction(max, Date),
    retention_days UInt16
)
ENGINE = AggregatingMergeTree
PARTITION BY retention_days
ORDER BY (tenant_id, session_id, project)
TTL day + toIntervalDay(retention_days)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, index_granularity = 1024,
         non_replicated_deduplication_window = 100000;

-- The same rows as of `calls_from_events`.
CREATE MATERIALIZED VIEW IF NOT EXISTS activitylog.sessions_with_calls_from_events TO activitylog.sessions_with_calls AS
SELECT tenant_id, project, events.session_id AS session_id,
       max(toDate(if(kind = 'span', timestamp + toIntervalNanosecond(duration_ns), timestamp))) AS day, retention_days
FROM activitylog.events
WHERE source = 'claude_code' AND events.session_id != '' AND (usage_role = 'leaf' OR (usage_role = 'copy' AND events.usage_key != ''))
GROUP BY tenant_id, project, session_id, retention_days;

-- What was there before the view; both may bring a row.
INSERT INTO activitylog.sessions_with_calls
SELECT tenant_id, project, session_id, max(day) AS day, retention_days
FROM activitylog.usage
WHERE source = 'claude_code' AND session_id != ''
GROUP BY tenant_id, project, session_id, retention_days
SETTINGS max_partitions_per_insert_block = 0;

DROP VIEW IF EXISTS pub.usage;
CREATE VIEW IF NOT EXISTS pub.usage DEFINER = wall SQL SECURITY DEFINER AS
SELECT * REPLACE (toLowCardinality(JSONExtractString(tryBase64URLDecode(splitByChar('.', initialQueryID())[1]), 'tenant')) AS tenant_id)
FROM
(
    SELECT c.tenant_id AS tenant_id, c.day AS day, c.usage_key AS usage_key, c.timestamp AS timestamp, c.event_id AS event_id,
           c.project AS project, c.repository AS repository, c.environment AS environment, c.service AS service, c.source AS source,
           if(c.user_id = '', t.user_id, c.user_id) AS user_id,
           if(c.session_id = '', t.session_id, c.session_id) AS session_id,
           c.trace_id AS trace_id, c.provider AS provider, c.model AS model, c.operation AS operation, c.is_call AS is_call,
           if(c.feature = '', t.feature, c.feature) AS feature,
           c.team AS team, c.branch AS branch, c.agent AS agent, c.skill AS skill, c.effort AS effort, c.duration_ns AS duration_ns,
           c.input_tokens AS input_tokens, c.output_tokens AS output_tokens, c.cache_read_tokens AS cache_read_tokens,
           c.cache_creation_tokens AS cache_creation_tokens, c.cache_creation_1h_tokens AS cache_creation_1h_tokens,
           c.reasoning_tokens AS reasoning_tokens, c.cache_known AS cache_known,
           c.cost_usd AS cost_usd, c.cost_reported_usd AS cost_reported_usd, c.cost_computed_usd AS cost_computed_usd,
           c.cost_origin AS cost_origin, c.price_version AS price_version
    FROM (SELECT * FROM activitylog.usage FINAL) AS c
    LEFT ANY JOIN
    (
        SELECT tenant_id, trace_id, max(user_id) AS user_id, max(session_id) AS session_id, max(feature) AS feature
        FROM activitylog.trace_context
        GROUP BY tenant_id, trace_id
    ) AS t ON c.tenant_id = t.tenant_id AND c.trace_id = t.trace_id
    UNION ALL
    SELECT tenant_id, day, toUUID('00000000-0000-0000-0000-000000000000') AS usage_key, toDateTime64(at, 9, 'UTC') AS timestamp,
           toUUID('00000000-0000-0000-0000-000000000000') AS event_id,
           project, anyLast(repository) AS repository, anyLast(environment) AS environment, anyLast(service) AS service, 'claude_code' AS source,
           anyLast(user_id) AS user_id, session_id, '' AS trace_id, anyLast(provider) AS provider, model, 'chat' AS operation, false AS is_call,
           feature, team, branch, agent, skill, effort, toUInt64(0) AS duration_ns,
           sumIf(added + greatest, series_type = 'input') AS input_tokens,
           sumIf(added + greatest, series_type = 'output') AS output_tokens,
           sumIf(added + greatest, series_type = 'cacheRead') AS cache_read_tokens,
           sumIf(added + greatest, series_type = 'cacheCreation') AS cache_creation_tokens,
           toUInt64(0) AS cache_creation_1h_tokens, toUInt64(0) AS reasoning_tokens, true AS cache_known,
           CAST(toDecimal128(sumIf(added + greatest, series_type = 'cost'), 0) * toDecimal128('0.000000001', 9), 'Decimal(18, 9)') AS cost_usd,
           CAST(cost_usd, 'Nullable(Decimal(18, 9))') AS cost_reported_usd,
           CAST(NULL, 'Nullable(Decimal(18, 9))') AS cost_computed_usd,
           CAST('reported', 'Enum8(\'none\' = 0, \'reported\' = 1, \'computed\' = 2)') AS cost_origin,
           '' AS price_version
    FROM
    (
        SELECT tenant_id, day, session_id, at, series, is_cumulative, series_type, project, model,
               anyLast(m.repository) AS repository, anyLast(m.environment) AS environment, anyLast(m.service) AS service,
               anyLast(m.user_id) AS user_id, anyLast(m.provider) AS provider, anyLast(m.feature) AS feature, anyLast(m.team) AS team,
               anyLast(m.branch) AS branch, anyLast(m.agent) AS agent, anyLast(m.skill) AS skill, anyLast(m.effort) AS effort,
               sum(m.added) AS added, max(m.greatest) AS greatest
        FROM activitylog.metered AS m
        WHERE (tenant_id, session_id) NOT IN (SELECT tenant_id, session_id FROM activitylog.sessions_with_calls)
        GROUP BY tenant_id, day, session_id, at, series, is_cumulative, series_type, project, model
    )
    GROUP BY tenant_id, day, session_id, at, project, model, feature, team, branch, agent, skill, effort
);
