# The whole journey on one page, one target a stage, in order. `make try` needs none of the others.
#
#   make try       set everything up and open a room with the shipped model
#   make test      set everything up and run all checks
#
#   make canon     the novel → who says what, scenes, search index         build/canon
#   make lessons   scenes and our own talk → lessons                       build/lessons
#   make train     novels, then lessons → a model                          runs/xiyou-mini/model
#   make convert   the model → GGUF                                        build/xiyou-mini-f16.gguf
#   make shrink    GGUF → smaller GGUF                                     models/xiyou-mini.gguf
#   make evaluate  does it know who it is, and who says what
#   make bench     the engine against its baselines

PYTHON ?= python3
NOVEL  ?= data/xiyouji.txt
BOOKS  ?= data/classics.jsonl.xz
RECIPE ?= trainer/recipes/mini.toml
# The build of llama.cpp takes some minutes once; pip keeps the wheel. Image input is not needed.
export CMAKE_ARGS ?= -DLLAVA_BUILD=OFF
# The plain wheel on Linux brings CUDA; name another one here, e.g. TORCH="torch --index-url …/cpu".
TORCH  ?= torch==2.13.0

BIN = .venv/bin
PIP = $(BIN)/pip --disable-pip-version-check -q

.PHONY: try test check tests tools canon lessons train convert shrink evaluate bench clean

try: .venv/room
	$(BIN)/mrp terminal

test: .venv/everything
	$(MAKE) --no-print-directory check tests

check: .venv/everything
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python deploy/check.py

tests: .venv/everything
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

# What a room needs: no torch in it.
.venv/room: pyproject.toml | .venv/bin/python
	@echo "Setting up; the first time this compiles llama.cpp, which takes some minutes."
	$(PIP) install -e .
	@touch $@

# What training and the checks need besides.
.venv/everything: .venv/room
	$(PIP) install $(TORCH)
	$(PIP) install -e ".[dev]"
	@touch $@

# --- from a book to a voice ------------------------------------------------------------------

canon: .venv/room
	$(BIN)/mrp canon build $(NOVEL) -o build/canon

lessons: .venv/everything
	$(BIN)/mrp lessons $(RECIPE)

train: .venv/everything
	$(BIN)/mrp train $(RECIPE) --novel $(NOVEL) --books $(BOOKS)

convert: .venv/everything
	$(BIN)/mrp convert runs/xiyou-mini/model -o build/xiyou-mini-f16.gguf --type f16

shrink: .venv/everything
	$(BIN)/mrp shrink build/xiyou-mini-f16.gguf models/xiyou-mini.gguf --type Q8_0

evaluate: .venv/room
	$(BIN)/mrp evaluate identity
	$(BIN)/mrp evaluate speaker

bench: .venv/room
	$(BIN)/mrp bench

clean:
	rm -rf build .mypy_cache .ruff_cache .pytest_cache
