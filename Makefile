# One entrance. `make help` lists the commands.

SHELL := /bin/bash
PLUGINS := mock file http s3 cloud ftp gridftp
RELEASE := $(or $(CARGO_TARGET_DIR),target)/release

.PHONY: help build run test nightly lint bench plugins clean-state

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

build: ## the release gateway and every plugin
	cargo build --release --locked -p causeway-server $(PLUGINS:%=-p causeway-plugin-%)
	@rm -rf $(RELEASE)/plugins
	@for p in $(PLUGINS); do \
	  $(RELEASE)/causeway plugins install $(RELEASE)/libcauseway_plugin_$$p.so $(RELEASE)/plugins || exit 1; \
	done

run: build ## start a gateway and submit one real transfer; ONCE=1 ends after it
	@RELEASE=$(RELEASE) ONCE=$(ONCE) examples/client/first-transfer.sh

test: ## install the servers that tests need, then run every test
	tests/install.sh test
	@# Tests included: without them what both share would be compiled twice, with other features.
	cargo build --locked --workspace --lib --bins --examples --tests
	examples/build-guests.sh
	cargo test --locked --workspace --doc --quiet
	@# One more than there are cores: many tests wait for servers.
	CAUSEWAY_TEST_PROGRAMS=$${CARGO_TARGET_DIR:-$(CURDIR)/target}/debug cargo nextest run --locked --workspace --no-fail-fast \
	  --test-threads $$(( $$(nproc) + 1 ))

nightly: ## 10,000 random worlds of the engine; SEEDS=n for another number
	CAUSEWAY_WORLD_SEEDS=$(or $(SEEDS),10000) cargo nextest run --locked --profile nightly -p causeway-engine --test world

lint: ## format, clippy, documentation, dependencies, scripts
	tests/install.sh lint
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet
	cargo deny --locked check bans licenses sources

bench: build ## the benchmark suite: a table, and target/bench.json
	tests/bench/run.sh
