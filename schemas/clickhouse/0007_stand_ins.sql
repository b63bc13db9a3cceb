-- What a trace says of its user, session and feature: for the calls in it that don't (their parent span does).
-- The greatest text wins, so that a row inserted twice changes nothing.
CREATE TABLE IF NOT EXISTS activitylog.trace_context
(
    tenant_id      LowCardinality(String),
    project        LowCardinality(String),
    trace_id       String,
    day            SimpleAggregateFunction(max, Date),
    user_id        SimpleAggregateFunction(max, String),
    session_id     SimpleAggregateFunction(max, String),
    feature        SimpleAggregateFunction(max, String),
    retention_days UInt16
)
ENGINE = AggregatingMergeTree
PARTITION BY retention_days
ORDER BY (tenant_id, project, trace_id)
TTL day + toIntervalDay(retention_days)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1,
         non_replicated_deduplication_window = 100000;

-- Of what is above the calls, not of the calls beside: those speak for themselves. Claude Code's own say all three.
CREATE MATERIALIZED VIEW IF NOT EXISTS activitylog.trace_context_from_events TO activitylog.trace_context AS
SELECT tenant_id, project, events.trace_id AS trace_id, max(toDate(timestamp)) AS day, max(events.user_id) AS user_id,
       max(events.session_id) AS session_id, max(toString(events.feature)) AS feature, retention_days
FROM activitylog.events
WHERE source != 'claude_code' AND usage_role NOT IN ('leaf', 'copy') AND events.trace_id != ''
  AND (events.user_id != '' OR events.session_id != '' OR events.feature != '')
GROUP BY tenant_id, project, trace_id, retention_days;

-- Claude Code's token and cost counters, for sessions that sent nothing else. One row per series and minute (delta) or per
-- series (cumulative: the last is the greatest). Costs in units of 1e-9 USD, so that sums are exact.
CREATE TABLE IF NOT EXISTS activitylog.metered
(
    tenant_id      LowCardinality(String),
    day            Date,
    session_id     String,
    at             DateTime('UTC'),
    series         UInt64,
    is_cumulative  Bool,
    series_type    LowCardinality(String),
    project        LowCardinality(String),
    repository     SimpleAggregateFunction(anyLast, LowCardinality(String)),
    environment    SimpleAggregateFunction(anyLast, LowCardinality(String)),
    service        SimpleAggregateFunction(anyLast, LowCardinality(String)),
    user_id        SimpleAggregateFunction(anyLast, String),
    provider       SimpleAggregateFunction(anyLast, LowCardinality(String)),
    model          LowCardinality(String),
    feature        SimpleAggregateFunction(anyLast, LowCardinality(String)),
    team           SimpleAggregateFunction(anyLast, LowCardinality(String)),
    branch         SimpleAggregateFunction(anyLast, LowCardinality(String)),
    agent          SimpleAggregateFunction(anyLast, LowCardinality(String)),
    skill          SimpleAggregateFunction(anyLast, LowCardinality(String)),
    effort         SimpleAggregateFunction(anyLast, LowCardinality(String)),
    added          SimpleAggregateFunction(sum, UInt64),
    greatest       SimpleAggregateFunction(max, UInt64),
    retention_days UInt16
)
ENGINE = AggregatingMergeTree
PARTITION BY (toMonday(day), retention_days)
ORDER BY (tenant_id, day, session_id, at, series, is_cumulative, series_type, project, model)
TTL day + toIntervalDay(retention_days)
SETTINGS ttl_only_drop_parts = 1,
         fsync_after_insert = 1, fsync_part_directory = 1,
         non_replicated_deduplication_window = 100000;

CREATE MATERIALIZED VIEW IF NOT EXISTS activitylog.metered_from_metrics TO activitylog.metered AS
WITH toUInt64(if(name = 'claude_code.cost.usage', least(greatest(round(value * 1e9), 0), 1e18), least(greatest(value, 0), 1e12))) AS amount
SELECT tenant_id, toDate(if(temporality = 'cumulative', start_timestamp, timestamp)) AS day, session_id,
       if(temporality = 'cumulative', toDateTime(start_timestamp, 'UTC'), toStartOfMinute(toDateTime(timestamp, 'UTC'))) AS at,
       sipHash64(name, model, metrics.series_type, mapSort(attributes)) AS series,
       temporality = 'cumulative' AS is_cumulative,
       if(name = 'claude_code.cost.usage', 'cost', metrics.series_type) AS series_type,
       project, repository, environment, service, user_id, provider, model, feature,
       arrayFirst(x -> x != '', [attributes['team'], attributes['team.id'], resource['team'], resource['team.id'], '']) AS team,
       arrayFirst(x -> x != '', [attributes['vcs.ref.head.name'], resource['vcs.ref.head.name'], '']) AS branch,
       attributes['agent.name'] AS agent,
       attributes['skill.name'] AS skill,
       attributes['effort'] AS effort,
       if(temporality = 'cumulative', 0, amount) AS added,
       if(temporality = 'cumulative', amount, 0) AS greatest,
       retention_days
FROM activitylog.metrics
WHERE name IN ('claude_code.token.usage', 'claude_code.cost.usage') AND session_id != '' AND temporality != 'unspecified' AND NOT isNaN(value);

-- Every call once, with what its trace knows of it; and for Claude Code sessions of which only metrics came, those.
DROP VIEW IF EXISTS pub.usage;
CREATE VIEW IF NOT EXISTS pub.usage DEFINER = wall SQL SECURITY DEFINER AS
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
    WHERE (tenant_id, session_id) NOT IN (SELECT tenant_id, session_id FROM activitylog.usage WHERE source = 'claude_code')
    GROUP BY tenant_id, day, session_id, at, series, is_cumulative, series_type, project, model
)
GROUP BY tenant_id, day, session_id, at, project, model, feature, team, branch, agent, skill, effort;
