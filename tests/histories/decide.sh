#!/usr/bin/env bash
# Lets historians work on a server that is killed again and again, and decides what they saw.
#
#   decide.sh CHECK_HISTORY CAMPAIGN SERVER CYCLES [SECONDS]
#
# Ends with the code of check_history: 0 nothing is wrong, 1 a promise is broken.
set -euo pipefail

check=$1 campaign=$2 server=$3 cycles=$4 seconds=${5:-30}
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
# What historians are told at once and may not be told is a violation of its own.
"$campaign" --server "$server" --cycles "$cycles" --only-historians \
  --chronicle "$directory/history" --directory "$directory/campaign" || echo "the campaign failed"
code=0
"$check" "$directory/history" --seconds "$seconds" || code=$?
exit "$code"
