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

# Waits until the figure that the command prints has reached a number, while a process lives.
until_at_least() { # NUMBER PROCESS COMMAND...
  local number=$1 process=$2 seen
  shift 2
  until seen=$("$@" 2>/dev/null) && ((seen >= number)); do
    kill -0 "$process" 2>/dev/null || fail "all was over before $number were seen by: $*"
    sleep 0.02
  done
}
stored() { "$bin/tuplespace" count lines '(?string)'; }
taken() { cat taken.* | wc -l; }

lines=$(wc -l <"$file")
((lines >= lines_min)) || fail "$file has $lines lines, $lines_min are needed"
kills=0
start_server

"$bin/tuplespace" out lines --lines <"$file" 2>writer.log &
writer=$!
for share in 20 60; do
  until_at_least $((lines * share / 100)) "$writer" stored
  kill_server
  start_server
done
wait "$writer" || fail "the writer failed: $(cat writer.log)"
[[ $(stored) == "$lines" ]] || fail "$lines lines went in, $(stored) are there"

# Each worker ends when it has its share.
takers=()
for ((worker = 0; worker < workers; worker++)); do
  share=$(((lines + worker) / workers))
  "$bin/tuplespace" in lines '(?)' --lines --max "$share" >"taken.$worker" 2>"taker.$worker.log" &
  takers+=($!)
done
for share in 20 60; do
  until_at_least $((lines * share / 100)) "$server" taken
  kill_server
  start_server
done
for taker in "${takers[@]}"; do
  wait "$taker" || fail "a worker failed: $(cat taker.*.log)"
done

[[ $(stored) == 0 ]] || fail "$(stored) lines were left behind"
in=$(LC_ALL=C sort "$file" | sha256sum)
out=$(cat taken.* | LC_ALL=C sort | sha256sum)
echo "$lines lines in, $(taken) out, through a server killed $kills times"
echo "sha256 of the sorted lines, in and out:"
echo "  ${in%% *}"
echo "  ${out%% *}"
[[ $in == "$out" && $(taken) == "$lines" ]] || fail "what came out is not what went in"
