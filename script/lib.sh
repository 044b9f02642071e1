# Shared by the commands in this folder: messages, system packages, the Python environment.
set -euo pipefail
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$ROOT"
VENV="$ROOT/.venv"

say() { printf '\033[1;34m▸\033[0m %s\n' "$*"; }
fail() { printf '\033[1;31m✗\033[0m %s\n' "$*" >&2; exit 1; }

# Run a command while a counter shows that it is still working; its output goes to a log shown on failure.
with_progress() {
  local what="$1"; shift
  local log; log="$(mktemp)"
  local began=$SECONDS
  "$@" >"$log" 2>&1 &
  local pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    if [ -t 1 ]; then printf '\r  … %s (%d s)' "$what" $((SECONDS - began)); fi
    sleep 0.5
  done
  local status=0; wait "$pid" || status=$?
  if [ -t 1 ]; then printf '\r\033[K'; fi
  if [ "$status" -ne 0 ]; then tail -n 40 "$log" >&2; rm -f "$log"; fail "$what failed"; fi
  rm -f "$log"
  say "$what: done in $((SECONDS - began)) s"
}

names_in() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$@"; }

missing_packages() {
  local name
  for name in $(names_in "$@"); do
    dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || echo "$name"
  done
}

install_packages() {
  local missing; missing="$(missing_packages "$@" | tr '\n' ' ')"
  python3 -c 'import venv, ensurepip' 2>/dev/null || missing="$missing python3-venv"
  [ -n "${missing// /}" ] || return 0
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300)
  if [ "$(id -u)" -ne 0 ]; then
    if sudo -n true 2>/dev/null; then apt=(sudo -n "${apt[@]}"); else
      echo "System packages are missing. Ask an administrator to run:" >&2
      echo "  apt-get update && apt-get install -y --no-install-recommends $missing" >&2
      exit 1
    fi
  fi
  # The Debian package would otherwise create and start its own cluster on port 5432.
  if [ "$(id -u)" -eq 0 ] && ! dpkg-query -W postgresql-15 >/dev/null 2>&1; then
    mkdir -p /etc/postgresql-common/createcluster.d
    echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.d/ranjian.conf
  fi
  with_progress "package lists" "${apt[@]}" update
  # shellcheck disable=SC2086
  with_progress "system packages ($(wc -w <<<"$missing"))" "${apt[@]}" install -y --no-install-recommends $missing
}

make_venv() {
  local wanted stamp="$VENV/.installed"
  wanted="$(cat "$@" | sha256sum | cut -d' ' -f1)"
  [ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ] && return 0
  [ -x "$VENV/bin/python" ] || with_progress "Python environment" python3 -m venv "$VENV"
  local args=() file
  for file in "$@"; do args+=(-r "$file"); done
  with_progress "Python packages" "$VENV/bin/pip" install --disable-pip-version-check -q "${args[@]}"
  echo "$wanted" > "$stamp"
}

# The folder of data and secrets, and the settings in it, for every command that runs the portal.
data_dir() { local d="${PORTAL_DATA_DIR:-var}"; [[ "$d" = /* ]] && echo "$d" || echo "$ROOT/$d"; }
load_secrets() {
  local file; file="$(data_dir)/secrets.env"
  [ -f "$file" ] || fail "No settings yet: run script/server once, or script/cluster start"
  set -a; source "$file"; set +a
  export PORTAL_DATA_DIR="$(data_dir)"
}
