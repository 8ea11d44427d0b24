# The only command list. `make help` prints it.

CARGO ?= cargo
.DEFAULT_GOAL := help
# Most tests wait for processes: a machine with few cores runs more of them at once than it has.
THREADS ?= $(shell cores=$$(nproc); echo $$((cores < 4 ? 4 : cores)))
.PHONY: help demo test bench soak fuzz lint setup tools

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup ## Both directions on real parts, with the bridge killed half way: under a minute once built
	$(CARGO) build --workspace --bins
	$(CARGO) run --quiet -p harness --bin crossfeed-demo -- $(ARGS)

test: setup ## Everything, including the tests against Apache Kafka (CROSSFEED_SKIP_KAFKA=1 skips those, and says so)
	$(CARGO) build --workspace --bins
	RUST_TEST_THREADS=$(THREADS) $(CARGO) test --workspace
	@for bug in deaf ghost slice; do $(CARGO) test -p bayeux --lib --features planted-$$bug fuzz:: || exit 1; done

fuzz: setup ## What a server may say, by cargo-fuzz (TARGET=session or splitter, FOR=60 seconds)
	@command -v cargo-fuzz >/dev/null || $(CARGO) install cargo-fuzz --locked --version 0.13.2
	cd connectors/bayeux && RUSTC_BOOTSTRAP=1 $(CARGO) fuzz run $(or $(TARGET),session) -- -max_total_time=$(or $(FOR),60) -max_len=4096

bench: setup ## Events/s, CPU and memory beside a bare producer and a bare reader (release build, a few minutes)
	$(CARGO) build --release --workspace --bins
	$(CARGO) run --release --quiet -p harness --bin crossfeed-bench -- $(ARGS)

soak: setup ## Ten minutes of disturbances on 20 channels, then every event is compared (ARGS="--minutes N --seed N", or ARGS=pressure)
	$(CARGO) build --workspace --bins
	$(CARGO) run --quiet -p harness --bin crossfeed-soak -- $(ARGS)

lint: setup tools ## rustfmt, clippy, and what may be depended upon
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	cargo-deny --log-level error check bans licenses sources
	@scripts/advisories

setup: ## Install or name the system packages that are missing
	@scripts/setup

tools:
	@command -v cargo-deny >/dev/null || $(CARGO) install cargo-deny --locked --version 0.20.2
