# Shared by all server scripts; sourced, not run. It owns the life of a server:
# ports, start, readiness, state, stop. A server script says only what is
# particular to it, by defining:
#
#   NAME, PORT_FIRST, PORT_LAST   its name and its port range (see PORTS.md)
#   PORTS_WANTED                  how many ports it needs (default 1)
#   server_fill                   makes the initial content of $DATA
#   server_configure              writes configuration into $DIR/etc; ${PORTS[@]} is set
#   server_command                sets CMD, the command that stays in the foreground
#   server_ready                  true once it answers
#   server_keys                   prints its KEY=VALUE lines
#
# and ends with `lab_main "$@"`.

set -euo pipefail
# A server that crashes shall not leave its memory in somebody's directory.
ulimit -c 0

# A server must present its own certificate and trust only the lab's CA,
# whatever the caller has in the environment.
unset X509_USER_PROXY X509_USER_CERT X509_USER_KEY X509_CERT_DIR X509_VOMS_DIR \
  SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE BEARER_TOKEN BEARER_TOKEN_FILE \
  http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
LIB="$ROOT/tests/servers/lib"
PORTS_WANTED=1
# A test that dies cannot stop its servers: they end by themselves after this.
TTL_SECONDS=${CAUSEWAY_LAB_TTL_SECONDS:-7200}
START_SECONDS=${CAUSEWAY_LAB_START_SECONDS:-30}

die() {
  echo "$NAME: $*" >&2
  exit 1
}

# The server's own user when we are root (xrootd refuses to be root). It keeps
# the one capability that lets it into directories closed to others, such as a
# work tree under /root, and lets it overwrite files a test put there.
as_user() { # sets AS to the command prefix for user $1
  AS=()
  [ "$(id -u)" = 0 ] || return 0
  AS=(setpriv --reuid "$1" --regid "$(id -g "$1")" --clear-groups
    --securebits=+no_setuid_fixup
    --inh-caps=-all,+dac_override --ambient-caps=-all,+dac_override --bounding-set=-all,+dac_override --)
  # A container may not have that capability to give.
  if ! "${AS[@]}" true 2>/dev/null; then
    AS=(setpriv --reuid "$1" --regid "$(id -g "$1")" --clear-groups --)
  fi
}

give_to() { # USER PATH...: ownership, when we may
  local user=$1
  shift
  if [ "$(id -u)" = 0 ]; then chown -R "$user" "$@"; fi
}

# The preloaded library for servers that would listen everywhere; sets SHIM.
loopback_shim() {
  SHIM="$ROOT/target/lab/loopback.so"
  if [ ! -f "$SHIM" ] || [ "$LIB/loopback.c" -nt "$SHIM" ]; then
    mkdir -p "$ROOT/target/lab"
    gcc -O1 -shared -fPIC -o "$SHIM.$$" "$LIB/loopback.c" -ldl
    mv "$SHIM.$$" "$SHIM"
  fi
}

# --- ports -----------------------------------------------------------------

# A port is ours when we hold the lock on its file. The server inherits the
# open lock, so the port stays reserved exactly as long as the server lives.
PORT_LOCKS="${TMPDIR:-/tmp}/causeway-lab-ports-$(id -u)"

