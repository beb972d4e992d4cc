"""Lessons: nothing that is held out is taught, and every lesson has somebody to say its reply."""

import dataclasses
import json
import re

import pytest

from characters.card import LANGUAGES, load_cast
from characters.prompt import Style, Tail
from characters.script import ScriptError
from characters.turn import Scene, Turn
from trainer import compose as composing
from trainer import lessons
from trainer.compose import compose
from trainer.lessons import Lesson, LessonError, load, report
from trainer.talk import IDENTITY, UNKNOWN, load_talk

CAST = load_cast()
HELD_OUT = {"三", "七"}  # chapters 3 and 7 of the fixture


@pytest.fixture(scope="module")
def made(recipe, scenes):
    return {split: compose(recipe, scenes, split) for split in lessons.SPLITS}


def texts(one: Lesson) -> list[str]:
    """All that is said in a lesson."""
    tail = one.tail or Tail()
    turns = [turn.text for turn in one.scene.turns]
    return [*turns, one.reply, *tail.passages, *tail.memory]


def chapters_in(all_lessons) -> set[str]:
    said = "".join(text for one in all_lessons for text in texts(one))
    return set(re.findall("第(.)座山", said))


# --- what is held out ------------------------------------------------------------------------


def test_held_out_chapters_are_never_taught(made):
    assert chapters_in(made["train"]) == set("一二三四五六七八九十") - HELD_OUT


def test_held_out_lessons_come_from_held_out_chapters_only(made):
    assert chapters_in(made["held_out"]) == HELD_OUT


