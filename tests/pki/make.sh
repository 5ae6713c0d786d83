#!/usr/bin/env bash
# Makes a throw-away PKI for the tests: tests/pki/make.sh DIR
#
# Everything is made new at test time with plain openssl; nothing of it is ever
# committed. Running it again on a DIR that is complete and still valid does
# nothing, so several tests may call it. Layout of DIR:
#
#   ca.pem cakey.pem             CA everybody trusts    /DC=test/DC=lab/CN=Lab Test CA
#   ca.crl.pem                   its revocation list (one entry: revoked.pem)
#   rogueca.pem roguecakey.pem   CA nobody trusts       /DC=test/DC=rogue/CN=Rogue CA
#   hostcert.pem hostkey.pem     CN=localhost, also 127.0.0.1 and ::1; server and client use
#   alice.pem alicekey.pem       user in the grid-mapfile        .../CN=Alice Tester
#   bob.pem bobkey.pem           valid user, not in the mapfile  .../CN=Bob Outsider
#   revoked.pem revokedkey.pem   user on the revocation list     .../CN=Rita Revoked
#   mallory.pem mallorykey.pem   claims Alice's name, signed by the rogue CA
#   alice.proxy bob.proxy        RFC 3820 proxy, inherit all, 48 h
#   alice.limited.proxy          RFC 3820 proxy, limited policy, 48 h
#   alice.expired.proxy          RFC 3820 proxy, ended in the past
#   alice.second.proxy           a proxy of alice.proxy (two levels, as after a delegation)
#   mallory.proxy                RFC 3820 proxy of mallory
#   alice.bundle.pem             certificate and key of alice in one file
#   certificates/                CA directory: HASH.0 HASH.r0 HASH.signing_policy, new and old hash
#   grid-mapfile                 alice -> alice
#
# A proxy file holds certificate, key, then the chain up to the user (no CA).
# Keys are 0400, proxies 0600 (tools refuse anything wider).
set -euo pipefail

