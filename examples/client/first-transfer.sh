#!/usr/bin/env bash
# The first transfer a newcomer sees: starts a gateway in development mode, submits one transfer
# from a directory to an HTTPS storage through the REST API, and shows the result.
#
#   ONCE=1        end after the transfer, with 0 when it FINISHED
#   RELEASE=DIR   where the program is            (default target/release)
#   STATE=DIR     where the gateway keeps its things  (default ./var)
#   PORT=N        port of the REST API            (default 8446)
set -euo pipefail
cd "$(dirname "$0")/../.."

RELEASE=$(cd "${RELEASE:-target/release}" && pwd)
STATE=${STATE:-var}
PORT=${PORT:-8446}
ONCE=${ONCE:-}
CAUSEWAY=$RELEASE/causeway
mkdir -p "$STATE"
LOG=$STATE/serve.log

"$CAUSEWAY" serve --dev --state-dir "$STATE" --listen "127.0.0.1:$PORT" >"$STATE/serve.out" 2>"$LOG" &
SERVER=$!
stop() { kill -TERM "$SERVER" 2>/dev/null || true; wait "$SERVER" 2>/dev/null || true; }
trap stop EXIT
trap 'exit 130' INT TERM

for _ in $(seq 1 300); do
  grep -q '^listening on https' "$STATE/serve.out" && break
  kill -0 "$SERVER" 2>/dev/null || { echo "the gateway did not start:" >&2; tail -5 "$LOG" >&2; exit 1; }
  sleep 0.1
done
grep '^listening on https' "$STATE/serve.out" || { echo "the gateway is not ready after 30 s, see $LOG" >&2; exit 1; }

# shellcheck disable=SC1091
. "$STATE/env.sh"

NAME=hello-$(date +%s)-$$
head -c 67108864 /dev/urandom >"$STATE/data/out/$NAME"
SOURCE="file://$(cd "$STATE/data/out" && pwd)/$NAME"
DESTINATION="$CAUSEWAY_DEMO_STORAGE/$NAME"

printf '\nsubmitting  %s\n        to  %s\n\n' "$SOURCE" "$DESTINATION"
STATUS=0
"$CAUSEWAY" submit "$SOURCE" "$DESTINATION" --checksum ADLER32 --wait || STATUS=1
if [ "$STATUS" = 0 ]; then
  echo "adler32 at source and destination, asked from the storages:"
  "$CAUSEWAY" sum "$SOURCE"
  "$CAUSEWAY" sum "$DESTINATION"
  cmp "$STATE/data/out/$NAME" "$STATE/data/web/$NAME" && echo "source and destination are equal, byte for byte"
fi

cat <<TEXT

REST      https://localhost:$PORT/
API docs  https://localhost:$PORT/api-docs/
log       $LOG

Next, in another terminal:
  . $STATE/env.sh
  export PATH=$RELEASE:\$PATH
  causeway whoami
  causeway submit "mock://a/f?size=1048576" "mock://b/f?size_post=1048576&time=3" --wait
  causeway list --state FINISHED,FAILED --limit 10
  curl --cert \$X509_USER_PROXY --key \$X509_USER_PROXY https://localhost:$PORT/jobs
TEXT

if [ -n "$ONCE" ]; then
  exit "$STATUS"
fi
printf '\nserving until Ctrl-C\n'
wait "$SERVER"
