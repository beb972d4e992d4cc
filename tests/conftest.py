"""Options of the whole suite: `pytest --quick` leaves out what needs torch, a model or time.

A test file is slow when its text names something slow (see SLOW), so few need a mark: a line
`# slow: WHY`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

# What costs seconds: torch and what brings it, weights through llama.cpp, processes, waiting.
SLOW = re.compile(
    r"^# slow: |^\s*(?:from|import) (?:torch|transformers|peft|trl|gguf|tokenizers|datasets)\b"
    r"|^\s*(?:from|import) (?:trainer|quantize)\b|LlamaEngine|LlamaModel|SHIPPED|xiyou-mini"
    r"|\bsubprocess\b|\bsleep\(|xiyouji|create_subprocess|multiprocessing",
    re.MULTILINE,
)

TORCH = re.compile(r"^(?:from|import) (?:torch|transformers)\b", re.MULTILINE)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="only tests that take no time")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if not config.getoption("--quick"):
        return None
    if collection_path.is_dir():  # its conftest.py would be imported for all below it
        conftest = collection_path / "conftest.py"
        return (conftest.is_file() and bool(TORCH.search(conftest.read_text("utf-8")))) or None
    if collection_path.suffix != ".py":
        return None
    return bool(SLOW.search(collection_path.read_text(encoding="utf-8"))) or None
