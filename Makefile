# The whole journey on one page, one target a stage, in order. `make try` needs none of the others.
# `make help` lists the targets.

PYTHON ?= python3
NOVEL  ?= data/xiyouji.txt
BOOKS  ?= data/classics.jsonl.xz
RECIPE ?= trainer/recipes/mini.toml
# The build of llama.cpp takes some minutes once; pip keeps the wheel. Image input is not needed.
export CMAKE_ARGS ?= -DLLAVA_BUILD=OFF
# What it is built for: cuda, vulkan, metal, rocm, cpu, or what is found (docs/gpu.md).
GPU    ?= auto
# The model of `make try`: a name of `mrp model list`, or a file; the shipped one without.
MODEL  ?=
# The plain wheel on Linux brings CUDA; name another one here, e.g. TORCH="torch --index-url …/cpu".
TORCH  ?= torch==2.13.0

BIN = .venv/bin
PIP = $(BIN)/pip --disable-pip-version-check -q

.PHONY: help try test quick format check tests tools canon lessons train convert shrink evaluate \
  bench voice clean FORCE

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/:.*## /\t/' | \
	  while IFS="$$(printf '\t')" read -r name what; do printf '  make %-10s %s\n' "$$name" "$$what"; done

try: .venv/room ## set everything up and open a room: make try GPU=vulkan MODEL=qwen3-8b
	$(BIN)/mrp terminal $(if $(MODEL),--model $(MODEL))

test: .venv/everything ## set everything up and run all checks
	$(MAKE) --no-print-directory check tests

quick: .venv/everything ## lint, types and the tests that need no torch, no model and no waiting
	$(BIN)/ruff format --check -q .
	$(BIN)/ruff check -q .
	$(BIN)/mypy
	$(BIN)/python -m pytest --quick

format: .venv/everything ## format the code and mend what lint can mend
	$(BIN)/ruff format -q .
	$(BIN)/ruff check --fix .

check: .venv/everything ## format, lint, types, deployment files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python deploy/check.py

tests: .venv/everything ## all tests
	@tests/studio/install.sh
	$(BIN)/python -m pytest

# --- set-up ----------------------------------------------------------------------------------

tools:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Python 3.11 or newer is missing (or name yours: make PYTHON=python3.12 …)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "Python's venv module is missing (Debian and Ubuntu: apt install python3-venv)"; exit 1; }
	@command -v c++ >/dev/null || command -v g++ >/dev/null || command -v clang++ >/dev/null || \
	  { echo "a C/C++ compiler is missing (Debian and Ubuntu: apt install build-essential)"; exit 1; }

.venv/bin/python: | tools
	$(PYTHON) -m venv .venv

# CMake's options for the backend; touched only where they change. What is built stays until another
# backend is asked for by name.
.venv/gpu: $(if $(filter-out auto,$(GPU)),FORCE) | .venv/bin/python
	@$(PYTHON) deploy/gpu.py $(GPU) --write $@

# What a room needs: no torch in it. pip would take a wheel that it keeps for another backend's, and
# keeps none of a graphics card's. Where one cannot be compiled, the CPU's is built.
LLAMA = $(shell sed -n 's/.*"\(llama-cpp-python==[^"]*\)".*/\1/p' pyproject.toml)
.venv/room: pyproject.toml .venv/gpu
	@echo "Setting up; the first time this compiles llama.cpp, which takes some minutes."
	@wanted=$$(cat .venv/gpu); built=$$(cat .venv/gpu.built 2>/dev/null || true); \
	if [ "$$wanted" != "$$built" ]; then \
	  CMAKE_ARGS="$$CMAKE_ARGS $$wanted" $(PIP) install --force-reinstall --no-deps \
	    --no-binary llama-cpp-python $${wanted:+--no-cache-dir} "$(LLAMA)" || { \
	    echo "llama.cpp could not be compiled with $$wanted (above is why): the CPU it is."; \
	    echo > .venv/gpu; }; \
	fi
	$(PIP) install -e .
	@cp .venv/gpu .venv/gpu.built; touch $@

# What training and the checks need besides.
.venv/everything: .venv/room
	$(PIP) install $(TORCH)
	$(PIP) install -e ".[dev]"
	@touch $@

# --- from a book to a voice ------------------------------------------------------------------

canon: .venv/room ## the novel → who says what, scenes, search index       (build/canon)
	$(BIN)/mrp canon build $(NOVEL) -o build/canon

lessons: .venv/everything ## scenes and our own talk → lessons                    (build/lessons)
	$(BIN)/mrp lessons $(RECIPE)

train: .venv/everything ## novels, then lessons → a model                       (runs/xiyou-mini/model)
	$(BIN)/mrp train $(RECIPE) --novel $(NOVEL) --books $(BOOKS)

convert: .venv/everything ## the model → GGUF                                     (build/xiyou-mini-f16.gguf)
	$(BIN)/mrp convert runs/xiyou-mini/model -o build/xiyou-mini-f16.gguf --type f16

shrink: .venv/everything ## GGUF → smaller GGUF                                  (models/xiyou-mini.gguf)
	$(BIN)/mrp shrink build/xiyou-mini-f16.gguf models/xiyou-mini.gguf --type Q8_0

