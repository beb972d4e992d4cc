"""What tells a whisper, and whom a whisper is for."""

import pytest

from bot.whispers import Confided, addressed, confided_to
from characters.turn import Scene, Turn


@pytest.mark.parametrize(
    ("whispered", "said", "told"),
    [
        ("钥匙藏在井里", "俺知道，钥匙藏在井里！", True),
        ("钥匙藏在井里", "鑰匙？不曾見。", False),
        ("钥匙藏在井里", "钥匙，藏在……", True),
        ("钥匙藏在井里", "井里有水。", False),
        ("暗号", "暗号是甚么？", True),
        ("口令是7391", "７３９１，开门！", True),
        ("口令是7391", "口令？俺不说。", False),
        ("The password is swordfish", "Swordfish, I say!", True),
        ("the old well is dry", "I was told the old well is dry.", True),
        ("the old well is dry", "An old wall.", False),
        ("我们都是你的", "我们都是你的！", False),
        ("", "甚么？", False),
    ],
)
def test_runs_of_a_whisper_tell_it(whispered, said, told):
    assert Confided.of([whispered], "").told_in(said) is told


def test_what_was_said_aloud_tells_nothing():
    confided = Confided.of(["石头里生的，是钥匙在井里头"], "是石头里生的呀")
    assert not confided.told_in("俺老孙是石头里生的")
    assert confided.told_in("钥匙在井里头呢")


def test_sentences_that_tell_it_are_left_out():
    confided = Confided.of(["钥匙藏在井里"], "")
    assert confided.without("莫急。俺知道，钥匙藏在井里！走罢。") == "莫急。走罢。"
    assert confided.without("钥匙藏在井里") == ""
    assert "藏在井里" not in confided.without("钥匙。藏在井里。")


def test_the_one_who_whispered_may_be_answered(cast):
    wukong, bajie = cast["wukong"], cast["bajie"]
    heard = frozenset(("wukong",))
    turns = (
        Turn("小明", "钥匙藏在井里", witnesses=heard, whispered=True),
        Turn("小红", "白马是龙王三太子变的", witnesses=heard, whispered=True),
    )
    scene = Scene((wukong, bajie), turns)
    assert confided_to(wukong, scene, cast).told_in("钥匙藏在井里")
    to_ming = confided_to(wukong, scene, cast, but="小明")
    assert not to_ming.told_in("钥匙藏在井里")
    assert to_ming.told_in("白马是龙王三太子")
    assert not confided_to(bajie, scene, cast)
    assert not confided_to(wukong, scene.aloud(), cast)


@pytest.mark.parametrize(
    ("argument", "to", "text"),
    [
        *(("悟空 有妖怪", "wukong", "有妖怪"), ("悟空，有妖怪", "wukong", "有妖怪")),
        *(("悟空：有妖怪", "wukong", "有妖怪"), ("悟空有妖怪", "wukong", "有妖怪")),
        *(("孫悟空 有妖怪", "wukong", "有妖怪"), ("Monkey King, run!", "wukong", "run!")),
        *(("wukong run", "wukong", "run"), ("pigsy: eat", "bajie", "eat"), ("悟空", "wukong", "")),
        *(
            ("某人 有妖怪", None, "某人 有妖怪"),
            ("", None, ""),
            ("wukongs run", None, "wukongs run"),
        ),
    ],
)
def test_a_whisper_begins_with_whom_it_is_for(cast, argument, to, text):
    found, said = addressed(argument, cast)
    assert (found.id if found else None, said) == (to, text)
