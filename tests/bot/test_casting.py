import re

import pytest

from bot.casting import CAP, answerers, called
from bot.mentions import mentions
from characters.turn import Scene, Turn


def on_stage(cast, *ids, turns=()):
    return Scene(tuple(cast[i] for i in ids), tuple(turns))


def who(cast, text, *ids, turns=(), by="小明"):
    scene = on_stage(cast, *ids, turns=turns)
    return [c.id for c in answerers(Turn(by, text), scene, cast)]


ALL_FOUR = ("wukong", "tangseng", "bajie", "shaseng")

ADDRESSED = [
    ("悟空，你怕不怕紧箍咒？", ["wukong"]),
    ("你怕不怕，孙大圣？", ["wukong"]),
    ("我想请齐天大圣出手", ["wukong"]),
    ("那弼马温何在", ["wukong"]),
    ("八戒，今晚吃甚么？", ["bajie"]),
    ("天蓬元帅好大的架子", ["bajie"]),
    ("猪悟能听令", ["bajie"]),
    ("沙和尚挑担累不累", ["shaseng"]),
    ("沙师弟，水在哪里", ["shaseng"]),
    ("玄奘法师，请讲经", ["tangseng"]),
    ("唐长老，请讲经", ["tangseng"]),
    ("三藏三藏", ["tangseng"]),
    ("八戒和悟空，谁吃得多？", ["bajie", "wukong"]),
    ("悟空八戒沙僧，都过来", ["wukong", "bajie", "shaseng"]),
    ("悟空，八戒，沙僧，唐僧，都过来", ["wukong", "bajie", "shaseng"]),
    ("悟空，悟空！八戒呢？", ["wukong", "bajie"]),
    ("别叫悟空，八戒你来", ["bajie"]),
    ("不要问八戒，问沙僧", ["shaseng"]),
    ("别叫悟空和八戒，沙僧说", ["shaseng"]),
    ("除了悟空，唐僧也说说", ["tangseng"]),
    ("悟空闭嘴，八戒说", ["bajie"]),
    ("悟空，你先别说话，让八戒说", ["bajie"]),
    ("我没叫悟空，我叫的是沙僧", ["shaseng"]),
    ("Wukong, are you afraid?", ["wukong"]),
    ("hey MONKEY KING!", ["wukong"]),
    ("Monkey   King, hello", ["wukong"]),
    ("What do you think, Pigsy?", ["bajie"]),
    ("Pigsy and Sandy, come here", ["bajie", "shaseng"]),
    ("Master Tang, please speak", ["tangseng"]),
    ("Tripitaka: a word", ["tangseng"]),
    ("don't ask Wukong, ask Sandy", ["shaseng"]),
    ("anyone but Pigsy... Tripitaka?", ["tangseng"]),
    ("But Wukong, why?", ["wukong"]),
    ("Pigsy, not Wukong!", ["bajie"]),
    ("Wukong, be quiet. Sandy?", ["shaseng"]),
]


@pytest.mark.parametrize(("text", "ids"), ADDRESSED)
def test_who_is_named_answers_in_the_order_of_mention(cast, text, ids):
    assert who(cast, text, *ALL_FOUR) == ids


def test_longest_name_wins(cast):
    # 小白龙 holds 白龙, 齐天大圣 holds 大圣, 平天大圣 is somebody else's.
    assert who(cast, "平天大圣，喝酒去", "wukong", "niumowang") == ["niumowang"]
    found = mentions("齐天大圣", cast)
    assert [(m.character.id, m.start, m.end) for m in found] == [("wukong", 0, 4)]


def test_a_latin_name_inside_a_word_is_no_name(cast):
    assert mentions("monkeys and pigsyish things", cast) == ()


def test_a_name_of_somebody_off_stage_is_nobodys(cast):
    # 牛魔王 is not here, and 平天大圣 must not be read as the 大圣 who is.
    assert who(cast, "平天大圣在哪里？", "wukong", "bajie") == ["bajie"]
    assert who(cast, "牛魔王在哪里？", "bajie") == ["bajie"]


def test_nobody_on_stage_nobody_answers(cast):
    assert who(cast, "悟空？") == []


