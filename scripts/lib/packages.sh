# shellcheck shell=bash
#
# Sourced by the scripts beside this folder: sees to it that the programs the
# tests drive are there. A missing piece is installed or ends the run; nothing
# is ever left out in silence.

# fail says why the run cannot go on and ends it.
fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# postgres_bin prints the folder of the PostgreSQL server programs, which
# Debian keeps outside of PATH; of several versions the newest.
postgres_bin() {
  local dir
  for dir in "$(pg_config --bindir 2>/dev/null || true)" \
    $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV); do
    if [[ -x $dir/initdb && -x $dir/postgres ]]; then
      printf '%s\n' "$dir"
      return
    fi
  done
  return 1
}

# has_c_compiler asks for more than gcc: the race detector needs the headers of
# the C library, which Debian only recommends beside the compiler.
has_c_compiler() {
  printf '#include <stdlib.h>\n' | gcc -E - >/dev/null 2>&1
}

# has_font asks for a font with which a screenshot can be read.
has_font() {
  [[ -n $(fc-list 'DejaVu Sans' 2>/dev/null) ]]
}

# has_mail_server asks for the SMTP server of the distribution's Python, which
# need not be the first one in PATH.
has_mail_server() {
  /usr/bin/python3 -c 'import aiosmtpd' 2>/dev/null
}

# missing_packages prints the Debian packages of what is not there, one a line.
missing_packages() {
  command -v chromium >/dev/null || echo chromium
  command -v oathtool >/dev/null || echo oathtool
  command -v zbarimg >/dev/null || echo zbar-tools
  command -v npm >/dev/null || echo npm
  has_c_compiler || printf '%s\n' gcc libc6-dev
  has_font || printf '%s\n' fontconfig fonts-dejavu-core
  postgres_bin >/dev/null || echo postgresql
  has_mail_server || echo python3-aiosmtpd
  [[ -x /usr/sbin/nginx ]] || echo nginx
  command -v systemd-analyze >/dev/null || echo systemd
  [[ -s /etc/ssl/certs/ca-certificates.crt ]] || echo ca-certificates
}

# install_packages runs apt-get as root. Debian's postgresql and nginx also start
# servers of their own, which the tests neither use nor touch.
install_packages() {
  local as_root=()
  command -v apt-get >/dev/null || fail "please install by hand (there is no apt-get): $*"
  if ((EUID != 0)); then
    command -v sudo >/dev/null || fail "please install as root (there is no sudo): $*"
    as_root=(sudo)
  fi
  as_root+=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
  "${as_root[@]}" update </dev/null || fail "apt-get could not update its lists"
  "${as_root[@]}" install --yes --no-install-recommends "$@" </dev/null >/dev/null ||
    fail "apt-get could not install: $*"
}

# need_go asks for the one thing that Debian cannot give in a version that is
# new enough.
need_go() {
  command -v go >/dev/null || fail "there is no go command; install the Go named in go.mod"
}

# need_packages installs what is missing, then looks again.
need_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]} > 0)) || return 0
  echo "installing ${missing[*]}" >&2
  install_packages "${missing[@]}"
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]} == 0)) || fail "installed, yet still not usable: ${missing[*]}"
}
