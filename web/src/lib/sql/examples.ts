// Queries to begin with.
export const EXAMPLES: { title: string; query: string }[] = [
  {
    title: 'Events per hour, by class',
    query: `SELECT toStartOfHour(timestamp) AS time, event_class, count() AS events
FROM events
WHERE timestamp > now() - INTERVAL 1 DAY
GROUP BY time, event_class
ORDER BY time`,
  },
  {
    title: 'Cost and tokens by model, last 7 days',
    query: `SELECT model, countIf(is_call) AS calls, sum(cost_usd) AS cost_usd,
       sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens
FROM usage
WHERE day >= today() - 7
GROUP BY model
ORDER BY cost_usd DESC`,
  },
  {
    title: 'Cost per day and user',
    query: `SELECT day, user_id, sum(cost_usd) AS cost_usd
FROM usage
WHERE day >= today() - 30
GROUP BY day, user_id
ORDER BY day`,
  },
  {
    title: 'Slowest tools',
    query: `SELECT tool_name, count() AS runs,
       quantile(0.5)(duration_ns) / 1e6 AS p50_ms, quantile(0.95)(duration_ns) / 1e6 AS p95_ms
FROM events
WHERE tool_name != '' AND duration_ns > 0 AND timestamp > now() - INTERVAL 7 DAY
GROUP BY tool_name
ORDER BY p95_ms DESC
LIMIT 20`,
  },
  {
    title: 'Last errors',
    query: `SELECT timestamp, service, event_type, message, session_id, trace_id
FROM events
WHERE event_class = 'error' AND timestamp > now() - INTERVAL 1 DAY
ORDER BY timestamp DESC
LIMIT 100`,
  },
  { title: 'Columns of events', query: 'DESCRIBE TABLE events' },
];
