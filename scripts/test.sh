#!/usr/bin/env bash
# The whole check: sees to it that what the tests need is there, starts a
# private PostgreSQL, runs every step even where an earlier one failed, and ends
# with a table of the steps. Fails where one of them failed.
#
#	scripts/test.sh                      everything
#	scripts/test.sh vet staticcheck      only these steps
#	ONLY="./internal/store" scripts/test.sh    only the tests of these packages
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib/packages.sh
source scripts/lib/packages.sh
# shellcheck source=scripts/lib/postgres.sh
source scripts/lib/postgres.sh

# One set of build flags for vet, staticcheck and tests, so that each finds in
# the build cache what the one before it compiled.
need_go
plain_flags="$(go env GOFLAGS) -buildvcs=false"
# The race detector brings a check of pointer arithmetic, which SQLite, being C
# made into Go, consists of: it takes that long and concerns nothing of ours.
export GOFLAGS="$plain_flags -race -gcflags=modernc.org/...=-d=checkptr=0"
export CGO_ENABLED=1
# With it, a program that has ended stays for a second to see what its goroutines
# do; the tests run many, and without the detector none stays at all.
export GORACE="${GORACE:-} atexit_sleep_ms=100"

all_steps=(gofmt verify tidy vet staticcheck gosec govulncheck build rules test program races)
axe=internal/testkit/axe
child=
work=

step_gofmt() {
  local files
  files=$(find . -name '.?*' -prune -o -name node_modules -prune -o -name '*.go' -print0 | xargs -0 gofmt -l)
  [[ -z $files ]] || {
    printf 'not formatted, run gofmt -w:\n%s\n' "$files"
    return 1
  }
}

step_verify() {
  go mod verify
}

step_tidy() {
  go mod tidy -diff
  go -C tools mod tidy -diff
  go -C tools/gosec mod tidy -diff
  go -C tools/pebble mod tidy -diff
  go -C tools/promql mod tidy -diff
}

step_vet() {
  go vet ./...
}

# tool prints the path of a program of a tools module, built.
tool() {
  GOFLAGS=$plain_flags CGO_ENABLED=0 go -C "$1" tool -n "$2"
}

step_staticcheck() {
  "$(tool tools staticcheck)" ./...
}

# What is never shipped, tests, tools and the bench, is left out, and G304: each
# path that a program of ours opens is the operator's own. Any other exception
# stands in the code with its reason: #nosec RULE -- why.
step_gosec() {
  GOFLAGS=$plain_flags CGO_ENABLED=0 "$(tool tools/gosec gosec)" -quiet -exclude=G304 -exclude-dir=internal/testkit -exclude-dir=cmd/bench -exclude-dir=tools ./...
}

# Known holes in what we call: asks the public database, or where that cannot be
# reached a copy of it beside the project. Exit 3 says that there is one.
step_govulncheck() {
  local program copy=../shared/vulndb.tar.gz status=0
  program=$(tool tools govulncheck)
  GOFLAGS=$plain_flags timeout 300 "$program" ./... || status=$?
  ((status != 0 && status != 3)) || return "$status"
  if [[ ! -r $copy ]]; then
    echo "NOT CHECKED FOR KNOWN VULNERABILITIES: the public database cannot be reached, and there is no $copy" >&2
    return 0
  fi
  echo "the public database cannot be reached; asking the copy $copy"
  tar -xzf "$copy" -C "$work"
  GOFLAGS=$plain_flags "$program" -db "file://$work/data/osv" ./...
}

step_build() {
  GOFLAGS=$plain_flags make --no-print-directory build OUT="$work/portal"
}

# -count=1: the tests drive programs and servers that the cache of test results
# knows nothing of. -vet=off: the step vet has done more.
# -parallel: most tests wait for a disk, a browser or another process.
test_flags=(-count=1 -vet=off -timeout=30m -parallel=6)

# The rules of the house, which read its sources one after the other: nothing
# for the race detector.
step_rules() {
  GOFLAGS=$plain_flags CGO_ENABLED=0 go test "${test_flags[@]}" ./internal/arch
}

# The rooms of the house, with the race detector.
step_test() {
  local packages
  mapfile -t packages < <(go list ./... | grep -vE '/(cmd/portal|internal/arch)$')
  [[ -z ${ONLY:-} ]] || read -ra packages <<<"$ONLY"
  go test "${test_flags[@]}" "${packages[@]}"
}

# The program in processes of its own, built as it is shipped: each of hundreds
# of starts would cost the race detector ten times as long.
step_program() {
  GOFLAGS=$plain_flags CGO_ENABLED=0 go test "${test_flags[@]}" ./cmd/portal
}

# What happens in the program at once, with the race detector in it.
step_races() {
  go test "${test_flags[@]}" -run 'AtOnce|OneCode|Stays|Overload|WhileServing|Twice|StaleEdit|SlowVisitors' ./cmd/portal
}

# make_work makes the folder of this run, in which the tests put their files and
# which PostgreSQL's user may enter. What Go builds stays on the disk.
make_work() {
  work=$(mktemp -d "$(quick_tmp)/portal-check.XXXXXX")
  chmod 711 "$work"
  GOTMPDIR=$(go env GOTMPDIR)
  export GOTMPDIR=${GOTMPDIR:-${TMPDIR:-/tmp}}
  export TMPDIR=$work
}

# prepare_test gets the step test what it needs.
prepare_test() {
  need_packages
  npm ls --prefix "$axe" >/dev/null 2>&1 ||
    npm ci --prefix "$axe" --no-audit --no-fund </dev/null || fail "npm could not install axe-core"
  start_postgres
}

# run_child runs a command in a process group of its own, which stop_child can
# end as a whole, and leaves its exit code in child_status.
run_child() {
  child_status=0
  set -m
  "$@" </dev/null &
  child=$!
  set +m
  wait "$child" || child_status=$?
  child=
}

# stop_child ends the running command with all that it started: as by Ctrl-C,
# and after ten seconds by force.
stop_child() {
  [[ -n $child ]] || return 0
  kill -INT -- "-$child" 2>/dev/null || true
  for _ in {1..100}; do
    kill -0 -- "-$child" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL -- "-$child" 2>/dev/null || true
}

# clean_up ends what is still running and removes what it left.
clean_up() {
  stop_child
  stop_postgres
  [[ -z $work ]] || rm -rf "$work"
}

# run_steps runs the named steps and prints the table. It returns 1 where one
# failed.
run_steps() {
  local name result started table='' failed=0
  for name in "$@"; do
    echo "== $name"
    started=$SECONDS
    run_child "step_$name"
    result=ok
    if ((child_status != 0)); then
      result=FAILED
      failed=1
    fi
    table+=$(printf '%-12s %4d s  %s' "$name" $((SECONDS - started)) "$result")$'\n'
  done
  printf '\n%s%-12s %4d s\n' "$table" total "$SECONDS"
  return "$failed"
}

main() {
  local name steps=("$@")
  if [[ -n ${ONLY:-} ]]; then
    [[ ${CI:-} != true ]] || fail "ONLY leaves most of the check out; it is not for CI"
    steps=(test)
  elif ((${#steps[@]} == 0)); then
    steps=("${all_steps[@]}")
  fi
  for name in "${steps[@]}"; do
    declare -F "step_$name" >/dev/null || fail "there is no step $name; the steps are: ${all_steps[*]}"
  done

  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  make_work
  [[ ! " ${steps[*]} " =~ \ (test|program|races)\  ]] || prepare_test
  run_steps "${steps[@]}"
}

main "$@"
