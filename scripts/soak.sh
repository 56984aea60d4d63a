#!/usr/bin/env bash
# The tests that break things, for longer: scripts/soak.sh DURATION. Run by make
# soak, with the PostgreSQL of scripts/with-postgres.sh. PORTAL_SEED=N draws the
# same faults in the same order again.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

export PORTAL_SOAK=${1:-10m} CGO_ENABLED=0
exec go test ./cmd/portal -count=1 -vet=off -timeout=24h -parallel=6 -v \
  -run '^(TestRandomFaults|TestFailover|TestKilledAtAnyMoment|TestCutAtCommit|TestOutages|TestSQLiteLocked|TestDiskFull|TestLogDiskFull|TestOneCodeOneSession)'
