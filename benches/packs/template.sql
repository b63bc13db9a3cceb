-- One week of a tenant of 250,000 events a month: what `activitylog demo` sent, and beside it what it doesn't send (webhooks,
-- native messages, audit entries). `fill.sql` copies it, shifted, for each tenant, copy and week. `slice`: six hours; `at`: ns in it.
DROP TABLE IF EXISTS activitylog.bench_events SYNC;
CREATE TABLE activitylog.bench_events ENGINE = MergeTree ORDER BY slice AS
SELECT e.*, toUInt8(intDiv(place, 21600000000000)) AS slice, toInt64(place % 21600000000000) AS at
FROM (SELECT *, (toUnixTimestamp64Nano(timestamp) - assumeNotNull((SELECT toUnixTimestamp64Nano(min(timestamp)) FROM activitylog.events WHERE kind != 'audit'))) % 604800000000000 AS place
      FROM activitylog.events WHERE kind != 'audit') AS e;

DROP TABLE IF EXISTS activitylog.bench_metrics SYNC;
CREATE TABLE activitylog.bench_metrics ENGINE = MergeTree ORDER BY slice AS
SELECT e.*, toUInt8(intDiv(place, 21600000000000)) AS slice, toInt64(place % 21600000000000) AS at
FROM (SELECT *, (toUnixTimestamp64Nano(timestamp) - assumeNotNull((SELECT toUnixTimestamp64Nano(min(timestamp)) FROM activitylog.events WHERE kind != 'audit'))) % 604800000000000 AS place
      FROM activitylog.metrics WHERE timestamp >= (SELECT min(timestamp) FROM activitylog.events WHERE kind != 'audit')) AS e;

-- Webhooks, 2,500 a week: pull requests (opened, then merged or closed), runs of pipelines, pushes, deployments, releases, work items.
INSERT INTO activitylog.bench_events (kind, source, event_class, event_type, project, repository, user_id, target_type, target_id, outcome, severity,
    environment, duration_ns, message, event_id, attributes, slice, at)
WITH ['storefront', 'search', 'payments', 'mobile'] AS projects,
     -- Which thing, and when in the week its first event was.
     cityHash64(number, 'webhook') AS h, h % 604800000 AS first_ms,
     multiIf(number < 400, 'pr', number < 1100, 'run', number < 1600, 'push', number < 1750, 'deploy', number < 1775, 'release', 'item') AS thing,
     projects[1 + h % 4] AS project_name
SELECT 'webhook', if(h % 5 = 0, 'azure_devops', 'github'),
       multiIf(failed, 'error', thing IN ('pr', 'push', 'release'), 'code', thing = 'run', 'build', thing = 'deploy', 'deploy', 'work') AS class, step.1,
       project_name, concat('acme/', project_name), concat('dev', toString(h % 12)),
       multiIf(thing = 'pr', 'pull_request', thing = 'run', 'pipeline_run', thing = 'push', 'ref', thing = 'deploy', 'deployment', thing = 'release', 'release', 'work_item'),
       if(thing = 'push', 'refs/heads/main', toString(10000 + number)),
       multiIf(step.3 = 0, 'none', failed, 'failure', thing IN ('run', 'deploy'), 'success', 'none'), if(failed, 'error', 'info'),
       if(thing = 'deploy', ['production', 'staging'][1 + h % 2], ''),
       if(step.3 = 1 AND thing IN ('run', 'deploy'), (60 + h % 900) * 1000000000, 0),
       concat('dev', toString(h % 12), ' ', step.1, ' #', toString(number), ' of acme/', project_name),
       reinterpretAsUUID(sipHash128(number, step.1, 'webhook')),
       map('webhook.source', 'acme', 'webhook.delivery_id', toString(number), 'vcs.provider.name', 'github', 'vcs.project', 'acme', 'title', concat('Change ', toString(number)),
           'vcs.ref.head.revision', lower(hex(sipHash128(number))), 'vcs.ref.base.name', 'main', 'url.full', concat('https://git.example.com/acme/', toString(number))),
       toUInt8(intDiv(place_ms, 21600000)), toInt64(place_ms % 21600000) * 1000000
