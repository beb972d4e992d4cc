"""Staying in character in a room: a bad reply is asked for once more, then cut, and counted."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.casts import Casts
from bot.filters import Filter, Rule
from bot.grounding import leaning, passages
from bot.limits import Limits, Rate
from bot.voice import Voice
from characters.card import Cast, Lines, Words
from characters.prompt import Style
from characters.style import Serving
from engine.sequence import EngineError

WUKONG = "孙悟空"


async def test_an_assistant_is_asked_once_more(play):
    p = play(["作为一个人工智能，我不能打妖怪。", "吃老孙一棒！"])
    await p.say("/summon 悟空", "悟空，打！")
    assert p.lines[-1] == (WUKONG, "吃老孙一棒！")
    assert len(p.prompts) == 2
    assert p.room.stats["assistant"] == 1
    assert p.room.stats["retried"] == 1


async def test_an_assistant_that_insists_is_cut_or_covered_by_the_card(play, cast):
    p = play(["老孙在此！作为一个人工智能，我不能打妖怪。"])
    await p.say("/summon 悟空", "悟空，打！")
    assert p.lines[-1] == (WUKONG, "老孙在此！")
    q = play(["作为一个人工智能，我不能打妖怪。"])
    await q.say("/summon 悟空", "悟空，打！")
    assert q.lines[-1][1] in cast["wukong"].lines.zh
    assert q.room.stats["card lines"] == 1


CUED = Serving(style=Style(cue=True))
RECITED = {
    # As real models were read to say them, 0.5B and 1.5B: whole, begun, with another pronoun.
    "你是孙悟空，正对小明说话；照着刚说的那句回答，一两句。": "悟空，你怕吗？",
    "我是孙悟空，正对小明说话。小明刚说：“悟空，你怕吗？”": "悟空，你怕吗？",
    "在场的每个角色只说自己的话，不替别人说话。": "悟空，你怕吗？",
    "上面有和这句有关的，就照它回答；只说一两句。": "悟空，你怕吗？",
    "You are Sun Wukong, speaking to 小明; answer what was just said.": "Wukong, are you afraid?",
    "Each character on stage speaks only for themselves, friend.": "Wukong, are you afraid?",
}


@pytest.mark.parametrize("recital", RECITED)
@pytest.mark.parametrize("before", ["", "老孙晓得！", "Ha! "])
async def test_what_the_model_was_told_to_do_never_reaches_the_room(play, recital, before):
    asked, orders = RECITED[recital], _bare(recital)
    p = play([before + recital, "怕？ Old Sun fears nobody!"], served=CUED, delay=0.0001)
    await p.say("/summon 悟空", asked)
    assert p.lines[-1] == (p.lines[-1][0], "怕？ Old Sun fears nobody!")
    assert p.room.stats["recites"] == 1
    for shown in p.stage.snapshots:
        assert not any(orders[at : at + 6] in _bare(shown) for at in range(len(orders) - 5)), shown
    told, again = p.prompts
    cue = "正对小明说话" if "悟空，" in asked else "speaking to 小明"
    assert cue in told
    assert cue not in again, "it is asked once more without the line that it went on with"


async def test_of_a_recital_that_comes_again_what_was_said_before_it_is_kept(play, cast):
    recital = "你是孙悟空，正对小明说话；照着刚说的那句回答，一两句。"
    p = play([f"老孙晓得！只是{recital}"], served=CUED)
    await p.say("/summon 悟空", "悟空，你怕吗？")
    assert p.lines[-1] == (WUKONG, "老孙晓得！")
    q = play([recital], served=CUED)
    await q.say("/summon 悟空", "悟空，你怕吗？")
    assert q.lines[-1][1] in cast["wukong"].lines.zh


async def test_an_echo_is_asked_for_once_more_and_kept_from_the_words(play, monkeypatch):
    tried, begin = [], Voice.begin

    def noted(self, read, sampling, **more):
        tried.append((sampling.dry, sampling.dry_length))
        return begin(self, read, sampling, **more)

    monkeypatch.setattr(Voice, "begin", noted)
    served = Serving(style=Style(cue=True), dry=0.8, dry_length=3)
    p = play(["你怕不怕那个紧箍咒？", "怕他作甚！"], served=served)
    await p.say("/summon 悟空", "悟空，你怕不怕那个紧箍咒？")
    assert p.lines[-1] == (WUKONG, "怕他作甚！")
    assert p.room.stats["echoes"] == 1
    (mild, length), (strict, shorter) = tried
    assert strict > mild
    assert shorter < length
    q = play(["你怕不怕那个紧箍咒？"])  # taught here, or the fake
    await q.say("/summon 悟空", "悟空，你怕不怕那个紧箍咒？")
    assert len(q.prompts) == 1


async def test_who_says_a_few_of_those_words_is_not_cut(play):
    said = "你是孙悟空，老孙也是孙悟空？不知道就说不知道，只说一两句。"
    p = play([said], served=CUED)
    await p.say("/summon 悟空", "悟空，你怕吗？")
    assert p.lines[-1] == (WUKONG, said)
    assert len(p.prompts) == 1


def _bare(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


async def test_a_reply_that_repeats_the_last_one_is_asked_once_more(play):
    said = "老孙一个筋斗十万八千里，怕甚么妖怪！"
    p = play([said, said, "老孙这就去打探打探。"])
    await p.say("/summon 悟空", "悟空，去", "悟空，再去")
    assert [text for _, text in p.lines[1:]] == [said, "老孙这就去打探打探。"]
    assert p.room.stats["repeats"] == 1


async def test_another_version_that_says_the_same_is_told_and_tried_in_another_way(
    play, monkeypatch
):
    said = "老孙一个筋斗十万八千里，怕甚么妖怪！"
    tried, sampling = [], Voice.sampling

    def noted(self, scene, speaker, turn, warmth=1.0):
        tried.append((turn, warmth))
        return sampling(self, scene, speaker, turn, warmth)

    monkeypatch.setattr(Voice, "sampling", noted)
    p = play([said] * 9 + ["老孙这就去打探打探。", said])
    await p.say("/summon 悟空", "悟空，去")
    before = len(tried)
    for _ in range(3):
        notices = len(p.stage.notices)
        await p.say("/retry")
        assert "还是这一句" in p.stage.notices[-1]
        assert len(p.stage.notices) == notices + 1
    turns = [turn for turn, _ in tried[before:]]
    assert len(set(turns)) == len(turns) == 6  # two attempts each, no seed twice
    warmths = [warmth for _, warmth in tried[before:]]
    assert warmths[-1] > warmths[0]
    assert p.lines[-1] == (WUKONG, said)
    while p.lines[-1][1] == said:
        await p.say("/retry")
    assert p.lines[-1] == (WUKONG, "老孙这就去打探打探。")


async def test_a_thought_is_never_shown(play):
    p = play(["<think>\n他问我怕不怕，我该说不怕。\n</think>\n\n怕？老孙不怕！"])
    await p.say("/summon 悟空", "悟空，怕吗？")
    assert p.lines[-1] == (WUKONG, "怕？老孙不怕！")
    assert not any("think" in text or "该说" in text for text in p.stage.snapshots)


async def test_a_thought_that_only_ends_is_taken_back_and_the_next_one_is_never_shown(play):
    p = play(["他问我怕不怕。\n</think>\n\n怕？老孙不怕！", "该说不怕。</think>俺不怕！"])
    await p.say("/summon 悟空", "悟空，怕吗？")
    assert p.lines[-1] == (WUKONG, "怕？老孙不怕！")
    assert len(p.stage.withdrawn) == 1
    p.stage.snapshots.clear()
    await p.say("悟空，真的？")
    assert p.lines[-1] == (WUKONG, "俺不怕！")
    assert not any("该说" in text for text in p.stage.snapshots)


async def test_a_member_with_a_short_name_does_not_cut_what_is_said(play):
    p = play(["那老者说道：去罢。他又说：不去！"])
    await p.say("/summon 悟空")
    await p.say("悟空，你好", by="道")
    await p.say("悟空，讲来", by="说")
    assert p.lines[-1] == (WUKONG, "那老者说道：去罢。他又说：不去！")


async def test_what_was_shown_of_a_bad_reply_is_taken_back(play):
    p = play(["老孙，作为一个人工智能，不能打妖怪。", "吃老孙一棒！"], delay=0.0001)
    await p.say("/summon 悟空", "悟空，打！")
    assert len(p.stage.withdrawn) == 1
    assert p.stage.done[-1].text == "吃老孙一棒！"


async def test_an_engine_that_cannot_even_read_is_one_notice(play):
    p = play()
    await p.say("/summon 悟空 八戒")
    encode = p.engine.encode

    def broken(text, control=False):
        raise EngineError("the engine is gone")

    p.engine.encode = broken
    p.room.shared.voice._encode.cache_clear()
    p.room.shared.voice._measure.cache_clear()
    await p.say("悟空、八戒，你们好", "今晚吃甚么？", "/retry", "/next", "/continue")
    assert len({text for _, text in p.lines}) == 2  # their greetings
    assert len([n for n in p.stage.notices if "the engine is gone" in n]) >= 4
    p.engine.encode = encode
    await p.say("悟空？")
    assert p.lines[-1] == (WUKONG, "知道了。")
    assert await p.room.memory.open() == ([], {})


async def test_who_waits_long_is_told_the_place_in_the_queue(play, monkeypatch):
    monkeypatch.setattr("bot.room.speech.QUEUED", 0.05)
    p = play(delay=0.2)
    stream = p.engine.stream

    def queued(*args, **how):
        reply = stream(*args, **how)
        reply.position = 3
        return reply

    p.engine.stream = queued
    await p.say("/summon 悟空")
    hearing = asyncio.create_task(p.say("悟空，你好"))
    while not p.stage.notices:
        await asyncio.sleep(0.01)
    p.room.stop()
    await hearing
    assert "3 位" in p.notice


async def test_example_lines_are_read_while_there_is_room(play, cast):
    full = Serving(style=Style(cards="full"))
    p = play(served=full, context=5000)
    await p.say("/summon 悟空", "悟空，一")
    example = cast["wukong"].lines.zh[0]
    assert example in p.prompts[0]
    await p.say(*("悟空，" + "话" * 100 for _ in range(16)))
    assert example not in p.prompts[-1]
    assert cast["wukong"].persona.zh in p.prompts[-1]


# -- what is not talked about ----------------------------------------------------------------------


@pytest.fixture
def no_casino():
    return Filter((Rule("money", words=("赌博",), say=Lines(zh=("莫谈钱财。",))),))


async def test_what_is_not_talked_about_is_declined_in_character_and_not_kept(play, no_casino):
    p = play(filter=no_casino)
    await p.say("/summon 悟空 八戒", "八戒，去赌 博吗")
    assert p.lines[-1] == ("猪八戒", "莫谈钱财。")
    assert p.prompts == []
    scene, _ = await p.room.enter()
    assert not any("赌" in t.text for t in scene.turns)
    await p.say("/note 赌博")
    assert p.notice == "莫谈钱财。"
    assert p.room.memory.state.note == ""


async def test_what_the_model_should_not_say_is_not_shown(play, no_casino):
    p = play(["走，我们去赌博，赌他个三天三夜。"], filter=no_casino)
    await p.say("/summon 八戒", "八戒，今天做什么？")
    assert p.lines[-1] == ("猪八戒", "莫谈钱财。")
    assert not any("赌博" in text for text in p.stage.snapshots)


async def test_who_asks_too_much_is_told_once(play):
    limits = Limits(person=Rate(2, 1), room=Rate(10, 10), blocked=frozenset({"test:妖怪"}))
    p = play(limits=limits)
    await p.say("/summon 悟空", "悟空，一", "悟空，二", "悟空，三")
    assert len(p.lines) == 2
    assert len([n for n in p.stage.notices if "太快" in n]) == 1
    await p.say("悟空，四", by="小红")
    await p.say("悟空，五", by="妖怪")
    assert len(p.lines) == 3


# -- the book --------------------------------------------------------------------------------------


async def test_a_reply_leans_on_the_book_and_says_where(play, book):
    p = play(["芭蕉扇在翠云山芭蕉洞。"], book=book)
    await p.say("/summon 悟空", "悟空，芭蕉扇藏在哪里？")
    assert "翠云山芭蕉洞" in p.prompts[-1]
    await p.say("/why")
    assert "第 3 回" in p.notice
    assert "芭蕉扇" in p.notice


async def test_what_happens_later_does_not_exist(play, book):
    p = play(["不晓得。"], book=book)
    await p.say("/summon 悟空", "/scene 第2回", "悟空，芭蕉扇藏在哪里？")
    assert "翠云山" not in p.prompts[-1]
    await p.say("/出处")
    assert "没有依据" in p.notice
    await p.say("/scene 第9回")
    assert "只有 3 回" in p.notice


async def test_without_a_book_nothing_is_leaned_on(play):
    p = play()
    await p.say("/summon 悟空", "悟空，绿豆糕藏在哪里？", "/why")
    assert "没有书" in p.notice


async def test_what_the_books_world_does_not_have_is_told(play, book):
    p = play(["甚么机？"], book=book)
    await p.say("/summon 悟空", "悟空，你有手机么？", by="小明")
    assert "提示：没听过“手机”\n接下来：孙悟空" in p.prompts[-1]
    # It has been said now; and who tells of a day asks nothing.
    await p.say("悟空，真没有手机？", by="小明")
    assert "没听过" not in p.prompts[-1].rpartition("小明")[2]
    await p.say("悟空，我今天喝了奶茶。", by="小红")
    assert "没听过" not in p.prompts[-1]


async def test_what_comes_later_in_the_book_is_not_heard_of_yet(play, book):
    p = play(["谁？"], book=book)
    await p.say("/summon 悟空", "/scene 第1回")
    world = p.room.view.shared.world
    assert [world(at)("猪八戒是谁？", ("孙悟空",)) for at in (0, 1, 2, 99)] == [
        (),
        ("猪八戒",),
        (),
        (),
    ]
    await p.say("悟空，翠云山在哪里？猪八戒呢？")
    assert "没听过“猪八戒”" in p.prompts[-1]
    await p.say("/scene 第2回", "悟空，猪八戒呢？")
    assert "没听过" not in p.prompts[-1]


async def test_somebody_of_another_world_knows_its_things(play, book, cast):
    tony = replace(cast["wukong"], id="tony", name=Words("托尼", "Tony"), aliases=Lines())
    p = play(["有。"], book=book)
    p.room.shared.cast = Cast((*cast, tony))
    p.room.shared.casts = Casts(p.room.shared.memory, p.room.shared.cast)
    await p.say("/summon tony", "托尼，你有手机么？")
    assert "没听过" not in p.prompts[-1]
    # What 西游记 has comes along with its table of names.
    alone = play(["有。"])
    await alone.say("/summon 悟空", "悟空，你有手机么？")
    assert "提示：没听过“手机”" in alone.prompts[-1]


async def test_passages_keep_to_their_budget(book, cast, play):
    p = play(book=book)
    await p.say("/summon 悟空", "悟空，芭蕉扇藏在哪里？")
    how: dict[str, Any] = {"chapter": 0, "length": len}
    scene = p.room.scene()
    assert passages(book, scene, cast["wukong"], context=4096, **how)
    small = passages(book, scene, cast["wukong"], context=600, **how)
    assert sum(len(each.text) for each in small) <= 600 // 8
    assert passages(book, scene, cast["wukong"], context=200, **how) == ()
    assert leaning("", ()) == []


async def test_who_takes_itself_for_another_is_asked_once_more_and_then_left_to_speak(play):
    p = play(["不错，我就是猪八戒。", "老孙便是老孙。"])
    await p.say("/summon 悟空", "你是八戒吧？")
    assert p.lines[-1] == (WUKONG, "老孙便是老孙。")
    assert p.room.stats["mistaken"] == 1
    insists = play(["我是小明。"])
    await insists.say("/summon 悟空", "悟空，你是谁？")
    assert insists.lines[-1] == (WUKONG, "我是小明。")
    assert len(insists.prompts) == 2
    monk = play(["贫僧不怕。", "老孙不怕！"])
    await monk.say("/summon 悟空", "悟空，怕不怕？")
    assert monk.lines[-1] == (WUKONG, "老孙不怕！")
    own = play(["我是齐天大圣，八戒的师兄。"])
    await own.say("/summon 悟空", "你是谁？")
    assert len(own.prompts) == 1


async def test_an_answer_in_the_other_language_is_asked_for_once_more(play):
    p = play(["The gold箍棒 is very heavy.", "重一万三千五百斤哩！"], served=CUED)
    await p.say("/summon 悟空", "悟空，你的棒子有多重？")
    assert p.lines[-1] == (WUKONG, "重一万三千五百斤哩！")
    assert p.room.stats["strays"] == 1
    insists = play(["It is very heavy."], served=CUED)
    await insists.say("/summon 悟空", "悟空，你的棒子有多重？")
    assert insists.lines[-1] == (WUKONG, "It is very heavy.")


@pytest.mark.parametrize("asked", ["悟空，“桃子”用英文怎么说？", "悟空，翻译成 English：桃子"])
async def test_who_is_asked_for_a_language_may_speak_it(play, asked):
    p = play(["A peach, what else?"], served=CUED)
    await p.say("/summon 悟空", asked)
    assert len(p.prompts) == 1
    assert p.lines[-1] == (WUKONG, "A peach, what else?")


async def test_a_long_story_may_speak_of_others(play, cast):
    story = cast["wukong"].persona.zh + cast["wukong"].style.zh + "忽听得林中有人说：贫僧在此。"
    p = play([story], served=Serving(max_tokens=2000))
    await p.say("/summon 悟空", "悟空，讲个故事")
    assert p.lines[-1] == (WUKONG, story)
    assert len(p.prompts) == 1