in_use() { (exec 8<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

reserve() { # PORT
  local fd
  exec {fd}>"$PORT_LOCKS/$1"
  if flock -n "$fd" && ! in_use "$1"; then
    PORTS+=("$1")
    PORT_FDS+=("$fd")
    return 0
  fi
  exec {fd}>&-
  return 1
}

pick_ports() {
  PORTS=() PORT_FDS=()
  mkdir -p "$PORT_LOCKS"
  local fixed tries=0
  for fixed in ${CAUSEWAY_LAB_PORT:-}; do
    reserve "$fixed" || die "port $fixed is taken"
  done
  while [ ${#PORTS[@]} -lt "$PORTS_WANTED" ]; do
    tries=$((tries + 1))
    [ "$tries" -le 200 ] || die "no free port between $PORT_FIRST and $PORT_LAST"
    reserve $((PORT_FIRST + RANDOM % (PORT_LAST - PORT_FIRST + 1))) || true
  done
}

release_ports() {
  local fd
  for fd in "${PORT_FDS[@]}"; do exec {fd}>&-; done
}

# --- processes -------------------------------------------------------------

# A pid alone may belong to somebody else by now; with its start time it is ours.
birth() { # PID -> start time in clock ticks, nothing when it is gone
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
  stat=${stat##*) }
  # shellcheck disable=SC2086
  set -- $stat
  # A zombie is gone, too.
  if [ "$1" != Z ]; then echo "${20}"; fi
}

# DIR/leader holds "PID BIRTH" of the process that leads the server's group.
leader() {
  local pid born
  read -r pid born 2>/dev/null <"$DIR/leader" || return 1
  [ -n "$born" ] && [ "$(birth "$pid")" = "$born" ] && echo "$pid"
}

launch() {
  # `timeout` leads a new process group, passes SIGTERM on, and ends a server
  # that nobody stopped. No descriptor of the caller stays open in the server:
  # a test that reads our output to its end must not wait for ever.
  setsid timeout --kill-after=5 "$TTL_SECONDS" "${CMD[@]}" </dev/null >>"$LOG" 2>&1 7>&- &
  local pid=$!
  printf '%s %s\n' "$pid" "$(birth "$pid")" >"$DIR/leader"
}

server_pid() { # the server proper, child of `timeout`
  pgrep -P "$1" | head -1
}

end_group() { # LEADER
  kill -TERM -- "-$1" 2>/dev/null || true
  # A server stopped by a test (SIGSTOP) cannot take the SIGTERM without this.
  kill -CONT -- "-$1" 2>/dev/null || true
  local i
  for i in $(seq 50); do
    pgrep -g "$1" >/dev/null || return 0
    sleep 0.1
  done
  kill -KILL -- "-$1" 2>/dev/null || true
  for i in $(seq 20); do
    pgrep -g "$1" >/dev/null || return 0
    sleep 0.05
  done
}

# --- verbs -----------------------------------------------------------------

fill() {
  find "$DATA" -mindepth 1 -delete
  server_fill
}

keys() { # LEADER
  server_keys
  cat <<KEYS
DATA=$DATA
LOG=$LOG
PID=$(server_pid "$1")
DIR=$DIR
KEYS
}

try_start() {
  pick_ports
  server_configure
  server_command
  launch
  release_ports
  local pid i
  for i in $(seq $((START_SECONDS * 20))); do
    pid=$(leader) || return 1
    if server_ready 2>/dev/null; then
      # Written complete or not at all: it is what `status` prints.
      keys "$pid" >"$DIR/keys.new"
      mv "$DIR/keys.new" "$DIR/keys"
      return 0
    fi
    sleep 0.05
  done
  return 1
}

verb_start() {
  if leader >/dev/null && [ -f "$DIR/keys" ]; then
    cat "$DIR/keys"
    return
  fi
  verb_stop
  # Servers that copy to each other must share one PKI, hence one default.
  PKI=${CAUSEWAY_LAB_PKI:-$ROOT/target/lab/pki}
  "$ROOT/tests/pki/make.sh" "$PKI"
  PKI=$(cd "$PKI" && pwd)
  echo "$NAME" >"$DIR/name"
  mkdir -p "$DIR/etc" "$DATA"
  fill
  local attempt
  for attempt in 1 2 3; do
    : >"$LOG"
    if try_start; then
      cat "$DIR/keys"
      return
    fi
    verb_stop
  done
  tail -n 30 "$LOG" >&2
  die "did not start in $attempt attempts; its log is $LOG"
}

verb_stop() {
  local pid
  if pid=$(leader); then end_group "$pid"; fi
  rm -f "$DIR/leader" "$DIR/keys"
}

verb_status() {
  if ! leader >/dev/null || [ ! -f "$DIR/keys" ]; then
    echo "$NAME: not running in $DIR" >&2
    exit 3
  fi
  cat "$DIR/keys"
}

verb_reset() {
  [ -d "$DATA" ] || die "never started in $DIR"
  fill
}

lab_main() {
  if [ $# != 2 ]; then
    echo "usage: tests/servers/$NAME start|stop|status|reset DIR" >&2
    exit 2
  fi
  case "$1" in
    start | stop | status | reset) ;;
    *) die "unknown verb $1" ;;
  esac
  [ "$1" = start ] && mkdir -p "$2"
  [ -d "$2" ] || { [ "$1" = stop ] && exit 0; die "no directory $2"; }
  DIR=$(cd "$2" && pwd)
  DATA="$DIR/data" LOG="$DIR/server.log"
  # A DIR belongs to one kind of server.
  if [ -f "$DIR/name" ] && [ "$(cat "$DIR/name")" != "$NAME" ]; then
    die "$DIR belongs to $(cat "$DIR/name")"
  fi
  # One verb at a time for a DIR.
  exec 7>"$DIR/.lock"
  flock 7
  "verb_$1"
}
