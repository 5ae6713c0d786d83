#!/usr/bin/env bash
# `make bench`: every benchmark, a table on stdout and bench.json in the build directory.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")

tests/install.sh test
# All with `--workspace`: with a choice of packages, every command would build the dependencies anew.
cargo build --release --locked --workspace
rm -f "$target/bench.json"
for bench in boundary journal mock_flood scheduler; do
    echo "== $bench"
    cargo bench --locked --workspace --bench "$bench"
done
echo "== the whole program"
CAUSEWAY_TEST_PROGRAMS=$target/release "$target/release/causeway-bench" "$target/bench.json"