def held_out_asks():
    """The last tenth of each topic's phrasings, one at least; and all the others."""
    held, taught = set(), set()
    for asks in load_talk().asks.values():
        for language in LANGUAGES:
            phrases = asks[language]
            cut = len(phrases) - (max(1, len(phrases) // 10) if len(phrases) > 1 else 0)
            held.update(phrases[cut:])
            taught.update(phrases[:cut])
    return held, taught


def core(ask: str) -> str:
    """The ask without its end, which a name may take the place of."""
    return ask.rstrip("？?！!。. ")


def human_lines(all_lessons) -> str:
    talk = (one for one in all_lessons if one.source == "talk")
    return "\n".join(t.text for one in talk for t in one.scene.turns if t.side == "human")


def test_held_out_asks_are_never_taught(made):
    held, taught = held_out_asks()
    everything = "\n".join(taught)
    # A held-out ask that is part of a taught one cannot be told from it.
    telling = {core(ask) for ask in held if core(ask) not in everything}
    assert len(telling) > 0.8 * len(held)
    said = human_lines(made["train"])
    assert not [ask for ask in telling if ask in said]
    asked = human_lines(made["held_out"])
    assert sum(ask in asked for ask in telling) > 20


def test_taught_asks_do_not_come_back_in_held_out_lessons(made):
    held, taught = held_out_asks()
    everything = "\n".join(held)
    telling = {core(ask) for ask in taught if core(ask) not in everything and len(ask) > 5}
    asked = human_lines(made["held_out"])
    assert not [ask for ask in telling if ask in asked]


# --- every lesson ----------------------------------------------------------------------------


@pytest.mark.parametrize("split", lessons.SPLITS)
def test_every_lesson_has_a_reply_and_its_speaker_on_stage(made, split):
    assert made[split]
    for one in made[split]:
        assert one.reply.strip()
        assert one.speaker in one.scene.cast
        assert len({character.id for character in one.scene.cast}) == len(one.scene.cast)
        assert one.spans(Style())


@pytest.mark.parametrize("split", lessons.SPLITS)
def test_nobody_speaks_from_off_stage_and_no_line_is_empty(made, split):
    for one in made[split]:
        on_stage = {character.id for character in one.scene.cast}
        for turn in one.scene.turns:
            assert turn.text.strip()
            assert turn.speaker
            assert turn.side in ("human", "character")
            assert turn.side != "character" or turn.speaker in on_stage


def test_ids_are_told_apart_by_source(made):
    for one in made["train"]:
        assert one.id.startswith(f"{one.source}-")


def test_the_same_seed_gives_the_same_lessons(recipe, scenes, made):
    assert compose(recipe, scenes, "held_out") == made["held_out"]
    other = dataclasses.replace(recipe, seed=recipe.seed + 1)
    assert compose(other, scenes, "held_out") != made["held_out"]


def test_sources_have_their_shares(recipe, made):
    size = {"canon": 0, "talk": 0}
    for one in made["train"]:
        size[one.source] += sum(len(span.text) for span in one.spans(recipe.prompt.style))
    share = size["canon"] / sum(size.values())
    assert share == pytest.approx(recipe.lessons.share.canon, abs=0.06)


def test_no_share_means_none_of_it(recipe, scenes):
    share = dataclasses.replace(recipe.lessons.share, canon=0.0, talk=0.5, unknown=0.0)
    plan = dataclasses.replace(recipe.lessons, share=share, tokens=20_000, english=0.0)
    found = compose(dataclasses.replace(recipe, lessons=plan), scenes, "train")
    assert {one.source for one in found} == {"talk"}
    assert {one.scene.language for one in found} == {"zh"}
    talk = load_talk()
    unknown = {
        line
        for topics in talk.answers.values()
        for topic in UNKNOWN
        for line in (*topics[topic]["zh"], *topics[topic]["en"])
    }
    known = {
        line
        for topics in talk.answers.values()
        for topic, lines in topics.items()
        if topic not in UNKNOWN
        for line in (*lines["zh"], *lines["en"])
    }
    assert not {one.reply for one in found} & (unknown - known)


def test_talk_answers_are_the_speakers_own(made):
    talk = load_talk()
    for one in made["train"]:
        if one.source == "talk":
            own = talk.answers[one.speaker.id].values()
            assert any(one.reply in lines["zh"] + lines["en"] for lines in own)


def test_every_character_is_asked_who_it_is(made):
    talk = load_talk()
    told = {
        turn.speaker
        for one in made["train"]
        for turn in (*one.scene.turns, Turn(one.speaker.id, one.reply, "character"))
        if turn.side == "character"
        and any(
            turn.text in lines
            for topic in IDENTITY
            for lines in talk.answers[turn.speaker][topic].values()
        )
    }
    assert told == {character.id for character in CAST}


def test_both_languages_are_taught(recipe, made):
    talk = [one for one in made["train"] if one.source == "talk"]
    english = sum(one.scene.language == "en" for one in talk) / len(talk)
    assert english == pytest.approx(recipe.lessons.english, abs=0.08)


# --- from the book ---------------------------------------------------------------------------


def test_no_lesson_reaches_across_a_line_of_an_undecided_speaker(made):
    for one in made["train"]:
        said = "".join(texts(one)) if one.source == "canon" else ""
        assert "有人说话" not in said
        assert not ("快说第" in said and "担子我来挑" in said)


def test_book_lessons_are_lines_of_the_book_by_who_said_them(made):
    whose = {"老孙去打": "wukong", "快说第": "wukong", "老猪走": "bajie", "担子我来挑": "shaseng"}
    whose |= {"可有妖怪": "tangseng", "是老牛的": "niumowang"}
    found = set()
    for one in made["train"]:
        if one.source == "canon":
            lines = [*one.scene.turns, Turn(one.speaker.id, one.reply, "character")]
            for turn in lines:
                for part, speaker in whose.items():
                    if part in turn.text:
                        assert (turn.speaker, turn.side) == (speaker, "character")
                        found.add(part)
    assert found == set(whose)


def test_missing_scenes_say_what_to_run(tmp_path, recipe):
    with pytest.raises(ValueError, match="mrp canon build") as told:
        compose(recipe, tmp_path / "scenes.jsonl", "train")
    assert str(tmp_path / "scenes.jsonl") in str(told.value)
    assert isinstance(told.value, ScriptError)
    assert told.value.for_user


def test_a_book_in_which_nobody_has_a_card_is_named(tmp_path, recipe, turn, write_scenes):
    file = write_scenes(tmp_path, {1: [[turn("土地", "无人。")]]})
    with pytest.raises(LessonError) as told:
        compose(recipe, file, "train")
    assert str(file) in str(told.value)
    assert told.value.for_user


# --- kept on disk ----------------------------------------------------------------------------


def kept(one: Lesson) -> Lesson:
    return Lesson.from_row(json.loads(json.dumps(one.to_row())), CAST)


def test_every_lesson_survives_the_way_through_json(made):
    for split in lessons.SPLITS:
        for one in made[split]:
            again = kept(one)
            assert dataclasses.replace(again, tail=one.tail) == one
            assert again.spans(Style()) == one.spans(Style())


def test_a_lesson_with_everything_survives_the_way_through_json():
    one = Lesson(
        id="x-1",
        source="talk",
        scene=Scene(
            (CAST["bajie"], CAST["wukong"]),
            (Turn("Amy", "hi"), Turn("wukong", "Yes?", "character"), Turn("", "…", "narration")),
            place="高老庄",
            language="en",
        ),
        speaker=CAST["bajie"],
        reply="Dinner!",
        tail=Tail(("p",), ("m", "n"), "quick", ("Harry Potter", "pizza")),
        learn="reply",
    )
    assert kept(one) == one


def test_the_verb_writes_what_load_reads(tmp_path, scenes, monkeypatch, capsys, recipe):
    monkeypatch.setattr(composing, "load", lambda file: recipe)
    out = tmp_path / "lessons"
    words = ["any.toml", "--canon", str(scenes.parent), "-o", str(out), "--json", "--sample", "1"]
    assert composing.main(words) == 0
    counts = json.loads(capsys.readouterr().out.splitlines()[-1])
    for split in lessons.SPLITS:
        found = load(out, split)
        assert [one.to_row() for one in found] == [
            one.to_row() for one in compose(recipe, scenes, split)
        ]
        assert counts[split] == report(found)
        assert counts[split]["empty"] == 0
    assert sorted(file.name for file in out.iterdir()) == ["held_out.jsonl", "train.jsonl"]


def test_the_report_counts_every_line_that_is_taught():
    scene = Scene(
        (CAST["wukong"], CAST["bajie"]),
        (Turn("小明", "问"), Turn("bajie", "一二", "character")),
    )
    one = Lesson("canon-1", "canon", scene, CAST["wukong"], "三四五")
    counted = report([one, one])
    assert counted["lessons"] == 2
    assert counted["sources"] == {"canon": 2}
    assert counted["languages"] == {"zh": 2}
    assert counted["lines"] == {"bajie": 2, "wukong": 2}
    assert counted["characters"] == {"bajie": 4, "wukong": 6}


def test_missing_lessons_say_what_to_run(tmp_path):
    with pytest.raises(LessonError, match="mrp lessons") as told:
        load(tmp_path, "train")
    assert "train.jsonl" in str(told.value)


GOOD = Lesson("canon-1", "canon", Scene((CAST["bajie"],)), CAST["bajie"], "在。").to_row()


def second_line(tmp_path, line: str):
    file = tmp_path / "train.jsonl"
    file.write_text(json.dumps(GOOD) + "\n" + line + "\n", encoding="utf-8")
    with pytest.raises(LessonError) as told:
        load(tmp_path, "train")
    assert f"{file}:2:" in str(told.value)


@pytest.mark.parametrize("key", list(GOOD))
def test_a_lesson_that_lacks_a_key_names_file_and_line(key, tmp_path):
    second_line(tmp_path, json.dumps({k: v for k, v in GOOD.items() if k != key}))


@pytest.mark.parametrize(
    "line",
    ["{", json.dumps(GOOD | {"speaker": "nezha"}), json.dumps(GOOD | {"cast": ["bajie", "nezha"]})],
)
def test_a_broken_lesson_names_file_and_line(line, tmp_path):
    second_line(tmp_path, line)


@pytest.mark.parametrize("line", ["[1]", "3", json.dumps(GOOD | {"turns": 3})])
def test_a_lesson_of_another_shape_names_file_and_line(line, tmp_path):
    second_line(tmp_path, line)


def test_a_lesson_that_is_too_long_loses_its_oldest_turn_first():
    first, second = Turn("小明", "一"), Turn("小明", "二")
    scene = Scene((CAST["bajie"],), (first, second))
    shorter = Lesson("canon-1", "canon", scene, CAST["bajie"], "在。").without_oldest_turn()
    assert shorter.scene.turns == (second,)
    assert shorter.reply == "在。"
    with pytest.raises(LessonError, match="canon-1"):
        shorter.without_oldest_turn().without_oldest_turn()