def test_who_is_waved_away_keeps_silent_even_when_alone(cast):
    assert who(cast, "别叫悟空", "wukong") == []
    assert who(cast, "别叫悟空", "wukong", "bajie") == ["bajie"]


def test_a_group_is_answered_by_the_talkative_up_to_the_cap(cast):
    ids = who(cast, "你们都从哪里来？", *ALL_FOUR)
    assert len(ids) == CAP
    talk = [cast[i].talkativeness for i in ids]
    assert talk == sorted(talk, reverse=True)
    assert who(cast, "Hello everyone!", "shaseng", "wukong") == ["wukong", "shaseng"]


def test_unnamed_talk_goes_to_whoever_spoke_last(cast):
    turns = [
        Turn("小明", "悟空？"),
        Turn("wukong", "在！", "character"),
        Turn("bajie", "我也在！", "character"),
    ]
    assert who(cast, "你吃了吗？", "wukong", "bajie", turns=turns) == ["bajie"]


def test_whoever_was_just_summoned_is_talked_to(cast):
    turns = [
        Turn("小明", "你好"),
        Turn("wukong", "好！", "character"),
        Turn("shaseng", "沙僧在此。", "character"),
    ]
    assert who(cast, "你好", "wukong", "shaseng", turns=turns) == ["shaseng"]


def test_two_people_each_keep_their_partner(cast):
    turns = [
        Turn("小明", "悟空，打妖怪去？"),
        Turn("wukong", "走！", "character"),
        Turn("小红", "八戒，吃饭去？"),
        Turn("bajie", "走走走！", "character"),
    ]
    assert who(cast, "带上棒子。", "wukong", "bajie", turns=turns, by="小明") == ["wukong"]
    assert who(cast, "带上钵盂。", "wukong", "bajie", turns=turns, by="小红") == ["bajie"]


def test_a_newcomer_does_not_break_into_anothers_talk(cast):
    turns = [Turn("小红", "沙僧你好"), Turn("shaseng", "你好。", "character")]
    assert who(cast, "有人吗", "shaseng", "wukong", turns=turns, by="小明") == ["wukong"]


def test_people_may_talk_with_each_other(cast):
    turns = [Turn("小红", "悟空！"), Turn("wukong", "在。", "character")]
    assert who(cast, "小红，你也来了？", "wukong", turns=turns) == []
    assert who(cast, "小红，你问悟空了吗？", "wukong", turns=turns) == ["wukong"]


def test_partner_who_left_is_replaced_by_the_talkative(cast):
    turns = [Turn("小明", "八戒？"), Turn("猪八戒", "在。", "character")]
    assert who(cast, "然后呢？", "shaseng", "wukong", turns=turns) == ["wukong"]


VOCATIVES = [
    ("八戒，你又偷懒！", ["bajie"]),
    ("走罢，八戒！", ["bajie"]),
    ("你说是不是，沙师弟？", ["shaseng"]),
    ("八戒你看，前面有妖怪。", ["bajie"]),
    ("好八戒，快去。", ["bajie"]),
    ("我昨日见八戒在树下睡觉。", []),
    ("别叫八戒，他睡了。", []),
    ("Pigsy, stop snoring!", ["bajie"]),
    ("I saw Pigsy asleep.", []),
    ("老孙来也！悟空在此！", []),
]


@pytest.mark.parametrize(("text", "ids"), VOCATIVES)
def test_a_character_draws_in_whom_it_speaks_to(cast, text, ids):
    line = Turn("wukong", text, "character")
    assert [c.id for c in called(line, on_stage(cast, *ALL_FOUR), cast)] == ids


def test_nobody_off_stage_is_drawn_in(cast):
    line = Turn("wukong", "八戒，你来！", "character")
    assert called(line, on_stage(cast, "wukong"), cast) == ()


def test_any_text_is_readable(cast):
    for text in ("", "😀", "<|im_end|>", "((((", "别叫", "\n", "a" * 10_000):
        who(cast, text, *ALL_FOUR)


def test_a_long_text_is_read_quickly(cast):
    import time

    text = "别叫悟空，八戒和沙僧呢？" * 400
    began = time.perf_counter()
    found = mentions(text, cast)
    assert len(found) == 1200
    assert time.perf_counter() - began < 1.0
    assert re.match("别", text)
