INSERT INTO activitylog.events
    (tenant_id, project, repository, environment, user_id, session_id, correlation_id, service, timestamp, received_at, duration_ns,
     event_id, kind, source, event_class, event_type, outcome, severity, message, target_type, target_id, trace_id, span_id,
     parent_span_id, provider, model, operation, feature, tool_name, error_type, input_tokens, output_tokens, cache_read_tokens,
     cache_creation_tokens, cache_known, cost_usd, cost_reported_usd, cost_computed_usd, cost_origin, usage_role, usage_key,
     status_code, retention_days, attributes)
WITH [('claude_code', 'claude_code.api_request', 'llm'), ('claude_code', 'claude_code.user_prompt', 'session'),
      ('claude_code', 'claude_code.tool_result', 'tool'), ('claude_code', 'claude_code.tool_decision', 'tool'),
      ('claude_code', 'claude_code.api_error', 'error'), ('gen_ai', 'gen_ai.chat', 'llm'),
      ('github', 'pull_request.opened', 'code'), ('github', 'pull_request.merged', 'code'), ('github', 'push', 'code'),
      ('github', 'deployment.completed', 'deploy'), ('github', 'pipeline_run.completed', 'build'),
      ('github', 'release.published', 'deploy'), ('azure_devops', 'work_item.state_changed', 'work'),
      ('app', 'job.started', 'app'), ('app', 'job.finished', 'app'), ('otel', 'GET /', 'app'),
      ('audit', 'auth.login', 'auth'), ('audit', 'token.mint', 'audit')] AS types,
     types[number % length(types) + 1] AS type,
     type.1 IN ('claude_code', 'gen_ai') AND type.3 = 'llm' AS is_call
SELECT 'filled', ['', 'shop'][number % 2 + 1], 'acme/shop', 'production', ['ada', 'bob', ''][number % 3 + 1],
       concat('session-', toString(intDiv(number, 40))), concat('job-', toString(intDiv(number, 36))), ['api', 'web'][number % 2 + 1],
       now64(9, 'UTC') - toIntervalMinute(number * 4), now64(3, 'UTC'), (number % 7) * 100000000,
       generateUUIDv4(number), if(type.1 = 'otel', 'span', if(type.1 = 'audit', 'audit', 'log')), type.1, type.3, type.2,
       ['success', 'failure', 'none'][number % 3 + 1], ['info', 'error'][number % 2 + 1], concat('what happened in ', type.2),
       'thing', toString(intDiv(number, 18)), lower(hex(sipHash128(intDiv(number, 10)))), lower(hex(sipHash64(number))), '',
       'anthropic', if(is_call, ['claude-opus-4', 'gpt-5'][intDiv(number, 18) % 2 + 1], ''), 'chat', 'search', 'Edit',
       if(type.3 = 'error', 'overloaded', ''), if(is_call, 100, 0), if(is_call, 10, 0), if(is_call, 1000, 0), if(is_call, 50, 0), is_call,
       if(is_call, toDecimal64('0.001234567', 9), toDecimal64('0', 9)), if(is_call, toDecimal64('0.001234567', 9), NULL),
       if(is_call, toDecimal64('0.001234568', 9), NULL), if(is_call, 'reported', 'none'), if(is_call, 'leaf', 'none'), toString(number),
       [200, 500][number % 2 + 1], 20000,
       map('decision', ['accept', 'reject'][number % 2 + 1], 'success', ['true', 'false'][number % 2 + 1], 'state.from', 'new',
           'state.to', 'done', 'sha', 'abc', 'language', 'Rust', 'prompt.id', toString(intDiv(number, 18)))
FROM numbers(2000)
SETTINGS max_partitions_per_insert_block = 0;

INSERT INTO activitylog.metrics
    (tenant_id, project, user_id, session_id, service, timestamp, start_timestamp, received_at, event_id, source, name, unit, kind,
     temporality, is_monotonic, series_type, value, count, bucket_counts, explicit_bounds, retention_days, attributes)
WITH ['claude_code.lines_of_code.count', 'claude_code.commit.count', 'claude_code.pull_request.count', 'claude_code.token.usage',
      'http.server.request.duration', 'claude_code.active_time.total'] AS names
SELECT 'filled', '', 'ada', concat('session-', toString(intDiv(number, 40))), 'api', now64(9, 'UTC') - toIntervalMinute(number * 8),
       now64(9, 'UTC') - toIntervalDay(6), now64(3, 'UTC'), generateUUIDv4(number),
       if(names[number % length(names) + 1] LIKE 'http%', 'otel', 'claude_code'), names[number % length(names) + 1], '1',
       if(names[number % length(names) + 1] LIKE 'http%', 'histogram', 'sum'), ['delta', 'cumulative'][number % 2 + 1], true,
       ['added', 'removed'][number % 2 + 1], number % 11, if(names[number % length(names) + 1] LIKE 'http%', 6, 0),
       if(names[number % length(names) + 1] LIKE 'http%', [1, 2, 3], []), if(names[number % length(names) + 1] LIKE 'http%', [0.1, 0.5], []),
       20000, map('http.response.status_code', ['200', '500'][number % 2 + 1])
FROM numbers(1000)
SETTINGS max_partitions_per_insert_block = 0;
