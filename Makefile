# The only door; CI uses the same. `make run` and `make test` do everything on a machine with Rust, Node and make.

CARGO ?= cargo
NPM ?= npm

ENGINE := engine/node_modules/.package-lock.json
WEB := web/node_modules/.package-lock.json
PORTAL := web/dist/index.html
PORTAL_SOURCES := $(shell find web/src web/public -type f 2>/dev/null) web/index.html web/vite.config.ts

.PHONY: run test lint integration browser engine portal release demo bench schemas fmt clean

## Bring the engine, build everything, start it.
run: release
	./target/release/activitylog serve

## Everything that must hold before a change lands.
test: lint integration browser
	@echo "make test: all passed"

release: engine portal
	$(CARGO) build --release --locked

lint: portal
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	cd web && $(NPM) run --silent check

# Unit and integration tests in one cargo run, so that nothing is built twice.
integration: engine portal
	$(CARGO) test --locked

# The binary of the integration tests: `cargo build` would build its dependencies again, with other features.
browser: engine portal tools/chromium
	$(CARGO) test --locked --no-run --test it
	cd web && CHROMIUM="$$(command -v chromium || command -v chromium-browser || command -v google-chrome)" $(NPM) test

## Send realistic traffic to a running instance.
demo: release
	./target/release/activitylog demo

## Figures: benches/README.md says what they mean.
bench: release
	benches/run.sh

## Write the JSON Schemas from the code.
schemas: engine portal
	ACTIVITYLOG_WRITE_SCHEMAS=1 $(CARGO) test --locked --test it the_files_say_what_the_code_does

fmt:
	$(CARGO) fmt

engine: $(ENGINE)
portal: $(PORTAL)

$(ENGINE): engine/package.json engine/package-lock.json
	@command -v $(NPM) >/dev/null || { echo "npm is missing: install Node.js 20 or newer"; exit 1; }
	cd engine && $(NPM) ci --no-audit --no-fund
	@ls engine/node_modules/@chdb/*/libchdb.so >/dev/null 2>&1 || { echo "there is no embedded ClickHouse for this platform ($$(uname -sm)): set clickhouse.url to a server of yours"; exit 1; }
	@touch $@

$(WEB): web/package.json web/package-lock.json
	cd web && $(NPM) ci --no-audit --no-fund
	@touch $@

$(PORTAL): $(WEB) $(PORTAL_SOURCES)
	cd web && $(NPM) run --silent build
	@touch $@ src/portal/mod.rs

# The browser that the portal's tests drive. Debian's package; elsewhere, say what is missing.
.PHONY: tools/chromium
tools/chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || { \
	  command -v apt-get >/dev/null || { echo "no chromium found and no apt-get to bring it: install Chromium, then run make test again"; exit 1; }; \
	  echo "installing chromium for the browser tests"; \
	  if [ "$$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi; \
	  $$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; }

clean:
	$(CARGO) clean
	rm -rf web/dist web/node_modules engine/node_modules
