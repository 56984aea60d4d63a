#!/usr/bin/env bash
# Builds the portal for every platform into a folder, and beside the programs
# SHA256SUMS and the bill of materials (CycloneDX). What is in the folder depends
# on VERSION, COMMIT, the source and the version of Go, and on nothing else.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

platforms=(linux/amd64 linux/arm64 darwin/arm64 darwin/amd64 windows/amd64)
dist=$(realpath -m "${1:?usage: release.sh FOLDER}")
: "${VERSION:?say which version with VERSION=…}" "${COMMIT:?}"
export VERSION COMMIT

rm -rf "$dist"
mkdir -p "$dist"
programs=()
for platform in "${platforms[@]}"; do
  os=${platform%/*} arch=${platform#*/}
  program=$dist/portal-$VERSION-$os-$arch
  [[ $os != windows ]] || program+=.exe
  echo "building ${program##*/}"
  GOOS=$os GOARCH=$arch scripts/build.sh "$program"
  programs+=("$program")
done
date=$(git log -1 --format=%cI "$COMMIT" 2>/dev/null || true)
go run ./cmd/sbom --version "$VERSION" --commit "$COMMIT" --date "$date" "${programs[@]}" >"$dist/portal-$VERSION.cdx.json"
sums=$(cd "$dist" && sha256sum -- *)
printf "%s\n" "$sums" >"$dist/SHA256SUMS"
ls -l "$dist"
