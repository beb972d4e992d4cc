from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from canon import Canon, build, read_book, read_table
from canon.ranking import ASKED, Ranking
from canon.search import Index


@pytest.fixture
def index(canon: Canon) -> Index:
    return canon._store.index


def only(field: str, kind: str) -> Ranking:
    return Ranking({field: {kind: 1.0}}, 0.0)


def test_a_kind_without_a_weight_counts_nothing(index: Index) -> None:
    assert index.scores([("铜铃", "pair", 1.0)], only("passages", "pair")).max() > 0
    assert index.scores([("铜铃", "pair", 1.0)], only("passages", "character")).max() == 0
    assert index.scores([("没有", "pair", 1.0)], only("passages", "pair")).max() == 0


def test_a_token_of_two_kinds_counts_for_both(index: Index) -> None:
    model = Ranking({"passages": {"person": 1.0, ASKED: 0.5}}, 0.0)
    once = index.scores([("@阿青", "person", 1.0)], model)
    both = index.scores([("@阿青", "person", 1.0), ("@阿青", ASKED, 1.0)], model)
    assert np.allclose(both, 1.5 * once)


def test_notes_reach_their_neighbours_in_the_chapter_and_no_further(index: Index) -> None:
    here = index.scores([("mother", "english", 1.0)], only("notes", "english")) > 0
    around = index.scores([("mother", "english", 1.0)], only("around", "english")) > 0
    assert here.any()
    assert (around >= here).all()
    # The note is of chapter 2.
    assert set(index.passages[around][:, 0].tolist()) == {2}


def test_where_a_token_stands(index: Index) -> None:
    everywhere = np.arange(len(index.passages))
    chapters = index.passages[index.stands("火", everywhere, around=False)][:, 0]
    assert set(chapters.tolist()) == {3}
    assert not index.stands("没有", everywhere).any()
    assert index.rarity("没有") > index.rarity("火") > index.rarity("@阿青")


def test_a_book_without_notes_has_weights_of_its_own(
    tmp_path: Path, novel: Path, names: Path, canon: Canon
) -> None:
    table = replace(read_table(names), events=())
    build(read_book(novel), table, tmp_path / "canon")
    plain = Canon.open(tmp_path / "canon")
    assert canon.noted
    assert not plain.noted
    assert "铜铃" in plain.search("铜铃输给谁了").passages[0].text
