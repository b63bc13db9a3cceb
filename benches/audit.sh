#!/usr/bin/env bash
# The activity feed and the CSV export over many audit rows: a release build on a data folder of its own, rows made with SQL.
#   benches/audit.sh [ROWS [REQUESTS]]     (10,000,000 rows and 100 requests a question by default; ROWS / 10 of them are exported)
# Times are curl's, from the connection to the last byte, over loopback. The window of 60 requests a minute is per user: many ask in turn.
set -euo pipefail
cd "$(dirname "$0")/.."
rows=${1:-10000000}
requests=${2:-100}
binary=${BINARY:-./target/release/activitylog}
dir=$(mktemp -d)
ACTIVITYLOG_LISTEN_GRPC=127.0.0.1:0 ACTIVITYLOG_LISTEN_OTLP_HTTP=127.0.0.1:0 ACTIVITYLOG_LISTEN_HTTP=127.0.0.1:0 \
  "$binary" serve --data-dir "$dir" >"$dir.log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null; wait $server 2>/dev/null; rm -rf "$dir" "$dir.log" "$dir.times"' EXIT
until [ -f "$dir/run.json" ]; do kill -0 $server || { cat "$dir.log"; exit 1; }; sleep 0.1; done
http=$(sed -n 's/.*"http": "\([^"]*\)".*/\1/p' "$dir/run.json")
sql() { "$binary" sql --data-dir "$dir" --format TSV "$1"; }
memory() { awk -v of="$1:" '$1 == of {print $2}' /proc/$server/status; }

# Forty admins, members of one project each (p3 and rare), and a super admin; their tokens are alg_a_bench_<user>.
sql "INSERT INTO activitylog.projects (id, tenant_id, slug, version)
     SELECT concat('id-', slug), 'default', slug, 1 FROM (SELECT arrayJoin(arrayConcat(['rare'], arrayMap(n -> concat('p', toString(n)), range(20)))) AS slug)"
sql "INSERT INTO activitylog.users (id, tenant_id, email, role, version)
     SELECT id, 'default', id, multiIf(id LIKE 'admin%', 'admin', id = 'root', 'super_admin', 'viewer'), 1 FROM (SELECT arrayJoin(
       arrayConcat(['root'], arrayMap(n -> concat('admin', toString(n)), range(40)), arrayMap(n -> concat('common', toString(n)), range(8)),
       arrayMap(n -> concat('seldom', toString(n)), range(8)))) AS id)"
sql "INSERT INTO activitylog.memberships (tenant_id, project_id, user_id, version)
     SELECT 'default', if(id LIKE 'common%', 'id-p3', 'id-rare'), id, 1 FROM activitylog.users WHERE role = 'viewer'"
sql "INSERT INTO activitylog.tokens (id, tenant_id, kind, user_id, hash, version)
     SELECT id, 'default', 'api', id, lower(hex(SHA256(concat('alg_a_bench_', id)))), 1 FROM activitylog.users WHERE tenant_id = 'default'"

echo "== $rows rows over 700 days, a tenth of them of user42"
batches=20; batch=$((rows / batches))
for n in $(seq 0 $((batches - 1))); do
  sql "INSERT INTO activitylog.events (tenant_id, timestamp, received_at, event_id, kind, source, event_class, event_type, project, user_id,
         message, target_type, target_id, outcome, source_ip, correlation_id, retention_days, attributes)
       SELECT 'default', now64(9) - toIntervalMillisecond(toUInt64((1 - ($n * $batch + number) / $rows) * 700 * 86400000)), now64(3),
         generateUUIDv4(), 'audit', 'audit', 'audit',
         multiIf(h % 1000000 = 7, 'curate_leak_scrubbed', h % 2 = 0, concat('task.', toString(h % 20)), concat('role.', toString(h % 30))),
         multiIf(h % 100000 = 9, 'rare', h % 10 = 0, '', concat('p', toString(intDiv(h, 100) % 20))),
         if(number % 10 = 0, 'user42', concat('user', toString(h % 1000))),
         concat('a line that says what was done to thing ', toString(h)), 'task', toString(h), 'success', '192.0.2.1', toString(generateUUIDv4()), 730,
         map('task_name', 'send_invoices', 'attempt', toString(h % 5), 'queue', 'default')
       FROM (SELECT number, cityHash64(number, $n) AS h FROM numbers($batch))
       SETTINGS optimize_on_insert = 0, max_partitions_per_insert_block = 0"
done
sql "SELECT 'rows', count(), 'parts', uniq(_part) FROM activitylog.audit"
sql "SELECT 'bytes on disk a row', round(sum(bytes_on_disk) / sum(rows)) FROM system.parts WHERE active AND database = 'activitylog' AND table = 'audit'"
sleep 3
uptime

ask() { # title, users, how many of them, query
  local title=$1 users=$2 many=$3 query=$4 n status
  : >"$dir.times"
  for n in $(seq 1 "$requests"); do
    read -r status time < <(curl -s -o /dev/null -w '%{http_code} %{time_total}\n' \
      -H "Authorization: Bearer alg_a_bench_$users$((n % many))" "http://$http/api/v1/activity?$query")
    [ "$status" = 200 ] || { echo "$title: $status"; return; }
    echo "$time" >>"$dir.times"
  done
  sort -n "$dir.times" | awk -v t="$title" '{a[NR] = $1 * 1000} END {printf "%-42s p50 %6.1f ms   p99 %6.1f ms   max %6.1f ms\n", t, a[int((NR + 1) / 2)], a[int(NR * 0.99 + 0.5)], a[NR]}'
}

middle="$(date -u -d '350 days ago' +%Y-%m-%dT%H:%M:%S.000000%%2B00:00)%7C00000000-0000-0000-0000-000000000000"
ask "first page" admin 40 ""
ask "first page of 200" admin 40 "limit=200"
ask "a page in the middle" admin 40 "before_cursor=$middle"
ask "newer than the middle" admin 40 "since_cursor=$middle"
ask "prefix, frequent" admin 40 "action_prefix=task."
ask "prefix, one in a million" admin 40 "action_prefix=curate_leak"
ask "prefix, of none" admin 40 "action_prefix=nothing."
ask "project, frequent" admin 40 "project_slug=p3"
sleep 60
ask "project, one in 100,000" admin 40 "project_slug=rare"
ask "rare project, frequent prefix" admin 40 "project_slug=rare&action_prefix=task."
ask "member of a frequent project" common 8 ""
ask "member of a rare project" seldom 8 ""

echo "== the export of user42"
# The peak is counted from here.
echo 5 >"/proc/$server/clear_refs"
before=$(memory VmHWM)
curl -s -f -H "Authorization: Bearer alg_a_bench_root" -o "$dir/export.csv" -w '%{time_total} s\n' \
  "http://$http/api/v1/audit/activity/export.csv?user_id=user42"
echo "$(($(wc -l <"$dir/export.csv") - 1)) rows, $(du -h "$dir/export.csv" | cut -f1); memory before $before kB, peak $(memory VmHWM) kB, extra $((($(memory VmHWM) - before) / 1024)) MiB"
uptime
