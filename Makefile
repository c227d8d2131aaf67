# Every target sets itself up: a fresh clone needs Python 3.11 or newer and make.
PYTHON ?= python3
comma := ,
VENV := .venv
BIN := $(VENV)/bin
USERS ?= 20000
SETUP := $(VENV)/.installed
DUCKDB_2 := $(VENV)/duckdb-2-env
WHEEL := $(VENV)/wheel-env
SUPERSET := $(VENV)/superset-env
CLIENTS := $(VENV)/clients-env
SEMANTIC := $(VENV)/semantic-env
PORT ?= 8088
# Spark's half gigabyte is installed where there is a Java to run it.
EXTRAS := .[dev$(if $(shell command -v java),$(comma)spark)]
PYTEST := $(BIN)/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder
SQLFLUFF := $(BIN)/sqlfluff lint --disable-progress-bar
LINTED := ELEARN_WAREHOUSE=target/lint.duckdb
# Tests outside tests/robustness that the counts of docs/reliability.md include.
BESIDE := $(addprefix tests/,dbt/test_killed_builds.py dbt/test_planted_leaks.py \
	dbt/test_upgrades_by_day.py loader/test_files.py loader/test_rules.py)

.PHONY: build test test-slow test-duckdb-2 test-wheel superset test-superset test-clients test-semantic lint docs bench robustness clean

build: $(SETUP)  ## simulate the default data set, build and test every model
	$(BIN)/elearn build

test: $(SETUP)  ## run the tests, but for the slow kinds
	$(PYTEST)

test-slow: $(SETUP)  ## run the slow kinds: Spark, Chromium, kills, full disks, soak
	$(PYTEST) --slow

test-duckdb-2: $(SETUP) $(DUCKDB_2)/.installed  ## build by DuckDB 1.5 and 2.x, and by one what the other built
	$(BIN)/pytest --duckdb-2 $(DUCKDB_2)/bin/python tests/duckdb_2

test-wheel: $(SETUP)  ## build the wheel, install it into a new environment and use it there
	rm -rf $(WHEEL) target/wheel
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check \
		--no-deps --wheel-dir target/wheel .
	$(PYTHON) -m venv $(WHEEL)
	$(WHEEL)/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt target/wheel/*.whl
	$(BIN)/pytest --wheel $(WHEEL)/bin tests/wheel

superset: $(SUPERSET)/.installed published/elearn.duckdb  ## show the published file in Superset, on PORT=8088 unless told
	$(SUPERSET)/bin/python examples/superset/bundle.py serve --port $(PORT)

test-superset: $(SETUP) $(SUPERSET)/.installed  ## compare what Superset shows with SQL, also in Chromium
	$(BIN)/pytest --superset $(SUPERSET)/bin/python tests/superset

test-clients: $(SETUP) $(CLIENTS)/.installed  ## read the published file with Node, ADBC and Ibis; needs npm
	$(BIN)/pytest --clients $(CLIENTS) tests/clients

test-semantic: $(SETUP) $(SEMANTIC)/.installed  ## compare what MetricFlow answers with SQL
	$(BIN)/pytest --semantic $(SEMANTIC)/bin tests/semantic

robustness: $(SETUP)  ## try all of docs/reliability.md, and write its table; takes most of an hour
	$(BIN)/pytest --numprocesses 2 --dist worksteal --whole tests/robustness $(BESIDE)

lint: $(SETUP)  ## check style and types of Python and SQL
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	mkdir -p target
	$(LINTED) $(BIN)/elearn build --quiet --n-users 30 --days 80 --published target/lint-readers.duckdb
	$(LINTED) $(SQLFLUFF) dbt_project
	$(SQLFLUFF) --templater jinja --disregard-sqlfluffignores dbt_project/analyses/experiment_effect.sql
	$(LINTED) $(BIN)/dbt --quiet docs generate
	$(BIN)/dbt-bouncer run --config-file dbt_project/dbt-bouncer.yml
	$(BIN)/dbt-coverage compute doc --cov-fail-under 1.0 --cov-report target/coverage.json

docs: $(SETUP)  ## write docs/queries.md, docs/tables.md, and dbt's page target/docs/index.html
	$(BIN)/python -m generator.documentation

bench: $(SETUP)  ## measure against the database's own speed, USERS=20000 unless told
	$(BIN)/python -m tests.benchmarks --users $(USERS)

$(SETUP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '$(EXTRAS)'
	for engine in 1.1.3 2.0.0; do \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check \
			--no-deps --target $(VENV)/duckdb-$$engine duckdb==$$engine || exit 1; \
	done  # the tests try these engines too
	touch $@

$(DUCKDB_2)/.installed: pyproject.toml tests/duckdb_2/constraints.txt | $(SETUP)
	$(PYTHON) -m venv $(DUCKDB_2)
	$(DUCKDB_2)/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint tests/duckdb_2/constraints.txt --editable '.[report]'
	touch $@

$(SUPERSET)/.installed: examples/superset/requirements.txt | $(SETUP)
	$(PYTHON) -m venv $(SUPERSET)
	$(SUPERSET)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

$(CLIENTS)/.installed: tests/clients/requirements.txt tests/clients/package-lock.json | $(SETUP)
	$(PYTHON) -m venv $(CLIENTS)
	$(CLIENTS)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	cp tests/clients/package.json tests/clients/package-lock.json $(CLIENTS)
	npm ci --prefix $(CLIENTS) --no-audit --no-fund --loglevel error
	touch $@

$(SEMANTIC)/.installed: examples/semantic/requirements.txt | $(SETUP)
	$(PYTHON) -m venv $(SEMANTIC)
	$(SEMANTIC)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

published/elearn.duckdb: | $(SETUP)
	$(BIN)/elearn build

clean:  ## remove what is generated
	rm -rf $(VENV) target logs
