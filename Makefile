# finalmile: `make demo` shows it, `make test` tests it, `make check` does what CI does.
# Only python (3.11 to 3.13), make and a package registry are needed.

PYTHON ?= python3
BIN := .venv/bin
SHARED := ../shared
LOCK := requirements/dev.txt
OPTIONS ?=
WORKERS ?= 2
# Every process would compile every module again.
unexport PYTHONDONTWRITEBYTECODE

# Real data and worked examples are never part of the repository; tests that want them skip without.
ifneq ($(wildcard $(SHARED)/data/.),)
export FINALMILE_DATA ?= $(abspath $(SHARED)/data)
endif
ifneq ($(wildcard $(SHARED)/vectors/*.json),)
empty :=
space := $(empty) $(empty)
export FINALMILE_VECTORS ?= $(subst $(space),:,$(abspath $(wildcard $(SHARED)/vectors/*.json)))
endif

.PHONY: help install demo test check lint types imports docs reference bench proof lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: .venv/ready ## Make .venv with everything pinned and hash-checked

.venv/ready: $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info < (3, 14); sys.exit(None if ok else "finalmile needs Python 3.11 to 3.13, this is " + sys.version.split()[0] + "; try make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r $(LOCK)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: install ## Replay a quarter of a simulated retailer and open its page
	$(BIN)/finalmile demo $(OPTIONS)

test: install ## Run the tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(OPTIONS)

check: lint types imports test docs ## Everything CI does

lint: install ## Style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install ## mypy and pyright, both strict
	$(BIN)/mypy
	$(BIN)/pyright

imports: install ## Who may import whom
	$(BIN)/lint-imports

docs: install ## Are the reference pages current?
	$(BIN)/python docs/build.py --check

reference: install ## Write the reference pages again
	$(BIN)/python docs/build.py

bench: install ## Benchmarks on real data, one JSON line each
	@test -n "$(FINALMILE_DATA)" || { echo "bench needs FINALMILE_DATA: the folder with m5_sales.parquet" >&2; exit 1; }
	$(BIN)/python benchmarks/lead_time_demand.py --sales $(FINALMILE_DATA)/m5_sales.parquet
	$(BIN)/python benchmarks/accuracy.py --sales $(FINALMILE_DATA)/m5_sales.parquet
	$(BIN)/python benchmarks/vn2.py --sales $(FINALMILE_DATA)/vn2_weekly_instock.parquet --half report
	$(BIN)/python benchmarks/cycle.py --series 30490
	$(BIN)/python benchmarks/inventory.py --install-peers --scratch out/bench
	$(BIN)/python benchmarks/policies.py --sales $(FINALMILE_DATA)/m5_sales.parquet --lead-times $(FINALMILE_DATA)/scms_purchase_orders.parquet --scratch out/bench

proof: bench ## Benchmarks, a replayed quarter on real data, and the proofs among the tests
	rm -rf out/proof && $(BIN)/finalmile init --project out/proof
	printf 'currency: USD\nassume: {unit_cost_share: 0.7, lead_time_days: [3, 14]}\n' > out/proof/finalmile.yaml
	$(BIN)/finalmile ingest sales $(FINALMILE_DATA)/m5_sales.parquet --project out/proof
	$(BIN)/finalmile replay 2016-01-26 2016-04-24 --retrain-every-days 28 --project out/proof
	$(BIN)/python -m pytest -m proof -s tests
	$(BIN)/python -m pytest --hypothesis-profile thorough tests/property tests/vectors

lock: ## Pin the newest versions again (needs uv)
	uv pip compile pyproject.toml --upgrade $(LOCKING) -o requirements/core.txt
	uv pip compile pyproject.toml --extra fast -c requirements/core.txt $(LOCKING) -o requirements/fast.txt
	uv pip compile pyproject.toml requirements/build.in --extra fast --extra dev -c requirements/fast.txt $(LOCKING) -o requirements/dev.txt

LOCKING := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate

clean: ## Remove what can be made again
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist out
