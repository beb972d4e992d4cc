from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from canon import ranking as module
from canon.lexicon import KINDS
from canon.nothing import FITS, HOLDS
from canon.ranking import ASKED, Ranking, ranking, write_ranking
from canon.search import BY_CHAPTER, FIELDS, NOTED


@pytest.mark.parametrize("noted", [True, False])
def test_the_shipped_weights_are_whole(noted: bool) -> None:
    shipped = ranking(noted=noted)
    assert set(shipped.fields) == {field for field in FIELDS if noted or field not in NOTED}
    for field, weights in shipped.fields.items():
        assert set(weights) == {*KINDS} | (set() if field in BY_CHAPTER else {ASKED})
    assert len(shipped.fits) == len(FITS)
    assert len(shipped.holds) == (len(HOLDS) if noted else 0)


def test_weights_are_written_as_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = Ranking(
        {"passages": {"pair": 0.25}, "notes": {"pair": -1.5}}, 0.75, (1.0, -2.25), (0.5,)
    )
    plain = replace(noted, here=2.0)
    path = tmp_path / "ranking.toml"
    write_ranking({"noted": noted, "plain": plain}, path, comment="one\ntwo")
    assert path.read_text(encoding="utf-8").startswith("# one\n# two\n")
    monkeypatch.setattr(module, "RANKING", path)
    # The cache holds the shipped ones.
    assert ranking.__wrapped__(noted=True) == noted
    assert ranking.__wrapped__(noted=False) == plain
