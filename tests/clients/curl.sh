#!/usr/bin/env bash
# The documented sequence with curl and openssl alone: who am I, delegate, submit, look, list,
# cancel; and what HTTP itself asks of a server.
set -euo pipefail

PKI=$(dirname "$X509_USER_PROXY")
PROXY=$X509_USER_PROXY
cd "$WORK"

fail() { echo "FAILED: $*" >&2; exit 1; }
api() { # METHOD PATH [curl options...]
  local method=$1 path=$2
  shift 2
  curl -sS --max-time 30 --path-as-is --cacert "$PKI/ca.pem" --cert "$PROXY" --key "$PROXY" -X "$method" "$FTS_ENDPOINT$path" "$@"
}
code() { api "$@" -o /dev/null -w '%{http_code}'; }
same() { # WHAT WANTED GOT
  [ "$3" = "$2" ] || fail "$1: wanted '$2', got '$3'"
}
header() { # NAME, of the answer in file h
  tr -d '\r' <h | sed -n "s/^$1: *//Ip" | tail -n 1
}
member() { # NAME, of the JSON on stdin
  python3 -c 'import json, sys; it = json.load(sys.stdin)[sys.argv[1]]; print(it if isinstance(it, str) else json.dumps(it))' "$1"
}

# Who am I.
api GET /whoami >me
ID=$(member delegation_id <me)
same "user_dn" "/DC=org/DC=causeway/CN=Dev User" "$(member user_dn <me)"
same "nobody" '"anon"' "$(curl -sS --cacert "$PKI/ca.pem" "$FTS_ENDPOINT/whoami" | grep -o '"anon"' | head -n 1)"

# Submitting before delegating: 419 with its own reason.
BODY='{"files":[{"sources":["mock://a.example/f?size=10"],"destinations":["mock://b.example/f?size_post=10&time=600"]}]}'
api PUT /jobs -d "$BODY" -D h -o answer
same "status line" "419 Authentication Timeout" "$(member status <answer)"

# Delegate: take the request, sign it with the proxy's key, give it back with the chain.
api GET "/delegation/$ID/request" -D h -o request.pem
same "X-Delegation-ID" "$ID" "$(header X-Delegation-ID)"
openssl req -in request.pem -noout -verify 2>/dev/null || fail "the request is not signed by its key"
SUBJECT=$(openssl x509 -in "$PROXY" -noout -subject -nameopt compat | sed 's/^subject= *//')
printf '%s\n' 'keyUsage=critical,digitalSignature,keyEncipherment' 'proxyCertInfo=critical,language:id-ppl-inheritAll' >proxy.cnf
openssl x509 -req -in request.pem -subj "$SUBJECT/CN=1700000000" -CA "$PROXY" -CAkey "$PROXY" -set_serial 1700000000 \
  -sha256 -days 1 -extfile proxy.cnf -out signed.pem 2>openssl.log || { cat openssl.log; fail "signing"; }
# Certificates only: the key of the proxy stays here.
sed -n '/BEGIN CERTIFICATE/,/END CERTIFICATE/p' "$PROXY" >chain.pem
cat signed.pem chain.pem >credential.pem
same "PUT credential" 201 "$(code PUT "/delegation/$ID/credential" --data-binary @credential.pem -H 'Content-Type:')"
api GET "/delegation/$ID" | member termination_time | grep -qE '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}$' || fail "termination time"

# Submit with PUT: no content type, any content type; with POST only the right one.
JOB=$(api PUT /jobs --data-binary "$BODY" -H 'Content-Type:' | member job_id)
same "PUT, form type" 200 "$(code PUT /jobs -d "$BODY")"
same "PUT, text" 200 "$(code PUT /jobs/ -d "$BODY" -H 'Content-Type: text/plain')"
same "POST, JSON with charset" 200 "$(code POST /jobs -d "$BODY" -H 'Content-Type: application/json; charset=utf-8')"
same "POST, text" 400 "$(code POST /jobs -d "$BODY" -H 'Content-Type: text/plain')"
same "POST, chunked" 200 "$(printf '%s' "$BODY" | code POST /jobs --http1.1 -T - -H 'Transfer-Encoding: chunked' -H 'Content-Type: application/json')"
same "PUT, expecting 100" 200 "$(code PUT /jobs -d "$BODY" --http1.1 -H 'Expect: 100-continue')"

