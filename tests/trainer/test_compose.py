"""`mrp lessons RECIPE` for a base model: shares, cards, and what is held out."""

import dataclasses
import json
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from characters import cli as character_cli
from characters.prompt import Style
from trainer import compose
from trainer.lessons import LessonError
from trainer.recipe import CardShares, RecipeError, Tuning, load
from trainer.scenes import load_scenes

RECIPES = Path(__file__).resolve().parents[2] / "trainer" / "recipes"


@pytest.fixture(scope="module")
def tuned() -> Tuning:
    made = load(RECIPES / "qwen2.5-coder-0.5b.toml")
    assert isinstance(made, Tuning)
    assert made.lessons is not None
    return dataclasses.replace(made, lessons=dataclasses.replace(made.lessons, held_out=(3, 7)))


@pytest.fixture(scope="module")
def written(tuned, scenes):
    return {
        split: compose.compose_tuning(tuned, tuned.lessons, scenes, split)
        for split in ("train", "held_out")
    }


def test_every_training_scene_is_there_and_no_held_out_one(written):
    titles = {split: {one.id.rsplit("-", 1)[0] for one in made} for split, made in written.items()}
    for scene in load_scenes():
        name = f"scenes-{scene.where}"
        assert (name in titles["held_out"]) == scene.held_out
        assert (name in titles["train"]) != scene.held_out
    assert {one.source for one in written["held_out"]} == {"scenes"}


def test_the_shares_are_the_recipes(tuned, written):
    size: dict[str, float] = defaultdict(float)
    style = tuned.prompt.style
    for one in written["train"]:
        size[one.source] += compose.reckoned(dataclasses.replace(one, cards=None), style)
    share = tuned.lessons.share
    whole = sum(size.values())
    assert size["scenes"] / whole == pytest.approx(share.scenes, abs=0.03)
    assert size["canon"] / whole == pytest.approx(share.canon, abs=0.03)
    assert size["talk"] / whole == pytest.approx(share.identity + share.unknown, abs=0.03)


def test_single_questions_are_single(written):
    for one in written["train"]:
        if one.source == "talk":
            assert sum(turn.side == "human" for turn in one.scene.turns) == 1


def test_single_questions_have_what_a_room_looks_up(written):
    singles = [one.tail for one in written["train"] if one.source == "talk"]
    words = {word for tail in singles if tail for word in tail.unheard}
    assert words & {"手机", "微信", "电视", "smartphone", "phone"}
    assert any(tail and tail.passages for tail in singles)


def test_cards_are_dropped_as_often_as_the_recipe_says(tuned, written):
    shown = Counter(one.cards for one in written["train"])
    for kind in ("full", "brief", "name"):
        share = shown[kind] / len(written["train"])
        assert share == pytest.approx(getattr(tuned.lessons.cards, kind), abs=0.06)
    names = next(one for one in written["train"] if one.cards == "name" and not one.scene.place)
    system = names.spans(Style(rules=False))[1].text
    language = names.scene.language
    assert system.split("\n") == [character.name[language] for character in names.scene.cast]


def test_the_book_comes_with_narration_and_without_held_out_chapters(written):
    book = [one for one in written["train"] if one.source == "canon"]
    said = "".join(turn.text for one in book for turn in one.scene.turns)
    assert "第三座" not in said
    assert "第七座" not in said
    assert any(turn.side == "human" for one in book for turn in one.scene.turns)


def test_each_pass_reads_every_scene_with_other_cards(tuned, scenes):
    cards = CardShares(full=0.0, brief=0.5, name=0.5)
    plan = dataclasses.replace(tuned.lessons, passes=2, cards=cards)
    made = compose.compose_tuning(tuned, plan, scenes, "train")
    seen = Counter(one.id for one in made if one.source == "scenes")
    assert set(seen.values()) == {2}
    by_id = {}
    for one in made:
        by_id.setdefault(one.id, set()).add(one.cards)
    assert sum(len(kinds) == 2 for kinds in by_id.values()) > len(by_id) / 4


def test_a_recipe_without_lessons_says_so(tmp_path):
    with pytest.raises(RecipeError, match="lessons: is missing"):
        compose.main([str(RECIPES / "qwen3-8b.toml"), "-o", str(tmp_path)])


def test_the_verb_writes_both_splits(scenes, tmp_path, capsys):
    args = [str(RECIPES / "qwen2.5-coder-1.5b.toml"), "--canon", str(scenes.parent)]
    assert compose.main([*args, "-o", str(tmp_path / "out"), "--json", "--sample", "1"]) == 0
    counts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert counts["train"]["sources"].keys() == {"scenes", "canon", "talk"}
    assert counts["held_out"]["empty"] == 0


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("scenes = 0.72", "scenes = 0.0", "lessons.share.scenes"),
        ("canon = 0.12", "canon = 0.5", r"lessons\.share \(in all\)"),
        ("brief = 0.56", "brief = 0.9", r"lessons\.cards \(in all\)"),
        ("passes = 2 ", "passes = 0 ", "lessons.passes"),
        ("first_layer = 0", "first_layer = 24", "method.first_layer"),
    ],
)
def test_a_mistake_in_the_recipe_names_the_key(old, new, told, tmp_path):
    text = (RECIPES / "qwen2.5-coder-0.5b.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "r.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(RecipeError, match=told):
        load(tmp_path / "r.toml")


def test_another_book_without_written_scenes_is_read_in_passes(tuned, scenes):
    share = dataclasses.replace(
        tuned.lessons.share, scenes=0.0, canon=1.0, identity=0.0, unknown=0.0
    )
    plan = dataclasses.replace(tuned.lessons, share=share, passes=2)
    made = compose.compose_tuning(tuned, plan, scenes, "train")
    assert {one.source for one in made} == {"canon"}
    held = compose.compose_tuning(tuned, plan, scenes, "held_out")
    assert {one.source for one in held} == {"canon"}
    assert {one.id for one in held}.isdisjoint(one.id for one in made)
    once = compose.compose_tuning(tuned, dataclasses.replace(plan, passes=1), scenes, "train")
    assert len(made) == pytest.approx(2 * len(once), rel=0.2)


def test_the_projects_scenes_are_not_another_casts(tuned, scenes, tmp_path):
    cards = [
        "new",
        "Alice",
        "--language",
        "en",
        "--greeting",
        "Oh!",
        "--brief",
        "A girl.",
        "--to",
        str(tmp_path),
    ]
    assert character_cli.main(cards) == 0
    data = dataclasses.replace(tuned.data, cards=str(tmp_path))
    with pytest.raises(LessonError, match="scenes = 0"):
        compose.compose_tuning(
            dataclasses.replace(tuned, data=data), tuned.lessons, scenes, "train"
        )
