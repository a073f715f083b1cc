# Everything is installed into .venv from the lock files; only make and a Python are needed beforehand. All paths are
# relative, so that the folder may have any name.

.DEFAULT_GOAL := help
.NOTPARALLEL:
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
LOG := $(VENV)/install.log
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
COMPILE := $(BIN)/uv pip compile --quiet --system-certs --universal --python-version 3.11 \
    --generate-hashes --no-header --no-annotate
ARGS ?=
SCALE ?= short
WORLDS ?= 5000
PARTS ?= 2000
SOAK ?= spellings worlds requests stands messages wheel
SOAKING = $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --timeout 0
KILLS ?= 60
ACCOUNTS ?= 300
TURNS ?= 50

# The first suitable Python: 3.11 or newer, with venv and ensurepip (which Debian and others package separately).
define FIND_PYTHON
incomplete=
for python in "$$PYTHON" python3 python3.14 python3.13 python3.12 python3.11; do
    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
    if "$$python" -c 'import ensurepip, venv' 2>/dev/null; then
        command -v "$$python"
        exit
    fi
    incomplete=$${incomplete:-$$python}
done
if [ -n "$$incomplete" ]; then
    echo "$$incomplete lacks the modules venv and ensurepip. Install them (Debian, Ubuntu: apt install" \
        "$$("$$incomplete" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')), then run make again." >&2
else
    echo "No Python 3.11 or newer was found. Install it, or name its path:" \
        "make PYTHON=/path/to/python3" >&2
fi
exit 1
endef

# An older pip trusts only its own certificates. It gets the system's, unless a choice is already configured. The pip of
# requirements-build.lock uses the system's by itself.
define TRUST_SYSTEM
if [ -z "$$PIP_CERT$$REQUESTS_CA_BUNDLE$$CURL_CA_BUNDLE" ] && ! $(PIP) config get global.cert >/dev/null 2>&1; then
    for bundle in "$$SSL_CERT_FILE" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt \
        /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem; do
        if [ -f "$$bundle" ]; then
            PIP_CERT=$$bundle
            export PIP_CERT
            break
        fi
    done
fi
endef

# One message for each way in which an installation fails; the details stay in the log.
define EXPLAIN
if grep -qi 'certificate' $(LOG); then
    echo "The package registry's certificate is not trusted. Add its authority to the system's store, or set PIP_CERT."
elif grep -qiE 'retrying|connection|timed out|name resolution|proxy' $(LOG); then
    echo "The package registry cannot be reached. Check the network, the proxy and pip's configuration."
elif grep -qiE 'no space left' $(LOG); then
    echo "The disk is full. Free some space, then run make again."
elif grep -qiE 'do not match the hashes' $(LOG); then
    echo "A package differs from the lock file: the registry, or something on the way, altered it. Check the registry."
elif grep -qE 'No matching distribution' $(LOG); then
    echo "No package is available for this platform or Python ($$(sed -n 's/.*No matching distribution found for //p' $(LOG))" \
        "on $$(uname -sm), $$($(BIN)/python -V)). Try another Python: make clean, then make PYTHON=/path/to/python3"
else
    echo "The packages could not be installed:"
    tail -n 3 $(LOG)
fi >&2
echo "(The output of pip is in $(LOG).)" >&2
exit 1
endef

export FIND_PYTHON TRUST_SYSTEM EXPLAIN

# The tests start Python a hundred times. Where no bytecode is kept, each of them would compile the service first.
unexport PYTHONDONTWRITEBYTECODE

# $(call install,arguments of pip install)
install = $(PIP) install $(1) >$(LOG) 2>&1 || sh -c "$$EXPLAIN"
locked = $(call install,--require-hashes --only-binary :all: -r $(1))

.PHONY: help
help: ## List the targets (default)
	@echo 'Filiation: who first collected a phone number, in which wording, who held it, and which clients received it.'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "ARGS='...' is passed to the command: make demo ARGS='--lang fr --exit', make test ARGS='-k sealed'"

.PHONY: demo
demo: $(VENV)/.service ## Load the story of an election through the API, then leave the service running
	@exec $(BIN)/filiation demo $(ARGS)

.PHONY: serve
serve: $(VENV)/.service ## Run the service with its worker, and its database unless DATABASE_URL is set
	@exec $(BIN)/filiation serve $(ARGS)

.PHONY: test
test: style ## Check and test everything, as CI does
	@$(BIN)/mypy >$(VENV)/types.log 2>&1 & types=$$!; \
	    $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS); \
	    tests=$$?; wait $$types; typed=$$?; cat $(VENV)/types.log; exit $$((tests + typed))

# Everything on another PostgreSQL, as its superuser. Whoever lists the processes sees `make matrix URL=…`. In the
# environment the address stays hidden: `export URL`, then `make matrix`. No recipe contains it.
.PHONY: matrix
matrix: export TEST_DATABASE_URL = $(value URL)
matrix: $(VENV)/.checked ## Test on the PostgreSQL server at URL= (also from the environment), a throw-away server
	@[ -n "$$TEST_DATABASE_URL" ] || { echo "Name the server: make matrix URL=postgresql://superuser:password@host:port/postgres" >&2; exit 2; }
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder -ra $(ARGS)

