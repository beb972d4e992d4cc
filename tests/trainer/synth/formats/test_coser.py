"""CoSER's rows."""

from __future__ import annotations

from pathlib import Path

from tests.trainer.synth.formats.samples import COSER, put
from trainer.synth.formats import read


def test_coser_lines_have_their_speakers(tmp_path: Path) -> None:
    (one,) = read("coser", put(tmp_path / "c.jsonl", COSER))
    assert [line.name for line in one.lines] == ["Environment", "Mr. Darcy", "", "Jane Bennet", ""]
