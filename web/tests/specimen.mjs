// A pack with every visual, and answers for its panels, for states that a real server does not get into on demand.
const DAY = 86_400_000;

const panel = (id, title, visual, more = {}) => ({
  id, title, visual, description: `What ${title.toLowerCase()} counts, in one line.`, unit: 'count', x: null, by: null, values: [], width: 'half', summary: false, drill_down: null, filters: ['project', 'user_id', 'model'], ...more,
});

export const PANELS = [
  panel('active-users', 'Active users', 'stat', { values: ['users', 'sessions'], summary: true, drill_down: '/?source=claude_code' }),
  panel('spend', 'Spend', 'stat', { unit: 'usd', values: ['cost_usd', 'budget_usd', 'projected_usd'], summary: true }),
  panel('cache-hit-rate', 'Cache-hit rate', 'stat', { unit: 'ratio', values: ['hit_ratio'], summary: true }),
  panel('cost-by-user', 'Cost by user', 'columns', { unit: 'usd', x: 'time', by: 'user_id', values: ['cost_usd'], summary: true, drill_down: '/?source=claude_code&event_type=claude_code.api_request&user_id={user_id}' }),
  panel('latency', 'Latency', 'line', { unit: 'ms', x: 'time', values: ['p50_ms', 'p95_ms', 'p99_ms'], drill_down: '/?source=claude_code&event_type=claude_code.api_request' }),
  panel('token-breakdown', 'Tokens', 'area', { unit: 'tokens', x: 'day', values: ['input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_creation_tokens'], width: 'full' }),
  panel('top-tools', 'Top tools', 'bars', { by: 'tool_name', values: ['succeeded', 'failed'], drill_down: '/?tool_name={tool_name}' }),
  panel('models', 'Models', 'bars', { unit: 'usd', by: 'model', values: ['cost_usd'], drill_down: '/?model={model}', filters: ['project'] }),
  panel('system-health', 'System health', 'status', { by: 'service', drill_down: '/?service={service}' }),
  panel('top-cost-spans', 'Top-cost spans', 'table', { unit: 'usd', values: ['cost_usd'], drill_down: '/traces/{trace_id}' }),
  panel('release-timeline', 'Releases', 'marks', { unit: 'none', x: 'time', by: 'environment', width: 'full', drill_down: '/?environment={environment}' }),
  panel('interaction-timeline', 'A session', 'waterfall', { unit: 'ms', x: 'time', width: 'full', drill_down: '/sessions/{session_id}' }),
];

export const PACK = {
  id: 'specimen', title: 'Specimen', description: 'Every visual once.', sources: ['claude_code'], filters: ['project', 'user_id', 'model'],
  enabled: true, available: true, custom: false, may_change: true, panels: PANELS,
};

// The same figures on every run.
function random(seed) {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}
const round = (value, digits = 2) => Number(value.toFixed(digits));
const iso = (ms) => new Date(ms).toISOString();
const day = (ms) => {
  const date = new Date(ms);
  return [date.getFullYear(), String(date.getMonth() + 1).padStart(2, '0'), String(date.getDate()).padStart(2, '0')].join('-');
};
const column = (name, type, unit = 'none') => ({ name, type, unit });
const USERS = ['ada', 'bela', 'chen', 'dora', 'emil', 'fay', 'gil', 'hana', 'ivo', 'june', 'kofi', 'lena', 'milo', 'nia'];

/** Midnights from `from` to `to`, one in nine left out. */
function* days(from, to, next) {
  const date = new Date(new Date(from).setHours(0, 0, 0, 0));
  for (; date.getTime() < to; date.setDate(date.getDate() + 1)) if (next() > 0.11) yield date.getTime();
}