evaluate: .venv/everything ## does it know who it is, and who says what
	$(BIN)/mrp evaluate report models/xiyou-mini.gguf -o build/report --canon build/canon
	$(BIN)/mrp evaluate identity
	$(BIN)/mrp evaluate speaker

bench: .venv/room ## the engine against its baselines
	$(BIN)/mrp bench

# --- a voice of your own ---------------------------------------------------------------------
#
# A base model and a novel become a GGUF with its settings. Each stage is skipped while what it made
# (its card) is newer than what it was made from; an interrupted one goes on with the same command.
#
#   BASE     a name of `mrp model list`, a folder with config.json, or the GGUF that is chatted with
#   TUNING   the recipe for the base; RECIPE says what the lessons are made of
#   TYPE     of the weights; MEMORY of the graphics card

BASE   ?= qwen3-4b
# qwen2.5-coder-0.5b-instruct-q4_k_m.gguf → qwen2.5-coder-0.5b
GGUF = $(filter %.gguf,$(BASE))
PLAIN = sed -E 's/[-.](instruct|chat|it|i?q[0-9]|b?f16).*//I; s/\.gguf$$//I'
NAME   ?= $(if $(GGUF),$(shell echo '$(notdir $(BASE))' | $(PLAIN)),$(notdir $(BASE)))
TUNING ?= trainer/recipes/$(NAME).toml
VOICE  ?= build/voices/$(NAME)
TYPE   ?= Q4_K_M
MEMORY ?= 8GiB
CONTEXT ?= 4096

LOCAL = $(wildcard $(BASE)/config.json)
BASE_FOLDER = $(if $(LOCAL),$(BASE),models/$(BASE))
# source.json comes last, when all of a download is there and checked.
BASE_READY = $(or $(GGUF),$(LOCAL),models/$(BASE)/source.json)
# A recipe for a base may say itself what its lessons are made of.
LESSONS = $(if $(shell grep -l '^\[lessons\]' $(TUNING) 2>/dev/null),$(TUNING),$(RECIPE))

voice: $(VOICE)/voice.card.json ## all of it for a base model: make voice BASE=qwen3-4b NOVEL=my-novel.txt
	@echo "Talk to it: $(BIN)/mrp terminal --model $(VOICE)/voice.gguf"

models/%/source.json: | .venv/everything
	$(BIN)/mrp model pull $* --to models

# A GGUF is unpacked, InternLM2 turned into the Llama layout; other bases are taken as they are.
$(VOICE)/base.ready: $(BASE_READY) | .venv/everything
	@mkdir -p $(VOICE)
	@rm -rf $(VOICE)/base
	if [ -n "$(GGUF)" ]; then $(BIN)/mrp base $(BASE) -o $(VOICE)/base; \
	  elif grep -q '"model_type": *"internlm2"' $(BASE_FOLDER)/config.json; \
	  then $(BIN)/mrp base $(BASE_FOLDER) -o $(VOICE)/base; \
	  else ln -s $(abspath $(BASE_FOLDER)) $(VOICE)/base; fi
	@touch $@

$(VOICE)/canon/card.json: $(NOVEL) | .venv/everything
	@mkdir -p $(VOICE)
	$(BIN)/mrp canon build $(NOVEL) -o $(VOICE)/canon

$(VOICE)/lessons/train.jsonl: $(VOICE)/canon/card.json $(LESSONS)
	$(BIN)/mrp lessons $(LESSONS) --canon $(VOICE)/canon -o $(VOICE)/lessons

# A finished run does not go on with other lessons: it is put aside and a new one begins.
$(VOICE)/run/adapter/card.json: $(VOICE)/lessons/train.jsonl $(VOICE)/base.ready $(TUNING)
	@[ ! -e $@ ] || { rm -rf $(VOICE)/run.before && mv $(VOICE)/run $(VOICE)/run.before; }
	$(BIN)/mrp train $(TUNING) --base $(VOICE)/base --lessons $(VOICE)/lessons -o $(VOICE)/run

$(VOICE)/model/card.json: $(VOICE)/run/adapter/card.json
	@rm -rf $(VOICE)/model
	$(BIN)/mrp merge $(VOICE)/run -o $(VOICE)/model

$(VOICE)/f16.gguf: $(VOICE)/model/card.json
	$(BIN)/mrp convert $(VOICE)/model -o $@ --type f16

$(VOICE)/imatrix.gguf: $(VOICE)/f16.gguf $(VOICE)/lessons/train.jsonl
	$(BIN)/mrp imatrix $(VOICE)/f16.gguf $(VOICE)/lessons/train.jsonl -o $@

$(VOICE)/voice.gguf: $(VOICE)/imatrix.gguf
	$(BIN)/mrp shrink $(VOICE)/f16.gguf $@ --type $(TYPE) --imatrix $(VOICE)/imatrix.gguf

$(VOICE)/voice.card.json: $(VOICE)/voice.gguf
	$(BIN)/mrp fit $(VOICE)/voice.gguf --memory $(MEMORY) --context $(CONTEXT) --write

clean: ## remove build and caches
	rm -rf build .mypy_cache .ruff_cache .pytest_cache