[ $# = 1 ] || { echo "usage: make.sh DIR" >&2; exit 2; }
mkdir -p "$1"
cd "$1"

# The caller's own settings must not leak into what is made here.
unset OPENSSL_CONF SSL_CERT_FILE SSL_CERT_DIR

# Several test processes may ask at the same time; one makes, the others wait.
exec 9>.lock
flock 9

# grid-mapfile is written last: without it the directory is not complete.
if [ -f grid-mapfile ] &&
  openssl x509 -in alice.proxy -noout -checkend 21600 >/dev/null 2>&1 &&
  openssl x509 -in hostcert.pem -noout -checkend 21600 >/dev/null 2>&1; then
  exit 0
fi
find . -mindepth 1 -maxdepth 1 ! -name .lock -exec rm -rf {} +

umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/ca.cnf" <<CNF
[ca]
default_ca = lab
[lab]
database         = $work/index.txt
serial           = $work/serial
new_certs_dir    = $work
default_md       = sha256
default_crl_days = 30
policy           = any
unique_subject   = no
crl_extensions   = crl
[any]
domainComponent  = supplied
commonName       = supplied
[crl]
authorityKeyIdentifier = keyid
[v3_ca]
basicConstraints       = critical, CA:TRUE
keyUsage               = critical, keyCertSign, cRLSign
subjectKeyIdentifier   = hash
[v3_host]
basicConstraints       = critical, CA:FALSE
keyUsage               = critical, digitalSignature, keyEncipherment
# A server is a client of the other one in a third-party copy.
extendedKeyUsage       = serverAuth, clientAuth
subjectAltName         = DNS:localhost, IP:127.0.0.1, IP:::1
subjectKeyIdentifier   = hash
authorityKeyIdentifier = keyid
[v3_user]
basicConstraints       = critical, CA:FALSE
keyUsage               = critical, digitalSignature, keyEncipherment
extendedKeyUsage       = clientAuth
subjectKeyIdentifier   = hash
authorityKeyIdentifier = keyid
[proxy_full]
basicConstraints       = critical, CA:FALSE
keyUsage               = critical, digitalSignature, keyEncipherment
proxyCertInfo          = critical, language:id-ppl-inheritAll
[proxy_limited]
basicConstraints       = critical, CA:FALSE
keyUsage               = critical, digitalSignature, keyEncipherment
# The Globus OID for "limited": no right to start jobs, and not to delegate more.
proxyCertInfo          = critical, language:1.3.6.1.4.1.3536.1.1.1.9
[req]
distinguished_name     = dn
[dn]
CNF
: >"$work/index.txt"
echo 1000 >"$work/serial"

quiet() { # the tools chatter on stderr; show it only when they fail
  "$@" 2>"$work/err" || { cat "$work/err" >&2; return 1; }
}

new_key() { quiet openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1"; }

make_ca() { # NAME SUBJECT -> NAME.pem NAMEkey.pem
  new_key "$1key.pem"
  quiet openssl req -new -x509 -config "$work/ca.cnf" -extensions v3_ca -sha256 -days 30 \
    -key "$1key.pem" -subj "$2" -out "$1.pem"
}

SERIAL=4096
sign() { # CA EXTENSIONS NAME SUBJECT -> NAME.pem; the key is NAMEkey.pem
  SERIAL=$((SERIAL + 1))
  quiet openssl req -new -config "$work/ca.cnf" -key "$3key.pem" -subj "$4" -out "$work/csr"
  quiet openssl x509 -req -in "$work/csr" -CA "$1.pem" -CAkey "$1key.pem" -set_serial "$SERIAL" \
    -sha256 -days 30 -extfile "$work/ca.cnf" -extensions "$2" -out "$3.pem"
}

# A proxy: subject = the issuer's subject + one CN, signed with the issuer's
# key. Proxies get the two keys made for all of them: key making is the slow part.
make_proxy() { # OUT ISSUER_CERT ISSUER_KEY CHAIN EXTENSIONS DAYS KEY CN
  local out=$1 cert=$2 key=$3 chain=$4 ext=$5 days=$6 pkey=$7 cn=$8 subject
  subject=$(openssl x509 -in "$cert" -noout -subject -nameopt compat)
  subject=${subject#subject=}
  subject=${subject# }
  quiet openssl req -new -config "$work/ca.cnf" -key "$pkey" -subj "$subject/CN=$cn" -out "$work/csr"
  # `x509 -days` accepts a negative number only for certificates it signs
  # itself, so an expired one takes `openssl ca`, which knows exact dates.
  if [ "$days" -gt 0 ]; then
    quiet openssl x509 -req -in "$work/csr" -CA "$cert" -CAkey "$key" -set_serial "$cn" \
      -sha256 -days "$days" -extfile "$work/ca.cnf" -extensions "$ext" -out "$work/proxy.pem"
  else
    quiet openssl ca -batch -notext -config "$work/ca.cnf" -in "$work/csr" -cert "$cert" -keyfile "$key" \
      -startdate 20240101000000Z -enddate 20240102000000Z -preserveDN \
      -extfile "$work/ca.cnf" -extensions "$ext" -out "$work/proxy.pem"
  fi
  cat "$work/proxy.pem" "$pkey" "$chain" >"$out"
  chmod 600 "$out"
}

make_ca ca "/DC=test/DC=lab/CN=Lab Test CA"
make_ca rogueca "/DC=test/DC=rogue/CN=Rogue CA"

for name in host alice bob revoked mallory; do new_key "${name}key.pem"; done
sign ca v3_host host "/DC=test/DC=lab/CN=localhost"
mv host.pem hostcert.pem
sign ca v3_user alice "/DC=test/DC=lab/CN=Alice Tester"
sign ca v3_user bob "/DC=test/DC=lab/CN=Bob Outsider"
sign ca v3_user revoked "/DC=test/DC=lab/CN=Rita Revoked"
sign rogueca v3_user mallory "/DC=test/DC=lab/CN=Alice Tester"
cat alice.pem alicekey.pem >alice.bundle.pem

new_key "$work/p1"
new_key "$work/p2"
make_proxy alice.proxy alice.pem alicekey.pem alice.pem proxy_full 2 "$work/p1" 1001
make_proxy alice.limited.proxy alice.pem alicekey.pem alice.pem proxy_limited 2 "$work/p1" 1002
make_proxy alice.expired.proxy alice.pem alicekey.pem alice.pem proxy_full 0 "$work/p1" 1003
make_proxy bob.proxy bob.pem bobkey.pem bob.pem proxy_full 2 "$work/p1" 1004
make_proxy mallory.proxy mallory.pem mallorykey.pem mallory.pem proxy_full 2 "$work/p1" 1005
# The second level is signed by the first; its chain is the first plus the user.
openssl x509 -in alice.proxy -out "$work/first.pem"
cat "$work/first.pem" alice.pem >"$work/chain.pem"
make_proxy alice.second.proxy "$work/first.pem" "$work/p1" "$work/chain.pem" proxy_full 2 "$work/p2" 1006

quiet openssl ca -config "$work/ca.cnf" -cert ca.pem -keyfile cakey.pem -revoke revoked.pem
quiet openssl ca -config "$work/ca.cnf" -cert ca.pem -keyfile cakey.pem -gencrl -out ca.crl.pem

# The rogue CA is left out on purpose: it is the one nobody trusts.
mkdir certificates
for hash in "$(openssl x509 -in ca.pem -noout -subject_hash)" "$(openssl x509 -in ca.pem -noout -subject_hash_old)"; do
  cp ca.pem "certificates/$hash.0"
  cp ca.crl.pem "certificates/$hash.r0"
  cat >"certificates/$hash.signing_policy" <<'POLICY'
access_id_CA   X509     '/DC=test/DC=lab/CN=Lab Test CA'
pos_rights     globus   CA:sign
cond_subjects  globus   '"/DC=test/DC=lab/*"'
POLICY
done

# Servers run as other users: all but the keys may be read by everybody.
chmod 0400 ./*key.pem
chmod 0600 ./*.proxy alice.bundle.pem
chmod 0644 ca.pem rogueca.pem ca.crl.pem hostcert.pem alice.pem bob.pem revoked.pem mallory.pem certificates/*
chmod 0755 . certificates

echo '"/DC=test/DC=lab/CN=Alice Tester" alice' >grid-mapfile.new
chmod 0644 grid-mapfile.new
mv grid-mapfile.new grid-mapfile
