from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from canon import Canon, build, read_book, read_table
from canon.error import ChapterOutOfRange, FolderUnreadable, UnknownCharacter


def test_the_passage_that_a_question_is_about_comes_first(canon: Canon) -> None:
    found = canon.search("鹿先生下棋赢了你的铜铃吗？", character="aqing")
    assert not found.nothing_fits
    assert "铜铃" in found.passages[0].text


def test_an_event_in_todays_words_leads_to_its_passage(canon: Canon) -> None:
    assert canon.search("狐狸姑娘上门").passages[0].section == 3


def test_an_english_question_finds_a_chinese_passage(canon: Canon) -> None:
    hit = canon.search("What happened to the bronze bell?").passages[0]
    assert "铜铃" in hit.text


def test_a_passage_tells_where_it_stands_and_who_speaks(canon: Canon) -> None:
    for hit in canon.search("下棋", k=5).passages:
        assert canon.text(hit.section, hit.start, hit.end) == hit.text
        assert len(hit.text) <= 400
        assert "?" not in hit.speakers
    assert "白鹿" in canon.search("铜铃").passages[0].speakers


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    chapter=st.integers(1, 3),
    words=st.lists(
        st.sampled_from(
            ["阿青", "铜铃", "狐狸", "借火", "fox", "bell", "下棋", "米", "女子", "春天"]
        ),
        min_size=1,
        max_size=5,
    ),
    k=st.integers(1, 8),
    present=st.booleans(),
)
def test_nothing_that_a_view_returns_lies_later(
    canon: Canon, chapter: int, words: list[str], k: int, present: bool
) -> None:
    view = canon.as_of(chapter)
    found = view.search(" ".join(words), character="aqing", k=k, present=present)
    assert all(hit.section <= chapter for hit in found.passages)
    assert all(scene.chapter <= chapter for scene in view.scenes())
    assert [c.number for c in view.chapters()] == list(range(1, chapter + 1))


def test_a_view_cannot_look_ahead(canon: Canon) -> None:
    view = canon.as_of(2)
    with pytest.raises(ChapterOutOfRange, match="1 to 2"):
        view.text(3)
    with pytest.raises(ChapterOutOfRange):
        view.as_of(3)
    with pytest.raises(ChapterOutOfRange):
        canon.as_of(0)
    assert view.search("胡三娘是谁").nothing_fits


def test_what_no_old_novel_has_fits_nothing(canon: Canon) -> None:
    assert canon.search("你有手机吗，鹿先生？").nothing_fits
    assert canon.search("Do you know Harry Potter?").nothing_fits
    assert canon.search("").nothing_fits
    assert canon.search("量子纠缠拓扑").nothing_fits


def test_only_chapters_where_a_character_speaks_can_be_asked_for(canon: Canon) -> None:
    found = canon.search("阿青 石伯 米", character="胡三娘", present=True)
    assert {hit.section for hit in found.passages} == {3}


def test_scenes_of_one_character(canon: Canon) -> None:
    scenes = list(canon.scenes("胡三娘"))
    assert scenes
    assert all("胡三娘" in scene.participants for scene in scenes)


def test_a_character_that_the_book_lacks_is_an_error_with_examples(canon: Canon) -> None:
    with pytest.raises(UnknownCharacter, match="aqing"):
        canon.search("谁", character="nobody")


def fake_embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """Counts a few characters: a stand-in with the shape of an embedding model."""
    counts = [[text.count(char) for char in "铃鹿火棋雪"] for text in texts]
    vectors = np.array(counts, dtype=np.float32) + 0.01
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_a_dense_index_is_used_when_there_is_one(tmp_path: Path, novel: Path, names: Path) -> None:
    build(read_book(novel), read_table(names), tmp_path / "canon", embed=fake_embed)
    vectors = np.load(tmp_path / "canon" / "vectors.npy")
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    asked: list[str] = []

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        asked.extend(texts)
        return fake_embed(texts)

    dense = Canon.open(tmp_path / "canon", embed=embed)
    assert dense.search("借火").passages[0].section == 3
    assert asked == ["借火"]
    assert all(hit.section <= 2 for hit in dense.as_of(2).search("借火").passages)
    # Without the model that made the vectors the words alone decide.
    assert Canon.open(tmp_path / "canon").search("借火").passages


def test_a_folder_of_another_version_is_refused(folder: Path, tmp_path: Path) -> None:
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    (tmp_path / "card.json").write_text(json.dumps({**card, "format": 999}), encoding="utf-8")
    with pytest.raises(FolderUnreadable, match="another version"):
        Canon.open(tmp_path)


@pytest.mark.parametrize("text", ["not json", "[]", "{}"])
def test_a_broken_card_is_an_error_for_the_person(tmp_path: Path, text: str) -> None:
    (tmp_path / "card.json").write_text(text, encoding="utf-8")
    with pytest.raises(FolderUnreadable):
        Canon.open(tmp_path)


def test_a_folder_without_a_card_or_with_files_missing_is_refused(
    tmp_path: Path, folder: Path
) -> None:
    with pytest.raises(FolderUnreadable, match="mrp canon build"):
        Canon.open(tmp_path)
    (tmp_path / "card.json").write_bytes((folder / "card.json").read_bytes())
    with pytest.raises(FolderUnreadable):
        Canon.open(tmp_path)


@pytest.mark.parametrize("question", ["下棋输了铜铃", "量子纠缠拓扑", "你有手机吗，鹿先生？", ""])
def test_whether_anything_fits_is_a_plain_truth_value(canon: Canon, question: str) -> None:
    assert type(canon.search(question).nothing_fits) is bool  # json refuses numpy's
