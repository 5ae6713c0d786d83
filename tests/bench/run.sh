#!/usr/bin/env bash
# `make bench`: every benchmark, a table on stdout and target/bench.json. Expects a release build.
set -euo pipefail
cd "$(dirname "$0")/../.."

tests/install.sh test
cargo build --release --locked -p causeway-tests --bin causeway-bench
rm -f target/bench.json
echo "== the plugin boundary"
cargo bench --locked -p causeway-host --bench boundary
echo "== the store"
cargo bench --locked -p causeway-store --bench journal
echo "== the engine alone"
cargo bench --locked -p causeway-engine --bench mock_flood
cargo bench --locked -p causeway-engine --bench scheduler
echo "== the whole program"
CAUSEWAY_TEST_PROGRAMS=$PWD/target/release target/release/causeway-bench target/bench.json
