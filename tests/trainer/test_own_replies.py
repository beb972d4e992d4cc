"""What a voice says where a person wrote the line becomes pairs that a preference run reads."""

import dataclasses
import json
import random
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from characters.card import load_cast
from characters.prompt import Tail
from characters.turn import Scene, Turn
from tests.trainer.conftest import load_tuning
from trainer import lessons, own_replies, preferences
from trainer.guard import TrainError
from trainer.lessons import Lesson

MINI = Path(__file__).parents[2] / "models" / "xiyou-mini.gguf"
CAST = load_cast()


def turn(name: str, text: str) -> Turn:
    return Turn(name, text, "character" if any(name == card.id for card in CAST) else "human")


def lesson(*said: tuple[str, str], reply: str = "老沙在。", **changes) -> Lesson:
    stage = (CAST["shaseng"], CAST["tangseng"])
    scene = Scene(stage, tuple(turn(*one) for one in said))
    made = Lesson("one", "scenes", scene, CAST["shaseng"], reply, tail=Tail(note="天黑了"))
    return dataclasses.replace(made, **changes)


TALK = (("阿庆", "长老是谁？"), ("tangseng", "贫僧唐三藏。"), ("阿庆", "那你呢？"))


def test_every_line_that_is_learned_may_be_asked_for_and_no_other():
    rng = random.Random(1)
    drawn = {
        (cut.speaker.id, cut.reply, len(cut.scene.turns), cut.tail is None)
        for _ in range(50)
        for cut in own_replies.places([lesson(*TALK)], rng)
    }
    assert drawn == {("shaseng", "老沙在。", 3, False), ("tangseng", "贫僧唐三藏。", 1, True)}
    later = lesson(*TALK, since=2)
    assert {len(cut.scene.turns) for cut in own_replies.places([later] * 50, rng)} == {3}
    alone = lesson(*TALK, learn="reply")
    assert {len(cut.scene.turns) for cut in own_replies.places([alone] * 50, rng)} == {3}
    assert not list(own_replies.places([lesson()] * 9, rng)), "before the first line is nothing"


@pytest.mark.parametrize(
    ("reply", "slip"),
    [
        ("老沙在，卷帘大将便是我。", ""),
        ("贫僧在此。", "calls itself as another does"),
        ("我是天蓬元帅。", "takes itself for another"),
        ("我是阿庆。", "takes itself for another"),
        ("Here I am, at your service.", "in another language"),
        ("作为一个人工智能，我不能。", "speaks as an assistant"),
        ("", "empty"),
    ],
)
def test_a_slip_is_named(reply, slip):
    assert own_replies.slip_of(reply, lesson(*TALK), CAST) == slip


def test_what_was_written_so_is_no_slip():
    guest = lesson(("Amy", "Who are you?"), reply="Sha Wujing, and no poor monk.")
    assert own_replies.slip_of("Old Sand, at the river.", guest, CAST) == ""


@pytest.fixture
def recipe(tuning, tmp_path):
    """A recipe whose lessons are the two characters' talk, a hundred times with other people."""
    made = [
        lesson(
            ("阿庆", f"我是第{n}个。沙僧，你是谁？"),
            reply=f"老沙。第{n}个，坐。",
            id=str(n),
            source=source,
        )
        for n, source in enumerate(["scenes", "talk"] * 12)
    ]
    lessons.save(tmp_path / "lessons", "train", made)
    return tuning(tmp_path / "r.toml", lessons=json.dumps(str(tmp_path / "lessons")), row="400")


def run(recipe: Path, out: Path, capsys, *more: str) -> tuple[list[dict[str, str]], dict]:
    words = [str(recipe), "--model", str(MINI), "-o", str(out), "--threads", "1", "--json", *more]
    assert own_replies.main(words) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()], told


def test_a_voice_answers_its_lessons_and_the_pairs_are_learned_from(
    recipe, tmp_path, capsys, monkeypatch
):
    # Which of several replies are computed together depends on time, and a last bit may tip a draw.
    monkeypatch.setattr(own_replies, "_AT_ONCE", 1)
    out = tmp_path / "new" / "pairs.jsonl"
    rows, told = run(
        recipe, out, capsys, "--most", "8", "--share", "talk=0.75", "--share", "scenes=1"
    )
    assert len(rows) == told["kept"] == told["asked"] <= 8
    assert {row["source"] for row in rows} == {"talk", "scenes"}
    assert sum(row["source"] == "talk" for row in rows) == 3
    for row in rows:
        assert row["prompt"].endswith("沙僧："), "as the voice is served"
        assert row["chosen"].startswith("老沙。第")
        assert row["rejected"] != row["chosen"]
    recipe_told = load_tuning(recipe)
    tokenizer = AutoTokenizer.from_pretrained(recipe_told.base.folder)
    pairs = preferences.fed_back(out, "dpo", tokenizer, recipe_told)
    assert len(pairs) == len(rows)
    assert {pair.kind for pair in pairs} == {row["kind"] for row in rows}
    again, _ = run(
        recipe, out, capsys, "--most", "8", "--share", "talk=0.75", "--share", "scenes=1"
    )
    assert sorted(map(str, again)) == sorted(map(str, rows)), "the same seed, the same replies"


def test_only_slips_and_only_what_fits(recipe, tmp_path, capsys):
    rows, told = run(recipe, tmp_path / "p.jsonl", capsys, "--most", "12", "--slips")
    assert told["asked"] == 12
    assert len(rows) == told["kept"] == sum(told["slips"].values())
    text = recipe.read_text(encoding="utf-8").replace("row = 400", "row = 120")
    recipe.write_text(text, encoding="utf-8")
    rows, told = run(recipe, tmp_path / "p.jsonl", capsys, "--most", "12")
    assert (rows, told["asked"]) == ([], 0), "prompt and the longest reply are more than 120"


def test_what_cannot_be_asked_is_told(tmp_path, capsys):
    mini = Path(__file__).parents[2] / "trainer" / "recipes" / "mini.toml"
    with pytest.raises(SystemExit):
        own_replies.main([str(mini), "--model", str(MINI), "-o", str(tmp_path / "p.jsonl")])
    assert "no recipe for a base model" in capsys.readouterr().err


@pytest.mark.parametrize("share", ["talk", "talk=", "talk=0", "talk=-1", "talk=nan", "talk=inf"])
def test_a_share_is_a_source_and_a_positive_number(share, recipe, tmp_path, capsys):
    with pytest.raises(SystemExit):
        run(recipe, tmp_path / "p.jsonl", capsys, "--share", share)
    assert "--share" in capsys.readouterr().err


def test_a_source_that_the_lessons_lack_is_told_with_those_they_have(recipe, tmp_path, capsys):
    with pytest.raises(lessons.LessonError, match=r"--share secnes: .* come from scenes, talk"):
        run(recipe, tmp_path / "p.jsonl", capsys, "--share", "secnes=1")
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainError, match="file"):
        run(recipe, tmp_path / "file" / "p.jsonl", capsys)
