#!/usr/bin/env bash
# The main job: every line of a real file goes through a space and comes out once, although the
# server is killed with SIGKILL twice while lines go in and twice while they come out.
#
#   main_job.sh BIN [FILE]      BIN has tuplespaced and tuplespace; FILE: Debian's wamerican
set -euo pipefail

bin=$(realpath "$1")
file=$(realpath "${2:-/usr/share/dict/american-english}")
workers=4
lines_min=100000

folder=$(mktemp -d)
server=
end() {
  jobs -p | xargs -r kill -KILL 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$folder"
}
trap end EXIT
cd "$folder"

fail() {
  echo "main_job: $*" >&2
  tail -n 20 server.log >&2
  exit 1
}

# The first start takes a free port, the others the same one again.
address=127.0.0.1:0
start_server() {
  : >listening
  "$bin/tuplespaced" --listen "$address" --data data >listening 2>>server.log &
  server=$!
  until grep -q '^listening on ' listening; do
    kill -0 "$server" 2>/dev/null || fail "the server ended before it listened"
    sleep 0.02
  done
  address=$(sed -n 's/^listening on //p' listening)
  export TUPLESPACE_SERVER=$address
}

kill_server() {
  kill -KILL "$server"
  wait "$server" 2>/dev/null || true
  kills=$((kills + 1))
}

# Waits until the figure that the command prints has reached a number.
until_at_least() { # NUMBER COMMAND...
  local number=$1 seen
  shift
  until seen=$("$@") && ((${seen:-0} >= number)); do sleep 0.02; done
}
stored() { "$bin/tuplespace" count lines '(?)' 2>/dev/null || true; }
taken_bytes() { cat taken.* | wc -c; }

# Gates hold lines back in a pipe, so that the server dies while they are on their way, however
# fast the machine is.
gate() { until [[ -e gate.$1 ]]; do sleep 0.02; done; }
open_gate() { : >"gate.$1"; }

lines=$(wc -l <"$file")
bytes=$(wc -c <"$file")
((lines >= lines_min)) || fail "$file has $lines lines, $lines_min are needed"
kills=0
start_server

part=$((lines / 3))
{
  sed -n "1,${part}p" "$file"
  gate 1
  sed -n "$((part + 1)),$((2 * part))p" "$file"
  gate 2
  sed -n "$((2 * part + 1)),\$p" "$file"
} | "$bin/tuplespace" out lines --lines 2>writer.log &
writer=$!
for number in 1 2; do
  until_at_least $((number * part - part / 2)) stored
  kill_server
  open_gate "$number"
  start_server
done
wait "$writer" || fail "the writer failed: $(cat writer.log)"
[[ $(stored) == "$lines" ]] || fail "$lines lines went in, $(stored) are there"

# A worker ends when it has its share, or nothing is left.
share=$((lines / workers + 1))
some=$((bytes / workers / 4))
takers=()
for ((worker = 0; worker < workers; worker++)); do
  "$bin/tuplespace" in lines '(?)' --lines --max "$share" 2>"taker.$worker.log" | {
    head -c "$some"
    gate 3
    head -c "$some"
    gate 4
    cat
  } >"taken.$worker" &
  takers+=($!)
done
for number in 1 2; do
  until_at_least $((number * some * workers - some)) taken_bytes
  kill_server
  open_gate $((number + 2))
  start_server
done
for taker in "${takers[@]}"; do
  wait "$taker" || fail "a worker failed: $(cat taker.*.log)"
done

[[ $(stored) == 0 ]] || fail "$(stored) lines were left behind"
taken=$(cat taken.* | wc -l)
in=$(LC_ALL=C sort "$file" | sha256sum)
out=$(cat taken.* | LC_ALL=C sort | sha256sum)
echo "$lines lines in, $taken out, through a server killed $kills times"
echo "sha256 of the sorted lines, in and out:"
echo "  ${in%% *}"
echo "  ${out%% *}"
[[ $in == "$out" && $taken == "$lines" ]] || fail "what came out is not what went in"
