# The few commands a developer needs. Each target installs what it lacks on Debian (it says so first) and is quick
# when everything is there. The scripts behind it live in deploy/setup and deploy/ci.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# A rustup that was installed a minute ago is not on the PATH of this shell yet.
export PATH := $(HOME)/.cargo/bin:$(PATH)
# Same flags in every target, so that nothing is compiled twice.
export CARGO_INCREMENTAL ?= 0

CARGO_TEST := cargo test --locked --workspace --no-fail-fast

.PHONY: help
help: ## Say what there is to run
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

.PHONY: demo
demo: toolchain ## Run the sample shop on embedded SQLite, rules loaded (the first build takes some minutes)
	@echo "Building rulegate (the first build takes some minutes)."
	@cargo run --locked -p rulegate -- demo

.PHONY: test
test: toolchain servers clients ## Run every test, on real PostgreSQL, MariaDB and SQLite
	@RULEGATE_TEST_CLIENTS=installed deploy/setup/databases.sh exec $(CARGO_TEST)

.PHONY: check
check: toolchain ## Run what must hold before the tests: format, lints, docs, dependencies
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet
	deploy/ci/dependencies.py

.PHONY: soak
soak: toolchain servers clients ## Run the tests with their long settings: same seeds, more rounds and more rows
	@RULEGATE_SOAK=1 RULEGATE_TEST_CLIENTS=installed deploy/setup/databases.sh exec $(CARGO_TEST)

.PHONY: image
image: toolchain ## Build the container image and try it: confined, on PostgreSQL, under Prometheus, as a sidecar (PROFILE=dev: sooner)
	@deploy/setup/packages.sh image
	@deploy/setup/packages.sh chart
	@deploy/setup/helm.sh
	@cd deploy/monitoring && promtool test rules alerts_test.yaml
	@deploy/ci/image.sh build
	@deploy/setup/databases.sh exec deploy/ci/image.sh check
	@deploy/ci/pod.sh

.PHONY: chart
chart: ## Check the Helm chart with Helm 3 and 4 (RULEGATE=target/debug/rulegate: with the rules and files that it renders)
	@deploy/setup/packages.sh chart
	@deploy/setup/helm.sh
	@target/chart/venv/bin/python deploy/ci/chart.py $(if $(RULEGATE),--rulegate $(RULEGATE))

.PHONY: release
release: toolchain ## Make a release in target/dist: static binary, licences, SBOM, chart, checksums (PROFILE=dev: try it)
	@deploy/setup/packages.sh chart
	@deploy/setup/helm.sh
	@deploy/release/release.sh

.PHONY: book
book: ## Make a book of docs/, with a search, in target/book/html
	@deploy/setup/packages.sh book
	@deploy/setup/mdbook.sh
	@deploy/book/build.py

.PHONY: fmt
fmt: toolchain ## Format the code
	cargo fmt --all

.PHONY: servers-stop
servers-stop: ## Stop the private database servers that the tests started, if they did
	@deploy/setup/databases.sh stop

.PHONY: toolchain
toolchain:
	@deploy/setup/packages.sh build
	@deploy/setup/rust.sh

.PHONY: servers
servers:
	@deploy/setup/packages.sh test
	@deploy/setup/databases.sh start

.PHONY: clients
clients:
	@deploy/setup/packages.sh test
	@deploy/setup/packages.sh chart
	@deploy/setup/clients.sh
	@deploy/setup/helm.sh