FROM
(
    SELECT number, h, thing, project_name, first_ms, step, step.3 = 1 AND thing IN ('run', 'deploy') AND h % 7 = 0 AS failed,
           (first_ms + step.2 * 1000) % 604800000 AS place_ms
    FROM numbers(2000)
    ARRAY JOIN multiIf(
        thing = 'pr', [('pull_request.opened', toUInt64(0), 0), (if(h % 6 = 0, 'pull_request.closed', 'pull_request.merged'), 600 + h % 200000, 1)],
        thing = 'run', [('pipeline_run.completed', toUInt64(0), 1)], thing = 'push', [('push', toUInt64(0), 0)],
        thing = 'deploy', [('deployment.started', toUInt64(0), 0), ('deployment.completed', 60 + h % 900, 1)],
        thing = 'release', [('release.published', toUInt64(0), 0)],
        [('work_item.created', toUInt64(0), 0), ('work_item.state_changed', 3600 + h % 300000, 1)]) AS step
);

-- Native messages, 4,500 a week: jobs that say when they start and when they finish (some never do), and requests with a duration.
INSERT INTO activitylog.bench_events (kind, source, event_class, event_type, project, service, user_id, outcome, severity, correlation_id, duration_ns,
    message, event_id, attributes, slice, at)
WITH cityHash64(number, 'message') AS h, ['mailer', 'billing', 'importer'][1 + h % 3] AS service_name,
     ['send_invoices', 'sync_catalogue', 'rebuild_index', 'import_orders'][1 + h % 4] AS job, number < 1500 AS is_job
SELECT 'message', 'app', if(step.2 = 1 AND h % 40 = 0, 'error', 'app'), step.1, ['storefront', 'search', 'payments'][1 + h % 3], service_name, concat('dev', toString(h % 12)),
       if(step.2 = 1, if(h % 40 = 0, 'failure', 'success'), ''), if(step.2 = 1 AND h % 40 = 0, 'error', 'info'),
       if(is_job, toString(reinterpretAsUUID(sipHash128(number, 'job'))), ''), if(step.2 = 1, (5 + h % 3000) * 1000000, 0), concat(job, ' of ', service_name),
       reinterpretAsUUID(sipHash128(number, step.1, 'message')), map('job', job, 'queue', 'default', 'attempt', toString(h % 3)),
       toUInt8(intDiv(place_ms, 21600000)), toInt64(place_ms % 21600000) * 1000000
FROM
(
    SELECT number, h, service_name, job, is_job, step, (h % 604800000 + step.2 * (5 + h % 3000)) % 604800000 AS place_ms
    FROM numbers(3000)
    ARRAY JOIN if(is_job, arraySlice([(concat(job, '.started'), 0), (concat(job, '.finished'), 1)], 1, if(h % 50 = 0, 1, 2)), [('request.handled', 1)]) AS step
);

-- Audit entries, 1,700 a week.
INSERT INTO activitylog.bench_events (kind, source, event_class, event_type, project, user_id, source_ip, target_type, target_id, outcome, severity, message, event_id, attributes, slice, at)
WITH cityHash64(number, 'audit') AS h,
     multiIf(number < 600, 'auth.login', number < 680, 'auth.login_failed', number < 1200, 'sql.query',
         ['token.mint', 'token.revoke', 'invite.issue', 'invite.accept', 'user.add', 'user.edit', 'user.role_change', 'membership.add', 'membership.remove', 'project.edit',
          'settings.edit', 'export.activity', 'auth.logout', 'role.edit', 'pack.enable', 'webhook.add'][1 + h % 16]) AS action
SELECT 'audit', 'audit', 'audit', action, if(h % 3 = 0, 'search', ''), concat('admin', toString(h % 9)), '192.0.2.7', splitByChar('.', action)[1], toString(h % 500),
       if(action = 'auth.login_failed', 'failure', 'success'), 'info', concat(action, ' by admin', toString(h % 9)), reinterpretAsUUID(sipHash128(number, 'audit')),
       if(action = 'auth.login_failed', map('decision', 'deny'), map('via', 'portal')),
       toUInt8(intDiv(h % 604800000, 21600000)), toInt64(h % 21600000) * 1000000
FROM numbers(1700);

TRUNCATE TABLE activitylog.events;
TRUNCATE TABLE activitylog.usage;
TRUNCATE TABLE activitylog.events_by_minute;
TRUNCATE TABLE activitylog.metrics;
TRUNCATE TABLE activitylog.metered;
TRUNCATE TABLE activitylog.trace_context