const MAKE = {
  'active-users': () => [[column('users', 'integer', 'count'), column('sessions', 'integer', 'count')], [[23, 418]]],
  spend: () => [[column('cost_usd', 'decimal', 'usd'), column('budget_usd', 'decimal', 'usd'), column('projected_usd', 'decimal', 'usd')], [[1234.567891, 2000, 1763.66]]],
  'cache-hit-rate': () => [[column('hit_ratio', 'number', 'ratio')], [[0.8734]]],
  'cost-by-user': (from, to, next) => [
    [column('time', 'time'), column('user_id', 'string'), column('cost_usd', 'decimal', 'usd')],
    [...days(from, to, next)].flatMap((at) => USERS.flatMap((user, index) => (next() < 0.7 ? [[iso(at), user, round((next() * 40) / (index + 1), 6)]] : []))),
  ],
  latency: (from, to, next) => [
    ['time', 'p50_ms', 'p95_ms', 'p99_ms'].map((name) => column(name, name === 'time' ? 'time' : 'number', name === 'time' ? 'none' : 'ms')),
    [...days(from, to, next)].map((at) => [iso(at), round(800 + next() * 400), round(2500 + next() * 1500), round(5000 + next() * 6000)]),
  ],
  'token-breakdown': (from, to, next) => [
    ['day', 'input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_creation_tokens'].map((name) => column(name, name === 'day' ? 'date' : 'integer', name === 'day' ? 'none' : 'tokens')),
    [...days(from, to, next)].map((at) => [day(at), Math.round(next() * 2e6), Math.round(next() * 8e5), Math.round(next() * 9e6), Math.round(next() * 1e6)]),
  ],
  'top-tools': () => [
    [column('tool_name', 'string'), column('succeeded', 'integer', 'count'), column('failed', 'integer', 'count'), column('p95_ms', 'number', 'ms')],
    ['Bash', 'Read', 'Edit', 'Grep', 'Write', 'Glob', 'WebFetch', 'mcp__linear__create_issue', 'TodoWrite', 'NotebookEdit', 'Task', 'WebSearch'].map((tool, index) => [tool, Math.round(9000 / (index + 1)), Math.round(300 / (index + 1)), 40 * (index + 1)]),
  ],
  models: () => [[column('model', 'string'), column('cost_usd', 'decimal', 'usd')], [['claude-sonnet-4-5', 812.2], ['claude-opus-4-1', 390.01], ['claude-haiku-4-5', 31.5], ['', 0.8]]],
  'system-health': () => [
    [column('service', 'string'), column('status', 'string'), column('reason', 'string'), column('requests', 'integer', 'count'), column('error_rate', 'number', 'ratio'), column('p95_ms', 'number', 'ms')],
    [['checkout', 'bad', '12.4 % of requests failed (limit 5 %)', 18_230, 0.124, 912], ['search', 'warn', 'p95 1.4 s (limit 1 s)', 90_112, 0.002, 1400], ['catalogue', 'ok', 'within limits', 410_233, 0.0004, 84], ['mailer', 'unknown', 'nothing for 3 h', 0, null, null]],
  ],
  'top-cost-spans': (from, to, next) => [
    [column('trace_id', 'string'), column('time', 'time'), column('model', 'string'), column('user_id', 'string'), column('tokens', 'integer', 'tokens'), column('cost_usd', 'decimal', 'usd')],
    Array.from({ length: 64 }, (_, index) => [`${(index + 10).toString(16)}f92f3577b34da6a3ce929d0e0e4736`, iso(from + next() * (to - from)), 'claude-opus-4-1', USERS[index % 14], Math.round(next() * 1e6), round(20 / (index + 1), 6)]),
  ],
  'release-timeline': (from, to, next) => [
    [column('time', 'time'), column('environment', 'string'), column('label', 'string'), column('repository', 'string'), column('outcome', 'string')],
    Array.from({ length: 46 }, (_, index) => [iso(from + next() * (to - from)), ['production', 'staging', 'preview'][Math.floor(next() * 3)], `v1.${index}.0`, 'shop/checkout', next() < 0.9 ? 'success' : 'failure']).sort(),
  ],
  'interaction-timeline': (from, to) => {
    const start = to - 3_600_000;
    const step = (id, parent_id, after, duration, kind, name, outcome = 'success') => [id, parent_id, iso(start + after), duration, kind, name, outcome, 's-1'];
    return [
      [column('id', 'string'), column('parent_id', 'string'), column('time', 'time'), column('duration_ms', 'number', 'ms'), column('kind', 'string'), column('name', 'string'), column('outcome', 'string'), column('session_id', 'string')],
      [
        step('1', '', 0, 42_000, 'prompt', 'prompt 1'), step('2', '1', 100, 6200, 'model', 'claude-sonnet-4-5'), step('3', '1', 6400, 900, 'tool', 'Read'), step('4', '1', 7400, 12_000, 'model', 'claude-sonnet-4-5'),
        step('5', '1', 19_600, 4100, 'tool', 'Bash', 'failure'), step('6', '1', 24_000, 17_000, 'model', 'claude-sonnet-4-5'), step('7', '', 60_000, 9000, 'prompt', 'prompt 2'), step('8', '7', 60_100, 8000, 'model', 'claude-haiku-4-5'),
      ],
    ];
  },
};

export function answer(id, search) {
  const params = new URLSearchParams(search);
  const to = Date.parse(params.get('to') ?? '') || Date.now();
  const from = Date.parse(params.get('from') ?? '') || to - 30 * DAY;
  const { title, unit, visual } = PANELS.find((one) => one.id === id);
  const [columns, rows] = MAKE[id](from, to, random(id.length * 7919));
  return { pack_id: PACK.id, panel_id: id, title, unit, visual, from: iso(from), to: iso(to), timezone: params.get('timezone') ?? 'UTC', bucket_seconds: 86_400, columns, rows, truncated: false };
}

const problem = (status, title, detail) => ({ status, contentType: 'application/problem+json', body: JSON.stringify({ type: 'about:blank', status, title, detail }) });
const json = (body) => ({ status: 200, contentType: 'application/json', body: JSON.stringify(body) });

/** Answers for the pack instead of the server's. `state`: of all its panels. Called again, the last one counts. */
export async function serveSpecimen(context, { state = 'data', pack = PACK, others = [] } = {}) {
  await context.route(/\/api\/v1\/packs$/, (route) => route.fulfill(json({ items: [pack, ...others] })));
  await context.route(/\/api\/v1\/packs\/specimen\/panels\//, (route) => {
    const url = new URL(route.request().url());
    const id = url.pathname.split('/').at(-1);
    if (state === 'error') return route.fulfill(problem(500, 'The panel could not be answered', 'the store did not answer in time'));
    // Never answered; the page goes away first.
    if (state === 'loading') return undefined;
    const whole = answer(id, url.search);
    if (state === 'empty') return route.fulfill(json({ ...whole, rows: [] }));
    if (state === 'truncated') return route.fulfill(json({ ...whole, truncated: true }));
    return route.fulfill(json(whole));
  });
  await context.route(/\/api\/v1\/values\?/, (route) => {
    const params = new URL(route.request().url()).searchParams;
    const items = USERS.filter((user) => user.includes(params.get('q') ?? '')).map((value, index) => ({ value, events: 9000 - index * 371 }));
    return route.fulfill(json({ items }));
  });
}
