#!/usr/bin/env bash
# The figures of benches/README.md, on this machine: a release build on a data folder of its own, loaded over loopback.
#   benches/run.sh [RECORDS]     (1,000,000 by default)
# CPU is utime + stime of /proc/PID/stat, from the first request until the spool is empty: what arrives later is paid for too.
set -euo pipefail
cd "$(dirname "$0")/.."
records=${1:-1000000}
dir=$(mktemp -d)
load=$(cargo bench --no-run --bench otlp_load 2>&1 | sed -n 's/.*(\(.*otlp_load-[0-9a-f]*\)).*/\1/p')
ACTIVITYLOG_LISTEN_GRPC=127.0.0.1:0 ACTIVITYLOG_LISTEN_OTLP_HTTP=127.0.0.1:0 ACTIVITYLOG_LISTEN_HTTP=127.0.0.1:0 \
  ./target/release/activitylog serve --data-dir "$dir" >"$dir.log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null; wait $server 2>/dev/null; rm -rf "$dir" "$dir.log"' EXIT
until [ -f "$dir/run.json" ]; do kill -0 $server || { cat "$dir.log"; exit 1; }; sleep 0.1; done
address() { sed -n "s/.*\"$1\": \"\([^\"]*\)\".*/\1/p" "$dir/run.json"; }
engine=$(pgrep -P $server)
ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{print $12 + $13}'; }
spooled() { curl -s "http://$(address http)/metrics" | awk '/^activitylog_spool_rows\{/ {n += $2} END {print n + 0}'; }
drained() { until [ "$(spooled)" = 0 ]; do sleep 0.2; done; sleep 1; }

measure() { # title, records, arguments of the load
  local title=$1 count=$2; shift 2
  local before_server before_engine
  before_server=$(ticks $server); before_engine=$(ticks "$engine")
  echo "== $title"
  "$load" --records "$count" --attrs 14 "$@" | grep -E 'records|ack|not 200'
  drained
  awk -v n="$count" -v s="$(( $(ticks $server) - before_server ))" -v e="$(( $(ticks "$engine") - before_engine ))" \
    'BEGIN {printf "until drained: collector %.2f us, engine %.2f us CPU a record\n", s * 1e4 / n, e * 1e4 / n}'
}

cat "$dir.log" | tail -1; uptime
measure "HTTP protobuf, 500 records a request, 4 connections" "$records" --addr "$(address otlp_http)" --batch 500 --connections 4
measure "the same, again" "$records" --addr "$(address otlp_http)" --batch 500 --connections 4
measure "gRPC, 500 records a request, 4 connections" "$records" --protocol grpc --addr "$(address grpc)" --batch 500 --connections 4
measure "HTTP protobuf, 1 record a request, 64 connections" $((records / 10)) --addr "$(address otlp_http)" --batch 1 --connections 64
measure "HTTP protobuf, at 50,000 records/s" $((records / 2)) --addr "$(address otlp_http)" --batch 500 --connections 4 --rate 50000
grep -E 'VmHWM' /proc/$server/status | sed 's/VmHWM:/collector, peak memory:/'
grep -E 'VmHWM' "/proc/$engine/status" | sed 's/VmHWM:/engine, peak memory:/'
./target/release/activitylog sql --data-dir "$dir" --format TSV "SELECT 'stored', count(), 'different', uniqExact(event_id) FROM activitylog.events"
./target/release/activitylog sql --data-dir "$dir" --format TSV "SELECT 'bytes on disk a row', round(sum(bytes_on_disk) / sum(rows)) FROM system.parts WHERE active AND database = 'activitylog' AND table = 'events'"
uptime
