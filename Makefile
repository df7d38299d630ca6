# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later

SHELL := /bin/bash
# The system's first: one that pyenv compiled on the spot is a fifth slower, and most of a test's time is Python's.
PYTHON ?= $(or $(shell for python in /usr/bin/python3 python3; do $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && echo $$python && break; done),python3)
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
TESTBED := tests/testbed
INVENTORY ?= inventories/demo
SCENARIOS := default multi_vm readme

export PATH := $(BIN):$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help
help: ## Show this help
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 16

# --- tools ----------------------------------------------------------------------------------------------------------

$(VENV)/.controller: requirements.txt
	$(TESTBED)/venv.sh $(PYTHON) $(VENV) $<
	@touch $@

$(VENV)/.tests: tests/requirements.txt $(VENV)/.controller
	$(TESTBED)/venv.sh $(PYTHON) $(VENV) $<
	@touch $@

.PHONY: lock
lock: $(VENV)/.tests ## Resolve all Python locks again
	tests/tools/lock.sh

.PHONY: docs
docs: $(VENV)/.tests ## Write the variables of the roles into their READMEs
	tests/tools/readmes.py

# --- demo -----------------------------------------------------------------------------------------------------------

.PHONY: demo demo-down local
demo: $(VENV)/.controller ## The main job: everything on one machine, with a CouchDB to copy from
	@$(TESTBED)/demo.sh up

demo-down: $(VENV)/.controller ## Remove the demo, its data included
	@$(TESTBED)/demo.sh down

local: $(VENV)/.controller ## The source alone: a CouchDB with CHT documents
	@$(TESTBED)/demo.sh source

# --- tests ----------------------------------------------------------------------------------------------------------

.PHONY: test times lint sanity unit integration integration-local integration-17 molecule browser
test: $(VENV)/.tests ## Everything CI runs; takes down a demo that is up, to make its own from nothing
	$(TESTBED)/lanes.sh 2 molecule-default molecule-multi_vm molecule-readme integration-local unit integration-17 lint sanity

times: ## The slowest tasks, plays and tests of the last `make test`
	@tests/tools/times.py

lint: $(VENV)/.tests ## Style, Ansible's production profile, documentation against the specs
	yamllint -s .
	ansible-lint
	tests/tools/readmes.py --check

sanity: $(VENV)/.tests ## ansible-test sanity on the built collection
	tests/tools/sanity.sh

unit: $(VENV)/.tests ## Unit tests: no services, a few minutes
	$(TESTBED)/ruby.sh
	pytest tests/unit

integration: integration-local integration-17 ## The ingest contract and the models, on both versions of PostgreSQL

integration-local: $(VENV)/.tests ## On this machine's PostgreSQL (Debian 12: 15), behind a real PostgREST
	$(TESTBED)/postgresql.sh
	$(TESTBED)/ruby.sh
	pytest tests/integration

integration-17: $(VENV)/.tests ## What PostgreSQL itself does, on PostgreSQL 17, in a container
	$(TESTBED)/postgresql.sh 17
	$(TESTBED)/ruby.sh
	CHT_TEST_POSTGRESQL=17 pytest tests/integration -m server

browser: $(VENV)/.tests demo ## The demo in a real browser, from a report in CouchDB to the number on the screen
	$(TESTBED)/chromium.sh
	pytest -m browser tests/deployed

molecule: $(addprefix molecule-,$(SCENARIOS)) ## All scenarios

molecule-%: $(VENV)/.tests ## One scenario, e.g. molecule-default
	$(TESTBED)/chromium.sh
	molecule test -s $*

.cache/sbom/.made: tests/tools/sbom/requirements.txt
	$(TESTBED)/venv.sh $(PYTHON) $(@D) $<
	@touch $@

.PHONY: sbom
sbom: $(VENV)/.tests .cache/sbom/.made ## For a release: what each Python environment holds (build/sbom); ADVISORIES=<file> compares it
	tests/tools/sbom.sh $(ADVISORIES)

# --- longer faults, benches and tests of the tests, no part of `test` ------------------------------------------------

.PHONY: double
double: $(VENV)/.tests ## Tests of the stand-in for Logstash: after a change of tests/double, or of Logstash's version
	$(TESTBED)/ruby.sh
	pytest tests/double

.PHONY: soak
soak: $(VENV)/.tests ## What `integration` does by chance, ten times as often: CHT_TEST_KILLS=50 CHT_TEST_HISTORIES=40
	$(TESTBED)/postgresql.sh
	CHT_TEST_KILLS=$${CHT_TEST_KILLS:-50} CHT_TEST_HISTORIES=$${CHT_TEST_HISTORIES:-40} pytest -s $(addprefix tests/integration/,\
		test_relay_kills.py test_crashes.py dbt/test_dbt_histories.py)

.PHONY: bench-deploy
bench-deploy: $(VENV)/.controller ## How long site.yml takes on a finished machine: the demo's, which must be up
	python tests/bench/deploy.py

.PHONY: bench-dashboards
bench-dashboards: $(VENV)/.tests ## How fast the dashboards are, alone and with 20 viewers: on the demo, which must be up
	$(TESTBED)/chromium.sh
	python tests/bench/dashboards.py

.PHONY: bench-ingest
bench-ingest: $(VENV)/.tests ## How fast api.ingest is, as ratios to COPY + upsert
	$(TESTBED)/postgresql.sh
	python tests/bench/ingest.py

.PHONY: bench-sync
bench-sync: $(VENV)/.tests ## How fast relay is end to end, against COPY + upsert, a reader that writes nothing, and couch2pg
	$(TESTBED)/postgresql.sh
	python tests/bench/sync.py

.PHONY: bench-dbt
bench-dbt: $(VENV)/.tests ## How long runs of dbt take, and what of that depends on the size of the warehouse
	$(TESTBED)/postgresql.sh
	python tests/bench/dbt.py

.PHONY: bench-storage
bench-storage: $(VENV)/.tests ## Why the raw table is stored as it is
	$(TESTBED)/postgresql.sh
	python tests/bench/storage.py
