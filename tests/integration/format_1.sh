#!/usr/bin/env bash
# A data directory that version 0.1.0 wrote, in format 1, is read, and raised to the format of today.
# What is in it: space "words" with forty lines of `seq 1 50`, ten having been taken; space "kept"
# with two tuples and a delayed one.
#
#   format_1.sh BIN      BIN has tuplespaced and tuplespace
set -euo pipefail

bin=$(realpath "$1")
archive=$(dirname "$(realpath "$0")")/data/format-1.tar.gz

folder=$(mktemp -d)
trap 'kill -KILL "${server:-}" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
tar xzf "$archive"

"$bin/tuplespaced" --listen "unix:$folder/socket" --data d >listening 2>log &
server=$!
export TUPLESPACE_SERVER=unix:$folder/socket
until grep -q '^listening on ' listening; do
  kill -0 "$server" 2>/dev/null || { cat log >&2; exit 1; }
  sleep 0.02
done

expect() { # what it is, what is wanted, what is seen
  [[ $2 == "$3" ]] || { echo "format_1: $1: wanted \"$2\", seen \"$3\"" >&2; exit 1; }
}
expect "words" 40 "$("$bin/tuplespace" count words)"
expect "the first word" 11 "$("$bin/tuplespace" in words '(?)' --lines)"
expect "kept" "2 ready, 0 held, 1 delayed" "$("$bin/tuplespace" count kept --all)"
expect "a tuple of every type" '("job", 7, 3.5, true, null, b"\x00\xff", ["a", 1], {"k": 1})' \
  "$("$bin/tuplespace" rd kept '("job", 7, ...)')"
expect "the format" "format 2" "$(grep '^format' d/FORMAT)"
