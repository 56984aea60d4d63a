# shellcheck shell=bash
#
# Sourced by the scripts beside this folder: a PostgreSQL server of our own, on
# a free port and in a temporary folder, for as long as the script runs.
# Needs packages.sh.

postgres_dir=
postgres_pid=

# as_postgres prefixes a command with a change of user where it is needed: the
# server refuses to run as root.
as_postgres=()
if ((EUID == 0)); then
  as_postgres=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi

# memory_needed is what a whole run keeps in temporary files at most, in MiB,
# and as much again.
memory_needed=2048

# quick_tmp prints a folder for files that live as long as a run: in memory
# where there is plenty of it. The tests make a database each, and on a disk
# that costs more than all that they do with it.
quick_tmp() {
  local memory room
  if [[ -n ${TMPDIR:-} || ! -w /dev/shm ]] || grep -q '^[^ ]* /dev/shm [^ ]* [^ ]*noexec' /proc/mounts; then
    printf '%s\n' "${TMPDIR:-/tmp}"
    return
  fi
  memory=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo 2>/dev/null) || memory=0
  room=$(df --output=avail --block-size=1M /dev/shm 2>/dev/null | tail -n 1) || room=0
  if ((${memory:-0} >= 2 * memory_needed && ${room:-0} >= memory_needed)); then
    echo /dev/shm
  else
    echo /tmp
  fi
}

# server_tmp prints a temporary folder that the server's user may enter.
server_tmp() {
  local dir
  dir=$(quick_tmp)
  "${as_postgres[@]}" test -x "$dir" || dir=/tmp
  printf '%s\n' "$dir"
}

# start_postgres starts the server and exports PORTAL_TEST_POSTGRES, the
# address of its superuser. The caller's EXIT trap calls stop_postgres.
start_postgres() {
  local bin password port
  bin=$(postgres_bin) || fail "there is no PostgreSQL server"
  postgres_dir=$(mktemp -d "$(server_tmp)/portal-postgres.XXXXXX")
  password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  init_cluster "$bin" "$password"
  for _ in {1..20}; do
    port=$((20000 + RANDOM % 12000)) # below the ports that the kernel hands out
    launch_postgres "$bin" "$port"
    if await_postgres "$bin" "$port"; then
      export PORTAL_TEST_POSTGRES="postgres://portal_test:$password@127.0.0.1:$port/postgres?sslmode=disable"
      return
    fi
    grep -q 'Address already in use' "$postgres_dir/log" || break
  done
  cat "$postgres_dir/log" >&2
  fail "PostgreSQL did not start"
}

# init_cluster makes the data folder.
init_cluster() {
  local bin=$1 password=$2
  (umask 077 && printf '%s\n' "$password" >"$postgres_dir/password")
  if ((EUID == 0)); then
    chown -R postgres: "$postgres_dir"
  fi
  (cd "$postgres_dir" && "${as_postgres[@]}" "$bin/initdb" --pgdata=data --username=portal_test \
    --pwfile=password --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --no-sync) \
    >"$postgres_dir/log" 2>&1 || {
    cat "$postgres_dir/log" >&2
    fail "initdb failed"
  }
  rm "$postgres_dir/password"
}

# launch_postgres starts the server in a session of its own, so that Ctrl-C
# reaches only the script, and bound to the script's life, so that it ends even
# where the script could not clean up. Its data is thrown away: no fsync.
launch_postgres() {
  local bin=$1 port=$2
  setsid "${as_postgres[@]:-setpriv}" --pdeathsig INT "$bin/postgres" -D "$postgres_dir/data" \
    -c listen_addresses=127.0.0.1 -c port="$port" -c unix_socket_directories="$postgres_dir" \
    -c max_connections=600 -c fsync=off -c full_page_writes=off -c synchronous_commit=on \
    </dev/null >"$postgres_dir/log" 2>&1 &
  postgres_pid=$!
}

# await_postgres waits until our own server answers; it returns 1 where the
# server ended or a minute passed.
await_postgres() {
  local bin=$1 port=$2
  for _ in {1..600}; do
    kill -0 "$postgres_pid" 2>/dev/null || return 1
    "$bin/pg_isready" -q -h "$postgres_dir" -p "$port" && return
    sleep 0.1
  done
  return 1
}

# stop_postgres ends the server that start_postgres started, if any, and
# removes its folder.
stop_postgres() {
  if [[ -n $postgres_pid ]]; then
    kill -QUIT "$postgres_pid" 2>/dev/null || true # at once; the data is not needed
    wait "$postgres_pid" 2>/dev/null || true
    postgres_pid=
  fi
  if [[ -n $postgres_dir ]]; then
    rm -rf "$postgres_dir"
    postgres_dir=
  fi
}
