# Every target works on a machine that has only Python 3.11+, git and make.

# uv's built-in certificate authorities do not include the one of a company's proxy.
export UV_SYSTEM_CERTS ?= 1
# The template's own environment, whatever else is active.
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/.venv
export VIRTUAL_ENV := $(CURDIR)/.venv
# Else ruff leaves a cache in the project, and cookiecutter takes it along from a working tree.
export RUFF_CACHE_DIR := $(CURDIR)/.cache/ruff
export HYPOTHESIS_STORAGE_DIRECTORY := $(CURDIR)/.cache/hypothesis

# Without uv on PATH, the template gets one of its own.
uv := $(if $(shell command -v uv),uv,.cache/uv/bin/uv)
installed := .venv/installed
# By its path: on PATH, it would be the Python that a baked project finds, in make demo.
python := .venv/bin/python

.PHONY: help bake try demo test test-heavy test-load check lint format types feature-blanks bench bench-compare \
	bench-baseline clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-16s%s\n", $$1, $$2 }' Makefile

bake: $(installed) ## Bake into build/; answers in ANSWERS='project_name="Orders API" ci=gitlab'
	@rm -rf .cache/baked
	@$(python) -m tools.bake .cache/baked $(ANSWERS)
	@rm -rf build && mv .cache/baked build

try: bake ## Bake into build/, and run all the checks of the result
	@cd build/* && $(MAKE) check

demo: bake ## Bake, run the tests of the result, then serve it
	@cd build/* && $(MAKE) test && $(MAKE) run

test: $(installed) ## Bake, and do what users do; pytest takes more from args="-k name"
	@$(python) -m pytest -n 2 -m 'not heavy' $(args)

# More workers than cores: half of the time they wait for a deadline, a lock or a server.
test-heavy: $(installed) ## Break what was baked in every way that its own tests promise to notice
	@$(python) -m pytest -n 3 --dist worksteal -m 'heavy and not load' $(args)

test-load: $(installed) ## Load the service, and break its database, on a machine that does nothing else
	@$(python) -m pytest -m load -rP $(args)

check: lint types test test-heavy ## Everything that CI checks

lint: $(installed) ## Check rules and format, also of the project that is not baked yet
	@$(python) -m ruff check
	@$(python) -m ruff format --check

format: $(installed) ## Mend what can be mended, and format
	@$(python) -m ruff check --fix
	@$(python) -m ruff format

types: $(installed) ## Check types
	@$(python) -m ty check

feature-blanks: $(installed) ## Derive what a project's make feature writes from the example, products
	@$(python) -m tools.feature_template

bench: $(installed) ## Measure what is baked; parts alone by only="service growth bake suite"
	@$(python) -m benchmarks $(only) $(args)

bench-compare: $(installed) ## Hold the last run against the baseline, and say what moved
	@$(python) -m benchmarks.compare $(args)

bench-baseline: $(installed) ## Publish the last run: as the baseline, as drawings, in the README
	@$(python) -m benchmarks.published

clean: ## Remove what can be made again
	rm -rf .venv .cache build uv.lock
	find . -name __pycache__ -prune -exec rm -rf {} +

# Here, because uv, pytest and cookiecutter all leave files in it.
bake try test test-heavy test-load $(installed): export TMPDIR := $(CURDIR)/.cache/tmp

$(installed): pyproject.toml $(filter .cache/%,$(uv))
	@mkdir -p "$$TMPDIR"
	@$(uv) sync --quiet
	@touch $@

.cache/uv/bin/uv:
	@if python3 -c 'import pip' 2>/dev/null; then \
		python3 -m pip install -qq --disable-pip-version-check --target .cache/uv uv; \
	else \
		python3 -m venv .cache/uv && .cache/uv/bin/python -m pip install -qq uv; \
	fi
