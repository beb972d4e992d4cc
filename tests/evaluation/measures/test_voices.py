"""Voices learned from a script of our own; and the shipped ones, which hold no sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from characters.card import load_cast
from characters.script import read_script
from evaluation.asks import VOICES
from evaluation.error import EvaluationError
from evaluation.measures import voices

CANON = Path(__file__).parents[3] / "build" / "canon" / "scenes.jsonl"
OURS = ("老孙去打妖怪", "看老孙的棒", "等老孙来", "我老孙走了")
THEIRS = ("老猪要吃馒头", "等老猪睡醒", "我老猪不去", "饶了老猪罢")
SAID = [("wukong", OURS[n % 4]) for n in range(60)] + [("bajie", THEIRS[n % 4]) for n in range(60)]


@pytest.fixture(scope="module")
def learned() -> voices.Voices:
    return voices.learn(SAID, ("wukong", "bajie"), book="试", steps=30)


def test_a_bag_is_given_to_whom_it_sounds_like(learned: voices.Voices) -> None:
    assert learned.pick(["老孙去也", "看打妖怪"]) == "wukong"
    assert learned.pick(["再吃馒头"]) == "bajie"


def test_all_wrong_and_nothing(learned: voices.Voices) -> None:
    swapped = [("bajie", text) if who == "wukong" else ("wukong", text) for who, text in SAID]
    assert voices.recall(learned, swapped)["bag"] == 0
    assert voices.recall(learned, SAID)["bag"] == 1
    assert not any(learned.scores([""]))
    assert voices.recall(learned, [])["bag"] == 0


def test_words_of_one_voice_are_found_and_parts_of_words_are_not(learned: voices.Voices) -> None:
    marks = {mark.words: mark.owner for mark in learned.markers}
    assert marks["老孙"] == "wukong"
    assert marks["老猪"] == "bajie"
    assert learned.foreign("老猪饿了", "wukong")
    assert not learned.foreign("老猪饿了", "bajie")
    assert learned.foreign("", "wukong") == []


def test_what_all_say_is_nobodys_marker() -> None:
    both = [("a", "师父去哪里"), ("b", "去寻师父来")] * 60
    assert "师父" not in {m.words for m in voices.learn(both, ("a", "b"), steps=2).markers}


def test_a_file_keeps_what_was_learned(learned: voices.Voices, tmp_path: Path) -> None:
    voices.write(learned, tmp_path / "v.json")
    again = voices.read(tmp_path / "v.json")
    assert again.speakers == learned.speakers
    assert again.markers == learned.markers
    assert voices.recall(again, SAID) == voices.recall(learned, SAID)


@pytest.mark.parametrize("text", ["", "{}", '{"format": 2}', "[]", '{"speakers": 3}'])
def test_a_file_that_holds_no_voices_says_so(text: str, tmp_path: Path) -> None:
    (tmp_path / "v.json").write_text(text)
    with pytest.raises(EvaluationError, match="mrp evaluate voices"):
        voices.read(tmp_path / "v.json")
    with pytest.raises(EvaluationError, match="holds no voices"):
        voices.read(tmp_path / "nowhere.json")


def test_who_says_nothing_has_no_voice() -> None:
    with pytest.raises(EvaluationError, match="no line of bajie"):
        voices.learn(SAID[:5], ("wukong", "bajie"))


def test_the_shipped_voices_are_small_and_hold_no_sentence() -> None:
    shipped = voices.read(VOICES)
    assert shipped.speakers == ("wukong", "tangseng", "bajie", "shaseng")
    assert VOICES.stat().st_size < 300_000
    assert max(map(len, shipped.weights)) <= 3
    own = {mark.words: mark.owner for mark in shipped.markers}
    assert {"老孙": "wukong", "老猪": "bajie", "贫僧": "tangseng", "二哥": "shaseng"}.items() <= (
        own.items()
    )


@pytest.mark.skipif(not CANON.exists(), reason="build/canon is not there (make canon)")
def test_bags_of_held_out_chapters_are_told_as_well_as_measured_once() -> None:
    cast = load_cast()
    held_out = {chapter for chapter in range(1, 101) if chapter % 5 == 0}
    quotes = [
        (stretch.chapter in held_out, turn.speaker, turn.text)
        for stretch in read_script(CANON, cast)
        for turn in stretch.turns
    ]
    leads = ("wukong", "tangseng", "bajie", "shaseng")
    learned = voices.learn([(who, text) for held, who, text in quotes if not held], leads)
    told = voices.recall(learned, [(who, text) for held, who, text in quotes if held])
    assert told["bag"] >= 0.873
    assert told["macro"] >= 0.75
