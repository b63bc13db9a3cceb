-- What a call costs by our own table beside what its reporter said, and whether its cache share is known: 0 and unknown differ.
ALTER TABLE activitylog.events
    ADD COLUMN IF NOT EXISTS cost_computed_usd Nullable(Decimal(18, 9)) AFTER cost_reported_usd,
    ADD COLUMN IF NOT EXISTS cache_known Bool AFTER reasoning_tokens;

ALTER TABLE activitylog.usage
    ADD COLUMN IF NOT EXISTS cost_computed_usd Nullable(Decimal(18, 9)) AFTER cost_reported_usd,
    ADD COLUMN IF NOT EXISTS cache_known Bool AFTER reasoning_tokens,
    ADD COLUMN IF NOT EXISTS is_call Bool DEFAULT true AFTER operation,
    ADD COLUMN IF NOT EXISTS team LowCardinality(String) AFTER feature,
    ADD COLUMN IF NOT EXISTS branch LowCardinality(String) AFTER team,
    ADD COLUMN IF NOT EXISTS agent LowCardinality(String) AFTER branch,
    ADD COLUMN IF NOT EXISTS skill LowCardinality(String) AFTER agent,
    ADD COLUMN IF NOT EXISTS effort LowCardinality(String) AFTER skill;

-- A copy that names its call (usage_key) stands in for a leaf that never comes; where the leaf comes, its priority wins.
-- The day is that of the end: the records of one call end together, a span's timestamp is its start.
-- A new view, and not MODIFY QUERY: after that, a repeated insert was no longer recognised in `usage` (26.7.2.1, docs/decisions/0009).
-- The old view goes last: rows that both brought are one row of `usage`, rows that none brought would be missing.
CREATE MATERIALIZED VIEW IF NOT EXISTS activitylog.calls_from_events TO activitylog.usage AS
SELECT tenant_id, toDate(if(kind = 'span', timestamp + toIntervalNanosecond(duration_ns), timestamp)) AS day,
       reinterpretAsUUID(sipHash128(events.usage_key)) AS usage_key, usage_priority AS priority, timestamp, event_id,
       project, repository, environment, service, source, user_id, session_id, trace_id,
       provider, model, operation,
       -- Logfire tells a stream's usage on a second span: tokens of a call that is counted already.
       attributes['logfire.span_type'] != 'log' AS is_call,
       feature,
       arrayFirst(x -> x != '', [attributes['team'], attributes['team.id'], resource['team'], resource['team.id'], '']) AS team,
       arrayFirst(x -> x != '', [attributes['vcs.ref.head.name'], resource['vcs.ref.head.name'], '']) AS branch,
       arrayFirst(x -> x != '', [attributes['agent.name'], attributes['gen_ai.agent.name'], '']) AS agent,
       attributes['skill.name'] AS skill,
       attributes['effort'] AS effort,
       duration_ns,
       input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, cache_creation_1h_tokens, reasoning_tokens, cache_known,
       cost_usd, cost_reported_usd, cost_computed_usd, cost_origin, price_version, retention_days
FROM activitylog.events
WHERE usage_role = 'leaf' OR (usage_role = 'copy' AND events.usage_key != '');

DROP VIEW IF EXISTS activitylog.usage_from_events SYNC;

DROP VIEW IF EXISTS pub.events;
CREATE VIEW IF NOT EXISTS pub.events DEFINER = wall SQL SECURITY DEFINER AS SELECT * FROM activitylog.events;
DROP VIEW IF EXISTS pub.usage;
CREATE VIEW IF NOT EXISTS pub.usage DEFINER = wall SQL SECURITY DEFINER AS SELECT * FROM activitylog.usage FINAL;
