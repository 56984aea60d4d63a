#!/usr/bin/env bash
# Runs a command with a private PostgreSQL server, whose address it finds in
# PORTAL_TEST_POSTGRES, and stops the server afterwards:
#
#	scripts/with-postgres.sh go test ./internal/store
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/packages.sh
source "$here/lib/packages.sh"
# shellcheck source=scripts/lib/postgres.sh
source "$here/lib/postgres.sh"

(($# > 0)) || fail "usage: scripts/with-postgres.sh COMMAND..."
trap stop_postgres EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
need_packages
start_postgres
"$@"
