"""No header ends the process: a small run of tests/engine/fuzz.py."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

pytest.importorskip("gguf", reason="the base model of the run is written with it")


@pytest.mark.timeout(600)
def test_changed_headers_end_no_process(tmp_path: Path) -> None:
    """The default run has 30 headers; MRP_FUZZ=1000 runs more."""
    spec = importlib.util.spec_from_file_location("fuzz", Path(__file__).with_name("fuzz.py"))
    assert spec is not None
    assert spec.loader is not None
    fuzz = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fuzz)
    outcome, deaths = fuzz.fuzz(tmp_path, 5, int(os.environ.get("MRP_FUZZ", "30")))
    assert not deaths
    assert outcome["refused"] > 0
