# What the GridFTP recipes have in common; sourced after common.sh, not run.
#
# The server sees the whole file system of the machine: there is no chroot without
# root. URL therefore ends with the directory of the data.

PORT_FIRST=24000
PORT_LAST=24999
DATA_PORTS=25000,25999
ACCOUNT=$(id -un)
# CAUSEWAY_LAB_ADDRESS=::1 makes a server of IPv6 alone.
ADDRESS=${CAUSEWAY_LAB_ADDRESS:-127.0.0.1}
HOST_IN_URL=localhost
if [ "$ADDRESS" = ::1 ]; then HOST_IN_URL='[::1]'; fi

server_fill() {
  mkdir -p "$DATA/readonly"
  echo 'read me' >"$DATA/file"
  echo 'read me' >"$DATA/readonly/file"
}

# Certificate, key and map of the server. Alice is mapped to whoever runs it:
# the mapped name must be an account of the machine. So is the subject in
# CAUSEWAY_LAB_ALSO_MAPPED, for copies in the names of two users.
gsi_files() {
  local etc="$DIR/etc"
  # It checks that its key is its own and closed to others.
  cp -f "$PKI/hostcert.pem" "$PKI/hostkey.pem" "$etc/"
  chmod 0400 "$etc/hostkey.pem"
  echo "\"/DC=test/DC=lab/CN=Alice Tester\" $ACCOUNT" >"$etc/grid-mapfile"
  if [ -n "${CAUSEWAY_LAB_ALSO_MAPPED:-}" ]; then
    echo "\"$CAUSEWAY_LAB_ALSO_MAPPED\" $ACCOUNT" >>"$etc/grid-mapfile"
  fi
  voms_proxy
}

# A proxy of Alice with attributes of the VO testvo. No VOMS server is asked: the
# attribute certificate is signed with the host's key, and vomsdir says that it may.
voms_proxy() {
  local etc="$DIR/etc"
  cp -f "$PKI/alice.pem" "$PKI/alicekey.pem" "$etc/"
  # It wants to leave a file of random numbers in the home directory.
  HOME="$DIR/run" voms-proxy-fake -rfc -bits 2048 -hours 48 \
    -cert "$etc/alice.pem" -key "$etc/alicekey.pem" -certdir "$PKI/certificates" \
    -hostcert "$etc/hostcert.pem" -hostkey "$etc/hostkey.pem" \
    -voms testvo -uri localhost:15000 \
    -fqan /testvo/Role=NULL/Capability=NULL \
    -fqan /testvo/prod/Role=production/Capability=NULL \
    -out "$etc/alice.voms.proxy" >"$DIR/run/voms.log" 2>&1 || {
    cat "$DIR/run/voms.log" >&2
    die "no VOMS proxy"
  }
  mkdir -p "$etc/vomsdir/testvo"
  printf '%s\n%s\n' '/DC=test/DC=lab/CN=localhost' '/DC=test/DC=lab/CN=Lab Test CA' \
    >"$etc/vomsdir/testvo/localhost.lsc"
}

# Lines that every server gets: foreground, loopback, logs. Every command and reply
# is in LOG, one line a transfer in TRANSFERS.
common_settings() { # PORT
  cat <<CF
port $1
control_interface $ADDRESS
data_interface $ADDRESS
ipc_interface 127.0.0.1
hostname $ADDRESS
port_range $DATA_PORTS
detach 0
daemon 1
threads 1
connections_max 400
log_level ALL
log_module stdio:buffer=0
log_single $DIR/server.log
log_transfer $DIR/transfers.log
disable_usage_stats 1
CF
  if [ "$(id -u)" = 0 ]; then echo 'allow_root 1'; fi
}

gsi_environment() {
  ENVIRONMENT=(env HOME="$DIR/run" "X509_USER_CERT=$DIR/etc/hostcert.pem" "X509_USER_KEY=$DIR/etc/hostkey.pem"
    "X509_CERT_DIR=$PKI/certificates" "GRIDMAP=$DIR/etc/grid-mapfile"
    "GLOBUS_TCP_PORT_RANGE=$DATA_PORTS")
}

greets() { # PORT: whether a control connection is answered
  local line
  exec 8<>"/dev/tcp/$ADDRESS/$1" || return 1
  read -r -t 5 line <&8 || line=
  exec 8>&-
  [[ $line == 220* ]]
}

gridftp_keys() { # SCHEME
  cat <<KEYS
URL=$1://$HOST_IN_URL:${PORTS[0]}$DATA
BASE=$1://$HOST_IN_URL:${PORTS[0]}
PORT=${PORTS[0]}
PKI=$PKI
TRANSFERS=$DIR/transfers.log
KEYS
}
