-- Six hours of all tenants: slice @S@ of 120, which begins at @FROM@ (ns since 1970). Everybody is somewhere else in the week, so that no two
-- tenants peak together; ids are hashes of the template's and of tenant, copy and week, so that sessions, traces and calls hang together.
INSERT INTO activitylog.events (tenant_id, project, repository, environment, user_id, user_email, session_id, correlation_id, service, source_ip,
    timestamp, received_at, duration_ns, event_id, kind, source, event_class, event_type, outcome, severity, message, target_type, target_id,
    trace_id, span_id, parent_span_id, provider, model, operation, feature, tool_name, error_type, input_tokens, output_tokens, cache_read_tokens,
    cache_creation_tokens, cache_creation_1h_tokens, reasoning_tokens, cache_known, cost_usd, cost_reported_usd, cost_computed_usd, cost_origin,
    price_version, usage_role, usage_key, usage_priority, status_code, retention_days, resource, attributes)
WITH cityHash64(if(e.session_id = '', e.trace_id, e.session_id), salt) % 5 AS variant,
     fromUnixTimestamp64Nano(@FROM@ + e.at - toInt64(early), 'UTC') AS moment
SELECT tenant, e.project, if(e.repository = '' OR variant > 1, e.repository, concat(e.repository, '-', toString(variant))), e.environment,
       if(e.user_id = '' OR e.kind = 'audit', e.user_id, if(e.source = 'claude_code', lower(hex(sipHash128(e.user_id, tenant, variant))), concat(e.user_id, '-', toString(variant)))),
       if(e.user_email = '', '', concat('n', toString(variant), '.', e.user_email)),
       if(e.session_id = '', '', toString(reinterpretAsUUID(sipHash128(e.session_id, salt)))),
       if(e.correlation_id = '', '', toString(reinterpretAsUUID(sipHash128(e.correlation_id, salt)))),
       e.service, e.source_ip, moment, toDateTime64(moment, 3, 'UTC') + toIntervalMillisecond(900),
       e.duration_ns, reinterpretAsUUID(sipHash128(e.event_id, salt)), e.kind, e.source, e.event_class, e.event_type, e.outcome, e.severity, e.message,
       e.target_type, e.target_id,
       if(e.trace_id = '', '', lower(hex(sipHash128(e.trace_id, salt)))),
       if(e.span_id = '', '', lower(hex(sipHash64(e.span_id, salt)))), if(e.parent_span_id = '', '', lower(hex(sipHash64(e.parent_span_id, salt)))),
       e.provider, e.model, e.operation, e.feature, e.tool_name, e.error_type, e.input_tokens, e.output_tokens, e.cache_read_tokens,
       e.cache_creation_tokens, e.cache_creation_1h_tokens, e.reasoning_tokens, e.cache_known, e.cost_usd, e.cost_reported_usd, e.cost_computed_usd,
       e.cost_origin, e.price_version, e.usage_role, if(e.usage_key = '', '', concat('req_', lower(hex(sipHash128(e.usage_key, salt))))), e.usage_priority,
       e.status_code, 90, e.resource, e.attributes
FROM
(
    SELECT tenant, share, early, toUInt8((@S@ + phase) % 28) AS wanted, concat(tenant, '/', toString(copy), '/', toString(intDiv(@S@ + phase, 28))) AS salt
    FROM activitylog.bench_tenants
) AS n
INNER JOIN activitylog.bench_events AS e ON n.wanted = e.slice
WHERE cityHash64(if(e.session_id != '', e.session_id, if(e.trace_id != '', e.trace_id, toString(e.event_id)))) % 100 < share
SETTINGS optimize_on_insert = 0, max_partitions_per_insert_block = 0, min_insert_block_size_rows = 1048576, min_insert_block_size_bytes = 0,
         max_insert_threads = 1, max_threads = 2;

INSERT INTO activitylog.metrics
SELECT * REPLACE (tenant AS tenant_id,
    if(user_id = '', '', lower(hex(sipHash128(user_id, tenant, cityHash64(session_id, salt) % 5)))) AS user_id,
    if(session_id = '', '', toString(reinterpretAsUUID(sipHash128(session_id, salt)))) AS session_id,
    fromUnixTimestamp64Nano(@FROM@ + at - toInt64(early), 'UTC') AS timestamp,
    fromUnixTimestamp64Nano(@FROM@ + at - toInt64(early) - 60000000000, 'UTC') AS start_timestamp,
    fromUnixTimestamp64Milli(intDiv(@FROM@ + at, 1000000), 'UTC') AS received_at,
    reinterpretAsUUID(sipHash128(event_id, salt)) AS event_id, 90 AS retention_days)
EXCEPT (place, slice, at, tenant, share, early, salt)
FROM
(
    SELECT m.*, n.tenant, n.share, n.early, n.salt
    FROM (SELECT tenant, share, early, toUInt8((@S@ + phase) % 28) AS wanted, concat(tenant, '/', toString(copy), '/', toString(intDiv(@S@ + phase, 28))) AS salt FROM activitylog.bench_tenants) AS n
    INNER JOIN activitylog.bench_metrics AS m ON n.wanted = m.slice
    WHERE cityHash64(if(m.session_id != '', m.session_id, toString(m.event_id))) % 100 < n.share
)
SETTINGS optimize_on_insert = 0, max_partitions_per_insert_block = 0, min_insert_block_size_rows = 1048576, min_insert_block_size_bytes = 0,
         max_insert_threads = 1, max_threads = 2
