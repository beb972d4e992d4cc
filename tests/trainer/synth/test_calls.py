"""Answers kept on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainer.synth.calls import Calls
from trainer.synth.error import SynthError

# --- the ledger ------------------------------------------------------------------------------


# --- the endpoint ----------------------------------------------------------------------------


def test_a_file_that_is_no_cache_is_said_so(tmp_path: Path) -> None:
    file = tmp_path / "calls.sqlite"
    file.write_text("precious words " * 100)
    with pytest.raises(SynthError, match="--cache"):
        Calls(file)
    assert file.read_text().startswith("precious")
