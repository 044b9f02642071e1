# Shared by the commands in this folder: messages, jobs with progress, system packages, the Python environment.
set -euo pipefail
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$ROOT"
# A dozen processes start with the portal; each would compile every module anew, which takes longer than all the rest.
unset PYTHONDONTWRITEBYTECODE
VENV="$ROOT/.venv"

say() { printf '\033[1;34m▸\033[0m %s\n' "$*"; }
fail() { printf '\033[1;31m✗\033[0m %s\n' "$*" >&2; exit 1; }

# Jobs run at the same time, each in a process group of its own, so that Ctrl-C ends them and all they started.
JOB_NAMES=(); JOB_PIDS=(); JOB_LOGS=(); JOB_BEGAN=(); SHOWN_PID=""; SUDO=()
end_jobs() {
  local pid pids=(${JOB_PIDS[@]+"${JOB_PIDS[@]}"} $SHOWN_PID)
  for pid in ${pids[@]+"${pids[@]}"}; do
    kill -TERM -- "-$pid" 2>/dev/null || ${SUDO[@]+"${SUDO[@]}"} kill -TERM -- "-$pid" 2>/dev/null || true
  done
  for pid in ${pids[@]+"${pids[@]}"}; do wait "$pid" 2>/dev/null || true; done
  rm -f ${JOB_LOGS[@]+"${JOB_LOGS[@]}"}
}
trap end_jobs EXIT
trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM

# begin_job WHAT COMMAND…: its output goes to a log that is shown when it fails.
begin_job() {
  local what="$1" log; shift
  log="$(mktemp)"
  [ -t 1 ] || printf '  … %s\n' "$what"
  set -m; "$@" </dev/null >"$log" 2>&1 & set +m
  JOB_NAMES+=("$what"); JOB_PIDS+=($!); JOB_LOGS+=("$log"); JOB_BEGAN+=("$SECONDS")
}

# await_jobs [WHAT]: wait for one job, or for all; meanwhile a line counts the seconds of each that runs.
await_jobs() {
  local wanted="${1:-}" line waiting each
  while :; do
    line=""; waiting=""
    for each in "${!JOB_PIDS[@]}"; do
      if kill -0 "${JOB_PIDS[$each]}" 2>/dev/null; then
        line+="  … ${JOB_NAMES[$each]} ($((SECONDS - JOB_BEGAN[each])) s)"
        [ -n "$wanted" ] && [ "${JOB_NAMES[$each]}" != "$wanted" ] || waiting=1
      else
        finish_job "$each"
      fi
    done
    [ -n "$waiting" ] || break
    [ ! -t 1 ] || printf '\r%s\033[K' "$line"
    sleep 0.2
  done
  [ ! -t 1 ] || printf '\r\033[K'
}

finish_job() {
  local each="$1" status=0 what="${JOB_NAMES[$1]}" log="${JOB_LOGS[$1]}" took=$((SECONDS - JOB_BEGAN[$1]))
  wait "${JOB_PIDS[$each]}" || status=$?
  unset "JOB_NAMES[$each]" "JOB_PIDS[$each]" "JOB_LOGS[$each]" "JOB_BEGAN[$each]"
  [ ! -t 1 ] || printf '\r\033[K'
  if [ "$status" -ne 0 ]; then tail -n 40 "$log" >&2; rm -f "$log"; fail "$what failed"; fi
  rm -f "$log"
  say "$what: done in $took s"
}

with_progress() { begin_job "$@"; await_jobs "$1"; }

# Run a command that speaks for itself; it ends with this one.
run_shown() {
  local status=0
  set -m; "$@" </dev/null & SHOWN_PID=$!; set +m
  wait "$SHOWN_PID" || status=$?
  SHOWN_PID=""
  return "$status"
}

names_in() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$@"; }

missing_packages() {
  local name
  for name in $(names_in "$@"); do
    dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || echo "$name"
  done
}

PYTHON="$(command -v python3.11 || command -v python3 || true)"
can_make_venv() { [ -n "$PYTHON" ] && "$PYTHON" -c 'import venv, ensurepip' 2>/dev/null; }

