"""Who speaks in eight English passages that were labelled by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.canon.english.gold import ASIDE, FRESH, TUNED, Score, labels, score


def total(names: tuple[str, ...], folder: Path) -> Score:
    parts = [score(name, folder) for name in names]
    return Score(
        sum(part.quotes for part in parts),
        sum(part.said for part in parts),
        sum(part.right for part in parts),
    )


def test_passages_that_were_in_sight(tmp_path: Path) -> None:
    found = total(TUNED, tmp_path)
    assert found.quotes > 200
    assert found.precision >= 0.95
    assert found.recall >= 0.90


def test_passages_that_were_kept_aside(tmp_path: Path) -> None:
    found = total(FRESH, tmp_path)
    assert found.quotes > 200
    assert found.precision >= 0.88
    assert found.recall >= 0.85


def test_passages_that_no_rule_was_tried_on(tmp_path: Path) -> None:
    found = total(ASIDE, tmp_path)
    assert found.quotes > 150
    assert found.precision >= 0.95
    assert found.recall >= 0.85


@pytest.mark.parametrize("name", [*TUNED, *FRESH, *ASIDE])
def test_every_label_is_of_a_quote_in_its_passage(name: str, tmp_path: Path) -> None:
    rows, _ = labels(name)
    assert len(rows) > 50
    assert score(name, tmp_path).quotes > 50
