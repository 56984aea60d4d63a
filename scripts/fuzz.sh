#!/usr/bin/env bash
# Runs every fuzz target of the project, one after the other, each for the given
# time (30s). What one finds stays as a file below testdata/fuzz: commit it.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
duration=${1:-30s}
targets=$(find . -name '*_test.go' -not -path '*/node_modules/*' \
  -exec sed -nE 's/^func (Fuzz[A-Za-z0-9_]+)\(.*/\1/p;t found;b;:found;F' {} \; | paste - - | sort)
[[ -n $targets ]] || {
  echo "fuzz.sh: there is no fuzz target" >&2
  exit 1
}

status=0
while read -r name file; do
  echo "== $name in $(dirname "$file")"
  go test -run '^$' -fuzz "^$name\$" -fuzztime "$duration" -fuzzminimizetime 1s "$(dirname "$file")" </dev/null || status=1
done <<<"$targets"
exit "$status"
