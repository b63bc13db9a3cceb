#!/usr/bin/env bash
# The reports' figures: a database of 50 million events, 200 tenants, 30 days; and readers.
#   benches/packs.sh fill       fills DIR (once; EVENTS=50000000, a folder of some 9 GB)
#   benches/packs.sh measure    starts a server on DIR, measures everything and prints the tables as markdown
# DIR: the data folder (target/packs-bench); BINARY: a release build. Small for a try: EVENTS=2000000 DIR=/tmp/x benches/packs.sh fill
set -euo pipefail
export ACTIVITYLOG_CLICKHOUSE_INSERT_TIMEOUT=30m
cd "$(dirname "$0")/.."
DIR=${DIR:-target/packs-bench}
EVENTS=${EVENTS:-50000000}
BINARY=${BINARY:-./target/release/activitylog}
here=benches/packs

sql() { "$BINARY" sql --data-dir "$DIR" --format TSV "$1"; }
# Statements of a file, one after another.
run_file() {
  local statement
  while IFS= read -r -d ';' statement || [ -n "${statement//[[:space:]]/}" ]; do sql "$statement"; done < <(grep -v '^ *--' "$1" | sed "${2:-}")
}

start() {
  mkdir -p "$DIR"
  rm -f "$DIR/run.json"
  ACTIVITYLOG_LISTEN_GRPC=127.0.0.1:0 ACTIVITYLOG_LISTEN_OTLP_HTTP=127.0.0.1:0 ACTIVITYLOG_LISTEN_HTTP=127.0.0.1:0 \
    "$BINARY" serve --data-dir "$DIR" >"$DIR.log" 2>&1 &
  server=$!
  trap 'kill $server 2>/dev/null; wait $server 2>/dev/null || true' EXIT
  until [ -f "$DIR/run.json" ]; do kill -0 $server || { cat "$DIR.log"; exit 1; }; sleep 0.2; done
  http=$(sed -n 's/.*"http": "\([^"]*\)".*/\1/p' "$DIR/run.json")
  otlp=$(sed -n 's/.*"otlp_http": "\([^"]*\)".*/\1/p' "$DIR/run.json")
}

fill() {
  local tenants=$((EVENTS / 250000)) end begin at
  [ "$tenants" -ge 1 ] || tenants=1
  start
  # A fill that was cut short goes on where it was.
  if [ ! -f "$DIR/filled" ]; then
    echo "== a week of one tenant, by activitylog demo"
    [ "$(sql "SELECT count() > 1000 FROM activitylog.events")" = 1 ] || "$BINARY" demo --endpoint "http://$otlp" --minutes 10080 --rate 0.064 --live 0 --seed 7 >/dev/null 2>&1
    sleep 5
    run_file $here/template.sql
    # One large tenant of eight times the usual, nine of twice, a quarter of two thirds: the same total.
    sql "DROP TABLE IF EXISTS activitylog.bench_tenants SYNC"
    sql "CREATE TABLE activitylog.bench_tenants ENGINE = MergeTree ORDER BY tenant AS
         WITH greatest($tenants, 1) AS many
         SELECT concat('t', leftPad(toString(number + 1), 3, '0')) AS tenant, toUInt16(copy) AS copy, toUInt8(cityHash64(tenant, copy) % 28) AS phase,
                toUInt8(if(many >= 20 AND number >= many * 3 / 4, 68, 100)) AS share, toUInt64(cityHash64(tenant, copy, 'early') % 900000000000) AS early
         FROM numbers($tenants) ARRAY JOIN range(multiIf(many >= 20 AND number = 0, 8, many >= 20 AND number < many / 20, 2, 1)) AS copy"
    # Enterprise, each with an admin and a token: alg_a_bench_<tenant>.
    sql "INSERT INTO activitylog.tenants (id, name, tier, version) SELECT DISTINCT tenant, concat('Tenant ', tenant), 'enterprise', 1 FROM activitylog.bench_tenants"
    sql "INSERT INTO activitylog.users (id, tenant_id, email, role, version)
         SELECT DISTINCT concat('admin-', tenant), tenant, concat('admin@', tenant, '.example.com'), 'super_admin', 1 FROM activitylog.bench_tenants"
    sql "INSERT INTO activitylog.tokens (id, tenant_id, kind, user_id, hash, version)
         SELECT DISTINCT concat('token-', tenant), tenant, 'api', concat('admin-', tenant), lower(hex(SHA256(concat('alg_a_bench_', tenant)))), 1
         FROM activitylog.bench_tenants"
    echo "$(date +%s) 0" >"$DIR/filled"
  fi
  read -r end done_slices <"$DIR/filled"
  begin=$((end - 30 * 86400))
  for slice in $(seq "$done_slices" 124); do
    # 120 fill 30 days; five more make the last day a busier one.
    at=$((slice < 120 ? slice : slice - 5))
    run_file $here/fill.sql "s/@S@/$slice/g; s/@FROM@/$(((begin + at * 21600) * 1000000000))/g"
    echo "$end $((slice + 1))" >"$DIR/filled"
    echo "$(date +%T) slice $((slice + 1)) of 125"
  done
  sql "SELECT 'events', count(), 'tenants', uniq(tenant_id), 'of the largest', countIf(tenant_id = 't001'), min(timestamp), max(timestamp) FROM activitylog.events"
  sql "SELECT table, sum(rows), count() AS parts, formatReadableSize(sum(bytes_on_disk)) FROM system.parts WHERE active AND database = 'activitylog' GROUP BY table ORDER BY 2 DESC"
}

