#!/usr/bin/env bash
# Builds the portal into a file: one static program, and the same bytes from any
# folder on any machine with the same Go. VERSION and COMMIT are put in by name,
# and nothing of the place is: no path, no build id, no state of the checkout.
# GOOS and GOARCH build for another platform.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=${1:?usage: build.sh FILE}
export CGO_ENABLED=0
exec go build -trimpath -buildvcs=false \
  -ldflags="-s -w -buildid= -X main.version=${VERSION:-unknown} -X main.commit=${COMMIT:-unknown}" \
  -o "$out" ./cmd/portal
