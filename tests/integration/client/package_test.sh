#!/usr/bin/env bash
# The CMake package: what `cmake --install` puts somewhere is enough to build and run the example,
# and who only calls servers gets no RocksDB.
#
#   package_test.sh BUILD EXAMPLE      the build directory and the example's source
set -euo pipefail

build=$1 example=$2
folder=$(mktemp -d)
server=
end() {
  [[ -n $server ]] && kill -KILL "$server" 2>/dev/null
  wait 2>/dev/null || true
  rm -rf "$folder"
}
trap end EXIT

fail() {
  echo "package_test: $*" >&2
  exit 1
}

cmake --install "$build" --prefix "$folder/prefix" >"$folder/install.log"
cmake -S "$example" -B "$folder/build" -DCMAKE_PREFIX_PATH="$folder/prefix" \
  -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror" >"$folder/configure.log"
cmake --build "$folder/build" >"$folder/build.log" || fail "$(cat "$folder/build.log")"

if ldd "$folder/build/workers_remote" | grep -q rocksdb; then
  fail "Tuplespace::client brings RocksDB with it"
fi

"$folder/prefix/bin/tuplespaced" --listen 127.0.0.1:0 --data "$folder/data" \
  >"$folder/listening" 2>"$folder/log" &
server=$!
until grep -q '^listening on ' "$folder/listening"; do
  kill -0 "$server" 2>/dev/null || fail "the server did not start: $(cat "$folder/log")"
  sleep 0.02
done
address=$(sed -n 's/^listening on //p' "$folder/listening")

expected='the sum of the squares of 1..100 is 338350'
check() { # ADDRESS PROGRAM
  local said
  said=$("$folder/build/$2" "$1") || fail "$2 $1 failed"
  [[ $said == "$expected" ]] || fail "$2 $1 said: $said"
}
check "$address" workers_remote
check "$address" workers_embedded
check embedded: workers_embedded
check "embedded:$folder/embedded" workers_embedded
if said=$("$folder/build/workers_remote" embedded: 2>&1); then
  fail "workers_remote has spaces inside itself"
fi
grep -q 'link Tuplespace::embedded' <<<"$said" || fail "workers_remote said: $said"
echo "the package is whole"