# The newest event: all ranges end with it, however long ago the database was filled.
newest() { sql "SELECT toUnixTimestamp(max(timestamp)) FROM activitylog.events WHERE tenant_id LIKE 't___'"; }

measure() {
  local readers end from to files file
  readers=${READERS:-$(cargo bench --no-run --bench readers 2>&1 | sed -n 's/.*(\(.*readers-[0-9a-f]*\)).*/\1/p')}
  start
  end=$(newest)
  from=$(date -u -d "@$((end - 30 * 86400))" +%FT%TZ); to=$(date -u -d "@$end" +%FT%TZ)
  sql "SELECT concat(toString(count()), ' events of ', toString(uniq(tenant_id)), ' tenants, ', toString(max(day) - min(day)), ' days; the largest tenant has ', toString(countIf(tenant_id = 't001')),
         ', the others about ', toString(round(countIf(tenant_id != 't001') / (uniq(tenant_id) - 1)))) FROM (SELECT tenant_id, toDate(timestamp) AS day FROM activitylog.events WHERE tenant_id LIKE 't___')"
  sql "SELECT concat(toString(sum(rows)), ' rows in all tables, ', formatReadableSize(sum(bytes_on_disk)), ', parts of events: ', toString(countIf(table = 'events')))
       FROM system.parts WHERE active AND database = 'activitylog'"
  # What a new process has not read yet is in nobody's cache; the load of others is part of the figures.
  echo; echo "$(nproc) cores; $(uptime | sed 's/.*load/load/')"; echo
  "$readers" --addr "$http" --end "$end" --tenants "${TENANTS:-200}" "$@"
  echo
  NODE_PATH=web/node_modules node $here/page.mjs "http://$http" alg_a_bench_t100 "$from" "$to" || true
  echo
  echo "| bundle | files | KB | KB, gzip |"
  echo "|---|---|---|---|"
  files=$(find web/dist -type f ! -name '*.gz')
  echo "| web/dist, all of it | $(echo "$files" | wc -l) | $(($(cat $files | wc -c) / 1024)) | $(($(for file in $files; do gzip -9c "$file"; done | wc -c) / 1024)) |"
  files=$(ls web/dist/index.html web/dist/assets/index-*.js web/dist/assets/index-*.css)
  echo "| of these, what every page loads | $(echo "$files" | wc -l) | $(($(cat $files | wc -c) / 1024)) | $(($(for file in $files; do gzip -9c "$file"; done | wc -c) / 1024)) |"
  echo; uptime | sed 's/.*load/load/'
}

case "${1:-}" in
  fill) fill ;;
  measure) shift; measure "$@" ;;
  *) sed -n '2,6p' "$0"; exit 2 ;;
esac
