#!/usr/bin/env bash
# Builds the example plugins that are components, from source, into target/guests.
#
#   examples/build-guests.sh [NAME...]     all of them unless named
#
# One is built again only when its source, the SDK, the world or the tools changed: a stamp beside
# the component holds the hash of all that went into it. Needs what tests/install.sh installs.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
OUT="$ROOT/target/guests"
# What compilers keep for the next time; the standard library is built once for all.
CACHE="$ROOT/target/guest"
COMPONENTIZE="$ROOT/target/debug/causeway-componentize"
export CAUSEWAY_COMPONENTIZE_PY="$ROOT/target/lab/venv-guest/bin/componentize-py"

# Name of the component and folder of its source.
GUESTS=(
  "memory-rust examples/plugin-native"
  "memory-python examples/plugin-python"
  "zenodo examples/plugin-zenodo"
  "hostile tests/hostile/component"
  "http-poll tests/guests/http-poll"
  "old-component tests/old-guests/component-0.1.0"
)

say() { printf 'build-guests: %s\n' "$*" >&2; }

# A hash of everything that the component is made from.
key() { # FOLDER
  local sdk=()
  # A Python guest knows nothing of the Rust SDK, nor does one with a lock file of its own.
  [ -e "$ROOT/$1/Cargo.toml" ] && [ ! -e "$ROOT/$1/Cargo.lock" ] && sdk=(sdk/src sdk/Cargo.toml Cargo.lock)
  (
    cd "$ROOT"
    find "$1" wit sdk/componentize/src "${sdk[@]}" -type f -not -path '*/target/*' \
      -not -path '*/__pycache__/*' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
    [ -x /usr/bin/rustc ] && /usr/bin/rustc -V
  ) | sha256sum | cut -d' ' -f1
}

build() { # NAME FOLDER
  local key component="$OUT/$1.wasm"
  key=$(key "$2")
  [ -e "$component" ] && [ "$(cat "$OUT/$1.key" 2>/dev/null)" = "$key" ] && return
  say "$1"
  if [ -z "${TOOL_BUILT:-}" ]; then
    cargo build --quiet --locked --manifest-path "$ROOT/Cargo.toml" -p causeway-componentize \
      --target-dir "$ROOT/target"
    TOOL_BUILT=1
  fi
  "$COMPONENTIZE" "$ROOT/$2" "$component" "$CACHE" >/dev/null
  printf '%s\n' "$key" >"$OUT/$1.key"
}

# Two at once would do the work twice.
mkdir -p "$OUT"
exec 9>"$OUT/lock"
flock 9

for guest in "${GUESTS[@]}"; do
  read -r name folder <<<"$guest"
  [ $# = 0 ] || [[ " $* " == *" $name "* ]] || continue
  build "$name" "$folder"
done