# What takes minutes in `make test` takes hours here. Each soak has the name of what it shows, and the same code.
.PHONY: soak soak-worlds soak-spellings soak-requests soak-stands soak-messages soak-wheel
soak: $(addprefix soak-,$(SOAK)) ## Test for hours what is tested in short otherwise (SOAK=stands: a choice; WORLDS=, PARTS=, KILLS=, TURNS=, ACCOUNTS=: more)

soak-worlds: $(VENV)/.checked
	WORLDS=$(WORLDS) $(SOAKING) tests/worlds $(ARGS)

soak-spellings: $(VENV)/.checked
	LONG=1 $(SOAKING) tests/number tests/intake $(ARGS)

soak-requests: $(VENV)/.checked
	LONG=1 $(SOAKING) tests/access/test_visibility.py tests/dataset/test_erasure_model.py $(ARGS)
	LONG=1 $(SOAKING) --dist loadfile tests/openapi tests/test_problems.py tests/portal/test_accessibility.py tests/portal/test_browser.py $(ARGS)

soak-stands: $(VENV)/.checked
	PARTS=$(PARTS) LONG=1 $(SOAKING) tests/sandbox tests/test_hostile_memory.py $(ARGS)
	KILLS=$(KILLS) $(BIN)/python -m pytest tests/kills --timeout 0 $(ARGS)

soak-messages: $(VENV)/.checked
	TURNS=$(TURNS) SENDERS=4 AWAY_SECONDS=75 $(BIN)/python -m pytest tests/deployment/test_stops_beside_kills.py --timeout 0 $(ARGS)
	ACCOUNTS=$(ACCOUNTS) $(BIN)/python -m pytest tests/messaging/test_operator_accounts.py --timeout 0 $(ARGS)

soak-wheel: $(VENV)/.base
	sh deployment/wheel.sh $(BIN)/python

.PHONY: bench
bench: $(VENV)/.service ## Measure speed and size in minutes (SCALE=full: longer; ARGS='P1 P4': a choice)
	$(BIN)/python -m benchmarks --scale $(SCALE) $(ARGS)

.PHONY: peers
peers: $(VENV)/.service requirements-peers.lock ## Install other databases, which the benchmarks then measure too
	@$(call locked,requirements-peers.lock)

.PHONY: lint
lint: style types ## Check style, types and the direction of imports

.PHONY: style
style: $(VENV)/.checked
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo

# A minute on a single core, so `make test` does this while the tests run.
.PHONY: types
types: $(VENV)/.checked
	$(BIN)/mypy

.PHONY: format
format: $(VENV)/.checked ## Format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: openapi
openapi: $(VENV)/.service ## Generate openapi/openapi.json, docs/settings.md and docs/retention.md from the code
	$(BIN)/filiation openapi openapi/openapi.json
	$(BIN)/filiation settings docs/settings.md
	$(BIN)/filiation retention docs/retention.md

.PHONY: sight
sight: $(VENV)/.checked ## Generate docs/sight.md: what each route tells each kind of caller of others
	FILIATION_WRITE_DOCS=1 $(BIN)/python -m pytest -q tests/scenario/test_what_routes_tell.py

.PHONY: lock
lock: $(VENV)/.service ## Pin the dependencies (ARGS=--upgrade: in their newest versions)
	@$(call install,--quiet --upgrade uv)
	$(COMPILE) $(ARGS) --group build -o requirements-build.lock
	$(COMPILE) $(ARGS) pyproject.toml -o requirements.lock
	$(COMPILE) $(ARGS) -c requirements.lock pyproject.toml --extra embedded -o requirements-embedded.lock
	$(COMPILE) $(ARGS) -c requirements-embedded.lock pyproject.toml --extra embedded --group test -o requirements-test.lock
	$(COMPILE) $(ARGS) -c requirements-embedded.lock --group peers -o requirements-peers.lock

.PHONY: size
size: $(VENV)/.base ## Measure what the image adds to its base, without Docker, and check that it works
	@sh deployment/size.sh $(BIN)/python

.PHONY: clean
clean: ## Remove installed packages and caches, but no data
	rm -rf $(VENV) .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp is newer than its lock file after an installation, so that a second run installs nothing and needs no
# network.
$(VENV)/.base: requirements-build.lock
	@python=$$(sh -c "$$FIND_PYTHON") && \
	    { $(BIN)/python -m pip --version >/dev/null 2>&1 || "$$python" -m venv --clear $(VENV); }
	@echo 'Installing packages. This takes a minute, once…'
	@eval "$$TRUST_SYSTEM"; $(call locked,requirements-build.lock)
	@touch $@

$(VENV)/.project: $(VENV)/.base pyproject.toml
	@$(call install,--no-deps --no-build-isolation -e .)
	@touch $@

$(VENV)/.service: $(VENV)/.base requirements-embedded.lock $(VENV)/.project
	@$(call locked,requirements-embedded.lock)
	@touch $@

$(VENV)/.checked: $(VENV)/.base requirements-test.lock $(VENV)/.project
	@$(call locked,requirements-test.lock)
	@touch $@
