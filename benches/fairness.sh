#!/usr/bin/env bash
# How long a small tenant's events wait while another one floods: from the acknowledgement to the first query that finds them.
#   benches/fairness.sh [SECONDS]     (30 by default)
# Tenant `flood` sends as fast as it is acknowledged, 500 records a request over 8 connections; tenant `calm` an event every 100 ms.
# The clock is this script's, so that each delay has some 50 ms of curl and of the pause between two looks in it.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-30}
binary=${ACTIVITYLOG_BINARY:-./target/release/activitylog}
load=${OTLP_LOAD:-$(cargo bench --no-run --bench otlp_load 2>&1 | sed -n 's/.*(\(.*otlp_load-[0-9a-f]*\)).*/\1/p')}
dir=$(mktemp -d)
ACTIVITYLOG_LISTEN_GRPC=127.0.0.1:0 ACTIVITYLOG_LISTEN_OTLP_HTTP=127.0.0.1:0 ACTIVITYLOG_LISTEN_HTTP=127.0.0.1:0 \
  "$binary" serve --data-dir "$dir" >"$dir.log" 2>&1 &
server=$!
workers=()
trap 'for worker in "${workers[@]}"; do kill $worker 2>/dev/null || true; done; kill $server 2>/dev/null || true; wait $server 2>/dev/null || true; rm -rf "$dir" "$dir.log" "$dir.load" "$dir.seen"' EXIT
until [ -f "$dir/run.json" ]; do kill -0 $server || { cat "$dir.log"; exit 1; }; sleep 0.1; done
field() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" "$2"; }
clickhouse="http://$(field clickhouse_http "$dir/run.json")/"
password=$(sed 's/.*"writer": *"\([^"]*\)".*/\1/' <(tr -d '\n' <"$dir/engine/secrets.json"))
ask() { curl -sS "$clickhouse" -H "X-ClickHouse-User: writer" -H "X-ClickHouse-Key: $password" --data-binary "$1"; }
otlp="http://$(field otlp_http "$dir/run.json")/v1/logs"
now() { date +%s%3N; }

for tenant in flood calm; do
  hash=$(printf 'alg_i_%s' $tenant | sha256sum | cut -d' ' -f1)
  ask "INSERT INTO activitylog.tenants (id, name, tier, version) VALUES ('$tenant', '$tenant', 'enterprise', 1)"
  ask "INSERT INTO activitylog.tokens (id, tenant_id, kind, name, hash, version) VALUES ('$tenant', '$tenant', 'ingest', '', '$hash', 1)"
done
send() { # tenant, message
  curl -sS -o /dev/null -w '%{http_code}' "$otlp" -H "Authorization: Bearer alg_i_$1" -H 'Content-Type: application/json' --data-binary \
    '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"'"$(date +%s%N)"'","body":{"stringValue":"'"$2"'"}}]}]}]}'
}
until [ "$(send calm 'is it known')" = 200 ] && [ "$(send flood 'is it known')" = 200 ]; do sleep 0.2; done

"$load" --addr "$(field otlp_http "$dir/run.json")" --records 1000000000 --batch 500 --attrs 14 --connections 8 \
  --header "Authorization=Bearer alg_i_flood" >"$dir.load" 2>&1 &
flood=$!
workers+=($flood)
(while true; do
  ask "SELECT message FROM activitylog.events WHERE tenant_id = 'calm' AND timestamp > now() - 60" >"$dir.seen" && at=$(now)
  sed "s/$/ $at/" "$dir.seen" >>"$dir/looks"
  sleep 0.02
done) &
workers+=($!)
sleep 2
end=$(( $(now) + seconds * 1000 )); n=0
while [ "$(now)" -lt $end ]; do
  n=$((n + 1)); before=$(now)
  status=$(send calm "calm-$n"); after=$(now)
  echo "calm-$n $after $((after - before)) $status" >>"$dir/sent"
  sleep 0.07
done
kill -0 $flood || { echo "the flood ended:"; cat "$dir.load"; exit 1; }
rows=$(curl -sS "http://$(field http "$dir/run.json")/metrics" | grep -E '^activitylog_spool_lane_rows.table="events"|^activitylog_tenant_items_total.tenant="flood",outcome="stored"')
sleep 5
for worker in "${workers[@]}"; do kill $worker 2>/dev/null || true; done
awk 'NR == FNR { if (!($1 in seen) || $2 < seen[$1]) seen[$1] = $2; next }
     $4 != 200 { refused++; next }
     { if ($3 > most_ack) most_ack = $3; if ($1 in seen) print seen[$1] - $2; else { lost++ } }
     END { printf "acknowledged in at most %d ms; %d refused; %d not readable 5 s after the end\n", most_ack, refused, lost > "/dev/stderr" }' \
  "$dir/looks" "$dir/sent" | sort -n >"$dir/delays"
awk '{ delay[NR] = $1 } END { printf "%d events: readable after %d ms (median), %d ms (p99), %d ms (longest)\n", NR, delay[int((NR + 1) / 2)], delay[int(NR * 0.99)], delay[NR] }' "$dir/delays"
echo "at the end of the measurement, what waits by lane, and what the flood has sent:"; echo "$rows"
