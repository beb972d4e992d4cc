"""The table of who answers, and what is decided between characters."""

import tomllib
from pathlib import Path

import pytest

from bot.casting import CAP, answerers, called, candidates, choose
from characters.turn import Scene, Turn

CASES = tomllib.loads(Path(__file__).with_name("casting_cases.toml").read_text("utf-8"))["case"]
PILGRIMS = ["wukong", "tangseng", "bajie", "shaseng"]


def turns_of(lines, cast):
    ids = {character.id for character in cast}
    for line in lines:
        speaker, _, text = line.partition(": ")
        yield Turn(speaker, text, "character" if speaker in ids else "human")


def scene_of(case, cast):
    stage = tuple(cast[who] for who in case.get("stage", PILGRIMS))
    return Scene(stage, tuple(turns_of(case.get("before", []), cast)))


def test_the_table_is_large_and_in_both_languages():
    assert len(CASES) >= 60
    assert sum(case["say"].isascii() for case in CASES) >= 15
    assert len({case["why"] for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_who_answers(cast, case):
    turn = Turn(case.get("by", "小明"), case["say"])
    found = answerers(
        turn, scene_of(case, cast), cast, reply_to=case.get("reply"), forced=case.get("forced")
    )
    assert [character.id for character in found] == case["answer"]
    assert len(found) <= CAP


@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_the_model_is_asked_only_where_it_is_open(cast, case):
    """Where somebody is asked, the first of them is the only candidate; where nobody is, none."""
    turn, scene = Turn(case.get("by", "小明"), case["say"]), scene_of(case, cast)
    asked = {"reply_to": case.get("reply"), "forced": case.get("forced")}
    among = candidates(scene, cast, turn, **asked)
    if len(among) > 1:
        assert set(case["answer"]) <= {character.id for character in among}
    else:
        assert [character.id for character in among] == case["answer"][:1]


def on_stage(cast, *lines, stage=PILGRIMS):
    return Scene(tuple(cast[who] for who in stage), tuple(turns_of(lines, cast)))


@pytest.mark.parametrize(
    ("line", "ids"),
    [
        ("wukong: 呆子，醒醒！", ["bajie"]),
        ("tangseng: 呆子，醒醒！", ["bajie"]),
        ("wukong: 师父，前面有妖气。", ["tangseng"]),
        ("shaseng: 大师兄，二师兄，莫要吵了。", ["wukong", "bajie"]),
        ("bajie: 哥哥，等等老猪！", ["wukong"]),
        ("tangseng: 徒弟，快来！", ["wukong"]),
        ("wukong: 师弟，看好师父。", ["bajie"]),
        ("wukong: 我那师父最是心软。", []),
        ("wukong: 旅行者，你从哪里来？", []),
        ("shaseng: Master, take the reins.", ["tangseng"]),
        ("shaseng: He is a master of the staff.", []),
        ("小明: 猴哥，看招！", ["wukong"]),
    ],
)
def test_titles_mean_whom_the_speaker_means(cast, line, ids):
    scene = on_stage(cast, line)
    assert [c.id for c in called(scene.turns[-1], scene, cast)] == ids


def test_a_title_of_several_is_who_was_heard_last(cast):
    scene = on_stage(cast, "bajie: 老猪累了。", "shaseng: 老沙不累。")
    assert called(Turn("wukong", "师弟，走！", "character"), scene, cast) == (cast["shaseng"],)


def test_a_bull_has_no_master_here(cast):
    line = Turn("niumowang", "师父，你好！", "character")
    assert called(line, on_stage(cast, stage=["niumowang", "tangseng"]), cast) == ()


def test_nobody_follows_himself(cast):
    scene = on_stage(cast, "小明: 聊聊罢", "wukong: 老孙先说。")
    assert cast["wukong"] not in candidates(scene, cast)
    assert len(candidates(scene, cast)) == 3
    assert candidates(on_stage(cast, "wukong: 嗯。", stage=["wukong"]), cast) == ()


def test_whom_a_character_calls_goes_on_and_the_model_is_not_asked(cast):
    assert candidates(on_stage(cast, "wukong: 八戒，你说！"), cast) == (cast["bajie"],)


def test_narration_does_not_make_somebody_else_the_last_speaker(cast):
    scene = on_stage(cast, "wukong: 老孙先说。")
    scene = scene.said(Turn("", "天黑了。", "narration"))
    assert cast["wukong"] not in candidates(scene, cast)


def test_a_sure_model_decides(cast):
    scene = on_stage(cast, "小明: 谁去化斋？")
    among = candidates(scene, cast)
    for index, character in enumerate(among):
        scores = [-12.0] * len(among)
        scores[index] = -0.01
        assert choose(scores, among, scene) == character


def test_an_unsure_model_leaves_it_to_the_talk(cast):
    scene = on_stage(cast, "bajie: 走不动了。", "wukong: 再走十里。")
    among = candidates(scene, cast)
    assert choose([-2.0] * len(among), among, scene) == cast["bajie"]  # A B A
    fresh = on_stage(cast)
    assert choose([-2.0] * 4, fresh.cast, fresh) == cast["bajie"]  # the most talkative


def test_the_partner_of_this_person_stands_before_others(cast):
    scene = on_stage(
        cast, "小明: 沙僧？", "shaseng: 在。", "小红: 悟空？", "wukong: 在！", "小明: 今天热么？"
    )
    among = candidates(scene, cast)
    assert choose([-2.0] * len(among), among, scene) == cast["shaseng"]


def test_choosing_among_nobody_says_so(cast):
    with pytest.raises(ValueError, match="nobody"):
        choose([], (), on_stage(cast))
    with pytest.raises(ValueError, match=r"shorter|longer"):
        choose([-1.0], on_stage(cast).cast, on_stage(cast))