# What is needed to act as root: nothing, or sudo, which asks for its password once and on a terminal only.
become_root() {
  [ "$(id -u)" -ne 0 ] || return 0
  command -v sudo >/dev/null || return 1
  if sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }; then SUDO=(sudo -n); else return 1; fi
}

begin_packages() {
  local missing; missing="$(missing_packages "$@" | tr '\n' ' ')"
  can_make_venv || missing="python3-venv $missing"
  [ -n "${missing// /}" ] || return 0
  become_root || {
    echo "System packages are missing. Ask an administrator to run:" >&2
    echo "  apt-get update && apt-get install -y --no-install-recommends ${missing% }" >&2
    exit 1
  }
  keep_services_down
  # shellcheck disable=SC2086
  begin_job "system packages" apt_install $missing
}

# Debian's packages would otherwise make a cluster on port 5432 and start services of their own on our ports.
keep_services_down() {
  local root=(${SUDO[@]+"${SUDO[@]}"} env) service
  if ! dpkg-query -W postgresql-15 >/dev/null 2>&1; then
    "${root[@]}" mkdir -p /etc/postgresql-common/createcluster.d
    echo 'create_main_cluster = false' | "${root[@]}" tee /etc/postgresql-common/createcluster.d/ranjian.conf >/dev/null
  fi
  for service in nginx mosquitto; do
    if ! dpkg-query -W "$service" >/dev/null 2>&1 && [ ! -e "/etc/systemd/system/$service.service" ]; then
      "${root[@]}" mkdir -p /etc/systemd/system
      "${root[@]}" ln -s /dev/null "/etc/systemd/system/$service.service"
    fi
  done
}

apt_install() {
  local root=(${SUDO[@]+"${SUDO[@]}"} env DEBIAN_FRONTEND=noninteractive)
  # A former installation that was cut off is finished first.
  [ -z "$(dpkg --audit)" ] || "${root[@]}" dpkg --configure -a
  "${root[@]}" apt-get -o DPkg::Lock::Timeout=300 update
  "${root[@]}" apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"
}

venv_is_there() { [ "$(cat "$VENV/.installed" 2>/dev/null || true)" = "$(cat "$@" | sha256sum | cut -d' ' -f1)" ]; }

# The lock files name every package, so pip need not resolve; modules are compiled when they are first used.
make_venv() {
  local args=() file
  [ -x "$VENV/bin/pip" ] || "$PYTHON" -m venv --clear "$VENV"
  for file in "$@"; do args+=(-r "$file"); done
  "$VENV/bin/pip" install --disable-pip-version-check -q --no-deps --no-compile "${args[@]}"
  cat "$@" | sha256sum | cut -d' ' -f1 > "$VENV/.installed"
}

# begin_bootstrap [--test]: returns when the system packages are there; `await_jobs` waits for the Python packages.
begin_bootstrap() {
  local packages=(script/packages.txt) locks=(requirements.txt)
  if [ "${1:-}" = "--test" ]; then packages+=(script/packages-test.txt); locks+=(requirements-dev.txt); fi
  local venv=""
  venv_is_there "${locks[@]}" || venv_is_there requirements.txt requirements-dev.txt || venv=wanted
  begin_packages "${packages[@]}"
  if [ -n "$venv" ] && can_make_venv; then begin_job "Python packages" make_venv "${locks[@]}"; venv=""; fi
  await_jobs "system packages"
  if [ -n "$venv" ]; then begin_job "Python packages" make_venv "${locks[@]}"; fi
}

# The folder of data and secrets, and the settings in it, for every command that runs the portal.
data_dir() { local d="${PORTAL_DATA_DIR:-var}"; [[ "$d" = /* ]] && echo "$d" || echo "$ROOT/$d"; }
load_secrets() {
  local file; file="$(data_dir)/secrets.env"
  [ -f "$file" ] || fail "No settings yet: run script/server once, or script/cluster start"
  set -a; source "$file"; set +a
  export PORTAL_DATA_DIR="$(data_dir)"
}