# Look at it, in one piece and in parts; slashes do not matter.
for path in "/jobs/$JOB" "//jobs/$JOB" "///jobs/$JOB/"; do
  same "$path" "$JOB" "$(api GET "$path" | member job_id)"
done
api GET "/jobs/$JOB/job_state" | grep -qxE '"(SUBMITTED|READY|ACTIVE)"' || fail "a bare field"
same "no such field" 404 "$(code GET "/jobs/$JOB/nosuchfield")"
api GET //jobs | grep -q "$JOB" || fail "the job is not listed"
api GET "/jobs?limit=1&fields=job_id,priority" | grep -qxE '\[\{"(job_id|priority)":[^,]*,"(job_id|priority)":[^,]*\}\]' || fail "limit and fields"
same "limit too high" 400 "$(code GET '/jobs?limit=501')"
same "root" "Integer" "$(api GET // | python3 -c 'import json, sys; print("Integer" if isinstance(json.load(sys.stdin)["api"]["major"], int) else "no")')"

# Priority, then cancel.
same "priority" 5 "$(api POST "/jobs/$JOB" -H 'Content-Type: application/json' -d '{"params":{"priority":5}}' | member priority)"
same "cancel" CANCELED "$(api DELETE "/jobs/$JOB" | member job_state)"
same "cancel again" "304 Not Modified" "$(api DELETE "/jobs/$JOB" | member http_status)"
same "unknown job" 404 "$(code DELETE /jobs/00000000-1111-5222-8333-444444444444)"
same "two, one unknown" 207 "$(code GET "/jobs/$JOB,00000000-1111-5222-8333-444444444444")"

# HTTP as such. OPTIONS needs no identity.
allow() {
  curl -sS --cacert "$PKI/ca.pem" --path-as-is -X OPTIONS "$FTS_ENDPOINT$1" -D h -o body -w '%{http_code} '
  header Allow | tr -d ' ' | tr ',' '\n' | sort | paste -sd, -
}
for pair in "/whoami 200 GET,OPTIONS" "/jobs 200 GET,OPTIONS,POST,PUT" "//jobs/1234 200 DELETE,GET,OPTIONS,POST" \
  "/dm/unlink 200 OPTIONS,POST" "/delegation/1234 200 DELETE,GET,OPTIONS" "/delegation/1234/credential 200 OPTIONS,POST,PUT"; do
  # HEAD goes without saying: it may be named or not.
  same "OPTIONS ${pair%% *}" "${pair#* }" "$(allow "${pair%% *}" | sed 's/HEAD,//; s/,HEAD$//')"
  [ ! -s body ] || fail "OPTIONS has a body"
done
same "OPTIONS of nothing" 404 "$(curl -sS --cacert "$PKI/ca.pem" -X OPTIONS "$FTS_ENDPOINT/nothing/here" -o /dev/null -w '%{http_code}')"
same "wrong method" 405 "$(api PATCH /jobs -D h -o body -w '%{http_code}')"
header Allow | grep -q POST || fail "405 without Allow"
same "error body" "405 Method Not Allowed" "$(member status <body)"
same "unknown route" 404 "$(code GET /no/such/route)"
for version in 1.1 2; do
  same "HTTP/$version" "200 $version" "$(api GET /whoami "--http$version" -D h -o body -w '%{http_code} %{http_version}')"
  same "type" "application/json" "$(header Content-Type | cut -d';' -f1)"
  same "frame options" "DENY" "$(header X-Frame-Options)"
  same "HEAD, HTTP/$version" "200 0" "$(curl -sS --cacert "$PKI/ca.pem" -I "--http$version" "$FTS_ENDPOINT/whoami" -o h -w '%{http_code} %{size_download}')"
done
same "DELETE with a body" 200 "$(code DELETE "/jobs/$JOB" -d '{}')"
same "foreign origin" 403 "$(code GET /whoami -H 'Origin: https://evil.example')"
same "all of them" 200 "$(code DELETE /jobs/all)"

# The delegation is taken back.
same "DELETE delegation" 204 "$(code DELETE "/delegation/$ID")"
same "nothing left" null "$(api GET "/delegation/$ID")"
same "DELETE again" 404 "$(code DELETE "/delegation/$ID")"
