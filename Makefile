# Two commands start here: `make demo` and `make test`. `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
THCE := $(BIN)/thce

# Prodigy rounds (docs/registry-loop.md)
REG_PRODIGY_COUNT ?= 200
REG_PRODIGY_DATASET ?= registry_v1
REG_PRODIGY_STRATEGY ?= disagreement
DEMO_HOME ?= $(or $(THCE_HOME),$(HOME)/.thce)/registry/demo$(if $(NOTES),-notes)
REG_HOME ?= $(or $(THCE_HOME),$(HOME)/.thce)/registry
REG_PRODIGY_INPUT_FILE ?= data/registry/registry_notes_a.jsonl
REG_PRODIGY_BATCH_FILE ?= $(REG_HOME)/batch.jsonl
REG_PRODIGY_MODEL_DIR ?=
REG_PRODIGY_ANSWERS ?=
REG_HYDRATED ?= $(REG_HOME)/hydrated
HUMAN_REGISTRY_CSV ?= $(REG_HOME)/human_labels.csv

.PHONY: help install weights weights-coder demo test coverage soak bench lint constraints clean \
	registry-prodigy-prepare registry-prodigy-annotate registry-prodigy-export \
	registry-prep-with-human

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s $$'\t'

$(BIN)/activate:
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) not found; install Python 3.11+ (apt-get install python3 python3-venv)" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' || { echo "make: $(PYTHON) is older than 3.11; set PYTHON=python3.11" >&2; exit 2; }
	@command -v g++ >/dev/null || { echo "make: g++ not found; apt-get install g++" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "make: $(PYTHON) has no venv; apt-get install python3-venv" >&2; exit 2; }

$(BIN)/.installed: $(BIN)/activate pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

install: $(BIN)/.installed ## make .venv and install thce with every version pinned

weights: $(BIN)/.installed
	@$(THCE) weights fetch minilm

weights-coder: $(BIN)/.installed
	@$(THCE) weights fetch smollm2

demo: $(BIN)/.installed weights ## the diamond loop on the shipped notes; NOTES=path for your own
	$(THCE) registry loop --config configs/registry/demo.yaml --output $(DEMO_HOME) \
		$(if $(NOTES),--annotator file --notes '$(NOTES)' -s 'test_notes=[]' -s corpus='the notes at $(NOTES)' -s fictional=false -s fit_fusion=true \
			-s recipe.max_notes=200 -s recipe.epochs=5)
	@last=$$(ls -d $(DEMO_HOME)/rounds/*/bundle 2>/dev/null | sort -V | tail -1); [ -z "$$last" ] || printf '%s\n' "" \
		"To annotate twenty of these notes in the browser, and to serve the model (docs/serving.md):" \
		"  $(THCE) registry sample --hydrated $(DEMO_HOME)/hydrated --strategy hybrid --limit 20" \
		"  $(THCE) serve --model $$last --without coder" \
		"  then open http://127.0.0.1:8000/annotate/"

test: $(BIN)/.installed weights weights-coder ## the quick tests
	$(BIN)/python -m pytest -m "not soak" $(PYTEST_ARGS)

coverage: $(BIN)/.installed weights weights-coder ## the quick tests, and how much of thce they run
	$(BIN)/python -m pytest -m "not soak" --cov --cov-report=term $(PYTEST_ARGS)

soak: $(BIN)/.installed weights weights-coder ## long faults and full-size weights
	$(BIN)/python -m pytest -m soak --timeout=3600 $(PYTEST_ARGS)

bench: $(BIN)/.installed weights weights-coder ## every speed against its rival at full size
	@failed=0; \
	$(THCE) bench thresholds || failed=1; \
	$(THCE) bench format || failed=1; \
	$(THCE) bench train --repetitions 3 || failed=1; \
	$(THCE) bench coder || failed=1; \
	$(THCE) bench coder-train --data data/coder/stage_1.jsonl --repetitions 3 || failed=1; \
	$(THCE) bench loop || failed=1; \
	$(THCE) bench ner || failed=1; \
	$(THCE) bench serve || failed=1; \
	$(THCE) bench hydrate --notes 1000000 --ray-notes 40000 || failed=1; \
	for weights in int8 fp32; do \
		$(THCE) bench score --seconds 300 --weights $$weights \
			--input 'data/registry/registry_notes_*.jsonl' || failed=1; \
	done; \
	exit $$failed

lint: $(BIN)/.installed ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

constraints: $(BIN)/activate ## compile constraints.txt anew from pyproject.toml
	$(BIN)/python -m pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --extra dev --strip-extras --no-emit-index-url --no-emit-find-links \
		--no-emit-trusted-host --no-annotate --output-file constraints.txt pyproject.toml
	sed -i 's/+cpu$$//' constraints.txt

registry-prodigy-prepare: install ## score, sample and write a Prodigy batch
	$(THCE) registry hydrate --input $(REG_PRODIGY_INPUT_FILE) --output $(REG_HYDRATED)
	$(if $(REG_PRODIGY_MODEL_DIR),$(THCE) registry score --model $(REG_PRODIGY_MODEL_DIR) \
		--input $(REG_PRODIGY_INPUT_FILE) --output $(REG_HOME)/scores --set resume=false)
	$(THCE) registry sample --hydrated $(REG_HYDRATED) --output $(REG_PRODIGY_BATCH_FILE) \
		--limit $(REG_PRODIGY_COUNT) --strategy $(REG_PRODIGY_STRATEGY) \
		$(if $(REG_PRODIGY_MODEL_DIR),--model $(REG_PRODIGY_MODEL_DIR) --scores $(REG_HOME)/scores)

registry-prodigy-annotate: install ## open the batch in Prodigy
	$(THCE) annotations annotate --dataset $(REG_PRODIGY_DATASET) --batch $(REG_PRODIGY_BATCH_FILE)

registry-prodigy-export: install ## take Prodigy's answers and write the human labels
	$(THCE) annotations import $(if $(REG_PRODIGY_ANSWERS),--input $(REG_PRODIGY_ANSWERS),--prodigy-dataset $(REG_PRODIGY_DATASET))
	$(THCE) annotations export-labels --output $(HUMAN_REGISTRY_CSV)

registry-prep-with-human: install ## merge human labels as tier 0 and write the splits
	$(THCE) registry dataset --hydrated $(REG_HYDRATED) --human $(HUMAN_REGISTRY_CSV) \
		--output $(REG_HOME)/dataset \
		$(if $(wildcard $(REG_HOME)/dataset/splits.json),--set frozen=$(REG_HOME)/dataset/splits.json)
	$(THCE) annotations mark-merged --labels $(HUMAN_REGISTRY_CSV)

clean: ## remove caches of tests and linters
	rm -rf .pytest_cache .mypy_cache .ruff_cache build *.egg-info
