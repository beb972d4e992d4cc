"""Talks in which something is told and asked for again: the answer stands in what was said."""

from __future__ import annotations

import itertools
import random
import tomllib
from pathlib import Path

import pytest

from characters.card import load_cast
from characters.prompt import Style
from trainer.lessons import Lesson
from trainer.recall_lessons import RECALL_FILE, Recall
from trainer.recipe import Tuning, load

KNOWN = load_cast()
PARTS = tomllib.loads(RECALL_FILE.read_text(encoding="utf-8"))
RECIPE = Path(__file__).resolve().parents[2] / "trainer" / "recipes" / "mini-scenes.toml"


def made(count: int, english: float, seed: int = 1) -> list[Lesson]:
    recall = Recall(KNOWN, english, random.Random(seed))
    return list(itertools.islice(recall.endless(), count))


@pytest.mark.parametrize(("english", "language"), [(0.0, "zh"), (1.0, "en")])
def test_every_answer_stands_in_what_was_said(english, language):
    """A name or a word of some fact is in the reply, and was said before by a person."""
    words = {
        w.lower() for row in PARTS["fact"] for w in row["words"] if row["language"] == language
    }
    for one in made(300, english):
        people = {turn.speaker for turn in one.scene.turns if turn.side == "human"}
        said = "\n".join(t.text.lower() for t in one.scene.turns if t.side == "human")
        right = {word for word in words if word in one.reply.lower()} | {
            name for name in people if name in one.reply
        }
        assert right, one.reply
        assert any(word in said or word in people for word in right), one.reply
        assert one.scene.language == language


PLAIN = """
[names]
zh = ["阿"]
given = "安宝材彩"
en = ["Ada"]
[me]
[aside]
zh = [["天晴", "晴"]]
en = [["Hm", "Hm"]]
[[fact]]
language = "zh"
words = ["甲", "乙", "丙", "丁"]
say = ["说{x}"]
heard = ["{x}"]
ask = ["我的？"]
of = ["{who}的？"]
right = ["{x}"]
who = ["谁{x}？"]
changed = ["{x}改{y}"]
"""


def test_what_was_changed_is_answered_as_it_is_now(tmp_path):
    """The last that somebody told is what holds; whose it is, is never mixed up."""
    (tmp_path / "plain.toml").write_text(PLAIN, encoding="utf-8")
    recall = Recall(KNOWN, 0.0, random.Random(1), tmp_path / "plain.toml")
    kinds: set[object] = set()
    for one in itertools.islice(recall.endless(), 400):
        holds: dict[str, str] = {}
        for turn in one.scene.turns:
            if turn.text.startswith("说") or "改" in turn.text:
                holds[turn.speaker] = turn.text[-1]
                kinds |= {"changed"} if "改" in turn.text else set()
        asked = one.scene.turns[-1]
        if asked.text == "我的？":
            assert one.reply == holds[asked.speaker]
        elif asked.text.endswith("的？"):
            assert one.reply == holds[asked.text[:-2]]
        else:
            who = one.reply.removeprefix("是").removesuffix("。")
            assert holds[who] == asked.text[1]
            assert len(set(holds.values())) == len(holds)
        kinds.add(len(holds))
    assert kinds == {"changed", 1, 2}


def test_one_seed_makes_the_same_talks_and_they_differ_from_one_another():
    first, again, other = made(200, 0.3), made(200, 0.3), made(200, 0.3, seed=2)
    assert first == again != other
    texts = ["".join(span.text for span in one.spans(Style())) for one in first]
    assert len(set(texts)) == len(texts)


def test_the_parts_fit_their_places():
    for row in PARTS["fact"]:
        assert row.keys() == {
            "language", "words", "say", "heard", "ask", "of", "right", "who", "changed",
        }  # fmt: skip
        assert len(set(row["words"])) == len(row["words"]) >= 10
        assert all("{x}" in form for form in (*row["say"], *row["right"], *row["who"]))
        assert all("{who}" in form for form in row["of"])
        assert all("{y}" in form for form in row["changed"])
        # The question never holds its answer.
        assert not any("{x}" in form or "{y}" in form for form in (*row["ask"], *row["of"]))
    assert {character.id for character in KNOWN} == PARTS["me"].keys()


def test_the_recipe_of_the_mini_is_one_for_all_its_weights():
    recipe = load(RECIPE)
    assert isinstance(recipe, Tuning)
    assert recipe.lessons is not None
    assert recipe.method.kind == "full"
    assert recipe.base.tied
    assert recipe.name == "xiyou-mini"
    assert recipe.lessons.share.recall > 0
    assert recipe.prompt.cards == "brief"
    assert recipe.train.row == 768
