# `make demo` and `make test` are complete in themselves on a fresh machine; steps that are done are skipped.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CHALLENGE := challenges/digits

.PHONY: help setup demo contest test-fast test test-all test-cluster test-host browser postgresql podman lint typecheck-sandbox gallery bench plots pictures docs fuzz guest clean

help:
	@echo "make demo    set up all that is needed, run a sample submission 64 times, show its score and report"
	@echo "make test-fast  the tests without containers and browser, but for six long files (a minute and a half)"
	@echo "make test    set up all that is needed, check the code, run the tests, containers and browser included (15 to 30 minutes)"
	@echo "make test-all   make test, and the tests that are too slow for it"
	@echo "make test-cluster  the same evaluation on one machine and on nodes of a Ray cluster, which are killed meanwhile"
	@echo "make contest a contest of six teams, from nothing to a published final (a quarter of an hour)"
	@echo "make setup   virtual environment, container engine, image"
	@echo "make lint    ruff and mypy only"
	@echo "make typecheck-sandbox  mypy on sandbox/ inside the image, with torch's types (make test includes it)"
	@echo "make gallery every attack under every runtime and isolation (two hours or more)"
	@echo "make bench   the benchmarks (half an hour; wants a quiet machine)"
	@echo "make docs    the documentation as a site, warnings as errors: build/site/html/index.html"
	@echo "make plots   the plots of docs/metrics.md, from simulations (two minutes)"
	@echo "make pictures  the pictures of README and docs/, taken in chromium (half a minute)"
	@echo "make fuzz    fuzz what the host parses, SECONDS=60 for each target (tests/fuzz/README.md)"
	@echo "make guest   a Debian 13 guest with the project in it, emulated, up and reachable (tests/guest/README.md)"
	@echo "make clean   remove leftover containers and what the tools cached"

$(VENV)/ready: requirements/dev.txt pyproject.toml
	@echo "setup: making the virtual environment (half a minute)"
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing; install the Debian package python3-venv." >&2; exit 3; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

setup: $(VENV)/ready
	@$(BIN)/unlearn setup

demo: setup
	@test -f $(CHALLENGE)/challenge.toml || echo "demo: building the challenge $(CHALLENGE): an original network and 64 references"
	@test -f $(CHALLENGE)/challenge.toml || $(BIN)/unlearn challenge build digits $(CHALLENGE) --references 64 --seed 0 --public
	@echo "demo: running sample_submissions/finetune 64 times, sealed"
	@$(BIN)/unlearn run sample_submissions/finetune --challenge $(CHALLENGE) -n 64 --html build/reports

lint: $(VENV)/ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

typecheck-sandbox: setup
	@$(BIN)/python -m tests.tools.typecheck_sandbox

# Two workers, each with whole files: in the order of tests/conftest.py, the longest first.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-host: setup
	@$(BIN)/unlearn setup --runtime runsc || echo "test: gVisor is not set up here; tests that need it are skipped and listed"

test-fast: $(VENV)/ready
	@$(PYTEST) -m "not container and not browser and not slow and not long and not thorough"

# Debian's PostgreSQL, of which each test process starts a server of its own; no cluster is created and none runs.
postgresql:
	@ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || { \
		echo "test: installing Debian's PostgreSQL (half a minute)"; \
		{ mkdir -p /etc/postgresql-common \
			&& { test -e /etc/postgresql-common/createcluster.conf \
				|| echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf; } \
			&& apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql; } >/dev/null 2>&1 \
		|| echo "test: Debian's PostgreSQL cannot be had here; tests that need it are skipped and listed"; }

# Debian's chromium, in which the tests open the pages that people see.
browser:
	@command -v chromium >/dev/null || { \
		echo "test: installing Debian's chromium (a minute)"; \
		{ apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } >/dev/null 2>&1 \
		|| echo "test: Debian's chromium cannot be had here; tests that need it are skipped and listed"; }

# The cluster's nodes take both cores, so their tests come last and alone.
test: test-host browser postgresql lint $(VENV)/cluster
	@$(PYTEST)
	@$(BIN)/python -m pytest -n 0 -m "cluster and not slow" tests/cluster/test_ray_pool.py

# The registry is unpacked and not installed: Debian's package would start it as a service.
$(VENV)/registry:
	@mkdir -p $@.package && cd $@.package && apt-get download -q docker-registry >/dev/null 2>&1 && dpkg -x *.deb ../registry \
		|| echo "test: Debian's docker-registry cannot be had here; tests that need it are skipped and listed"

# Debian's podman, an engine that knows CDI; nothing of it runs but for the tests.
podman:
	@command -v podman >/dev/null || { \
		echo "test: installing Debian's podman (a minute)"; \
		{ apt-get update -qq && apt-get install -y -qq --no-install-recommends podman; } >/dev/null 2>&1 \
		|| echo "test: Debian's podman cannot be had here; tests that need it are skipped and listed"; }

test-all: test-host browser postgresql podman lint $(VENV)/registry
	@$(PYTEST) -m "not long and not cluster"
	@$(MAKE) --no-print-directory test-cluster

# Ray is 240 MB, so it is installed for its tests, and by nobody else.
$(VENV)/cluster: $(VENV)/ready requirements/cluster.txt
	@echo "test: installing Ray (half a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/cluster.txt
	@touch $@

test-cluster: setup $(VENV)/cluster
	@$(BIN)/python -m pytest -n 0 -m cluster

# A contest of six teams, from nothing to a published final whose pages are opened in Chromium.
contest: setup browser
	@$(BIN)/python -m tests.contest build/contest

gallery: test-host
	@$(BIN)/python -m pytest -m "" tests/containers/gallery

bench: setup
	@$(BIN)/python benchmarks/contest_scale.py
	@$(BIN)/python -m benchmarks.overhead
	@$(BIN)/python benchmarks/scoring.py
	@$(BIN)/python -m benchmarks.leaderboard --halves
	@$(BIN)/python -m benchmarks.scale.intake
	@$(BIN)/python -m benchmarks.references
	@$(BIN)/python -m benchmarks.evaluator
	@$(BIN)/python benchmarks/build_footprint.py

docs: $(VENV)/ready
	@$(BIN)/python -m website.build

SECONDS ?= 60
TARGETS ?=

$(VENV)/fuzz: $(VENV)/ready requirements/fuzz.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/fuzz.txt
	@touch $@

fuzz: $(VENV)/fuzz
	@$(BIN)/python -m tests.fuzz.run $(SECONDS) $(TARGETS)

GUEST ?= build/guest
SUITE ?= trixie

guest: setup
	@test -f $(GUEST)/disk.raw || sh tests/guest/build.sh $(GUEST) $(SUITE)
	@sh tests/guest/boot.sh $(GUEST)

plots: $(VENV)/ready
	@$(BIN)/python -m benchmarks.plots

pictures: $(VENV)/ready browser
	@$(BIN)/python -m website.pictures

clean: $(VENV)/ready
	@$(BIN)/unlearn clean
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
