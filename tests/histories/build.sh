#!/usr/bin/env bash
# Builds check_history: build.sh PROGRAM. Porcupine comes from the Go module proxy.
set -euo pipefail
program=$(realpath -m "$1")
cd "$(dirname "$0")"

command -v go >/dev/null || {
  echo "tests/histories: there is no Go; scripts/install test" >&2
  exit 1
}
if ! GOFLAGS=-mod=mod go build -o "$program" .; then
  echo "tests/histories: check_history cannot be built. It needs github.com/anishathalye/porcupine" \
    "from the Go module proxy ($(go env GOPROXY)): is that reachable from here?" >&2
  exit 1
fi
