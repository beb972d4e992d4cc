"""A whisper is heard by one character, answered to one person, and known nowhere else.

Over the whole kind: every place that shows, sums up, learns, searches or keeps what was said.
"""

import json
from dataclasses import replace

import pytest

from bot.commands import COMMANDS
from bot.memory import Request, new_id
from bot.people import People
from bot.portable import process_id
from bot.room import Room
from bot.stage import Message

WUKONG, BAJIE = "孙悟空", "猪八戒"
SECRET = "钥匙藏在枯井里"


class Seen:
    """Notices with whom they are for."""

    def __init__(self, stage):
        self.to = []
        stage.notice = self.notice
        self.notices = stage.notices

    async def notice(self, text, *, to="", secret=False):
        self.notices.append(text)
        self.to.append((to if secret else "", text))

    def public(self):
        return "\n".join(text for to, text in self.to if not to)

    def for_(self, person):
        return "\n".join(text for to, text in self.to if to == person)


async def scene(play, script=None, **more):
    p = play(script, **more)
    seen = Seen(p.stage)
    await p.say("/summon 悟空 八戒")
    p.prompts.clear()
    return p, seen


def public_lines(p):
    return "\n".join([text for _, text in p.lines] + p.stage.snapshots)


async def test_only_the_one_hears_it_and_only_the_whisperer_reads_the_answer(play):
    p, seen = await scene(play, lambda prompt: "晓得了，井边见。" if SECRET in prompt else "哪里？")
    await p.say(f"/悄悄话 悟空 {SECRET}")
    assert seen.for_("test:小明") == "（悄悄话）孙悟空：晓得了，井边见。"
    assert seen.public() == ""
    assert "井边见" not in public_lines(p)
    assert f"小明：（悄悄对你说，别人都听不见）{SECRET}" in p.prompts[-1]
    p.prompts.clear()
    await p.say("八戒，钥匙呢？", by="小红")
    assert SECRET not in p.prompts[-1]
    assert "井边见" not in p.prompts[-1]
    await p.say("悟空，钥匙呢？", by="小红")
    assert SECRET in p.prompts[-1]  # it knows, and may act on it


@pytest.mark.parametrize("reply", [f"俺知道，{SECRET}！", "莫急。钥匙藏在枯井里头呢。走罢。"])
async def test_a_public_line_does_not_tell_it(play, reply):
    p, seen = await scene(play, lambda prompt: reply if SECRET in prompt else "不知道。")
    await p.say(f"/whisper wukong {SECRET}", "悟空，钥匙在哪儿？", "/retry", "/next 悟空")
    assert len(p.lines) >= 3
    assert SECRET not in public_lines(p)
    assert "枯井" not in public_lines(p)
    assert p.room.stats["tells"] >= 2
    assert SECRET in seen.for_("test:小明")  # its own answer may
    turns = [k.turn for k in p.room.memory.turns if not k.turn.whispered]
    assert all(SECRET not in turn.text for turn in turns)


async def test_an_answer_whispered_to_another_does_not_tell_it(play):
    p, seen = await scene(play, lambda prompt: f"{SECRET}。" if SECRET in prompt else "不知道。")
    await p.say(f"/whisper wukong {SECRET}")
    await p.say("/whisper wukong 小明说了甚么？", by="小红")
    assert SECRET in seen.for_("test:小明")
    assert seen.for_("test:小红")
    assert SECRET not in seen.for_("test:小红")


async def test_no_order_of_anybody_shows_it(play):
    p, seen = await scene(play, lambda prompt: "晓得了。")
    await p.say("八戒，你好", f"/whisper wukong {SECRET}")
    arguments = {
        "summon": "沙僧", "dismiss": "沙僧", "scene": "枯庙", "note": "短些", "narrate": "天黑了",
        "next": "悟空", "edit": "俺不说", "persona": "书生", "remember": "我会游泳",
        "correct": "1 没有", "forget": "1", "language": "zh", "auto": "1",
    }  # fmt: skip
    skipped = {"undo", "pause", "quit", "whisper"}
    for command in COMMANDS:
        if command.id not in skipped:
            argument = arguments.get(command.id, "")
            await p.say(f"/{command.names[0]} {argument}".strip(), by="小红")
            assert SECRET not in "\n".join(t for to, t in seen.to if to != "test:小明"), command.id
            assert SECRET not in public_lines(p), command.id
    scene_, _ = await p.room.enter()
    assert all(SECRET not in turn.text for turn in scene_.turns)


async def test_others_prompts_opinions_and_searches_are_without_it(play, monkeypatch):
    queries = []

    def found(book, scene, speaker, **how):
        queries.extend(turn.text for turn in scene.turns)
        return ()

    asked = []
    p, _ = await scene(play, ["一声不响。", "再说一遍。", "也罢也罢。", "走了走了。"])
    monkeypatch.setattr("bot.room.tail.passages", found)
    opinions = p.room.shared.voice.opinions

    async def heard(scene_, among, **how):
        asked.extend(turn.text for turn in scene_.turns)
        return await opinions(scene_, among, **how)

    monkeypatch.setattr(p.room.shared.voice, "opinions", heard)
    await p.say(f"/whisper wukong {SECRET}")
    assert SECRET in queries
    queries.clear()
    await p.say("今晚吃甚么？", "/next", "/auto 2", by="小红")
    assert queries
    assert asked
    assert SECRET not in "".join(queries + asked)


async def test_it_draws_nobody_in(play):
    p, seen = await scene(play, lambda prompt: "八戒，你说呢？")
    lines = len(p.lines)
    await p.say(f"/whisper wukong {SECRET}")
    assert len(p.lines) == lines
    assert len(seen.to) == 1


async def test_summaries_and_recaps_are_without_it(play):
    p, seen = await scene(play, lambda prompt: "晓得了。")
    await p.say(f"/whisper wukong {SECRET}", "悟空，走罢")
    await p.room.memory.write(mark=p.room.memory.turns[-1].id)
    await p.say("悟空，到了么？")
    await p.room.settle()
    assert p.room.memory.state.summaries
    assert all(SECRET not in s.text for s in p.room.memory.state.summaries)
    await p.say("/recap", by="小红")
    assert SECRET not in seen.public()


@pytest.mark.parametrize("private", [False, True])
async def test_in_a_group_nothing_is_learned_of_it(play, memory, cast, private):
    p, _ = await scene(play, lambda prompt: "晓得了。", private=private)
    people = People(memory, p.room.shared.voice, cast)
    p.room.shared.people = people
    await p.say("/whisper wukong 记住我怕水", by="小雨")
    await p.say("悟空，记住我属马", by="小雨")
    await people.settle()
    known = await memory.person("test:小雨").known()
    told = {fact.text: fact for fact in known.facts}
    assert any("属马" in text for text in told)
    water = [fact for text, fact in told.items() if "怕水" in text]
    assert [fact.heard for fact in water] == ([frozenset({"wukong"})] if private else [])
    await people.close()


async def test_prompts_that_hold_it_are_kept_for_nobody_to_judge(play, memory):
    p, _ = await scene(play, lambda prompt: "晓得了。")
    await p.say(f"/whisper wukong {SECRET}", "悟空，走罢", "八戒，走罢")
    await p.room.settle()
    place = p.stage.done[-2]
    assert place.speaker.id == "wukong"
    assert not await p.room.rate("test:小明", f"place of {place.id}", 1)  # its prompt is not kept
    assert await p.room.rate("test:小明", f"place of {p.stage.done[-1].id}", 1)


async def test_undo_takes_back_what_one_knows_of(play):
    p, _ = await scene(play, lambda prompt: "晓得了。")
    await p.say("八戒，你好", by="小红")
    await p.say(f"/whisper wukong {SECRET}")
    await p.say("/undo 2", by="小红")
    texts = [k.turn.text for k in p.room.memory.turns]
    assert SECRET in texts
    assert "八戒，你好" not in texts
    await p.say("/undo 2")
    assert SECRET not in [k.turn.text for k in p.room.memory.turns]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("/whisper", "悄悄对谁"),
        ("/whisper 悟空", "悄悄对谁"),
        (f"/whisper 无名氏 {SECRET}", "悄悄对谁"),
        (f"/whisper 沙僧 {SECRET}", "沙僧不在场"),
    ],
)
async def test_a_whisper_to_nobody_is_kept_from_all(play, text, says):
    p, seen = await scene(play)
    await p.say(text)
    assert says in seen.for_("test:小明")
    assert seen.public() == ""
    assert SECRET not in "\n".join(seen.notices)
    assert all(SECRET not in k.turn.text for k in p.room.memory.turns)


async def test_edited_and_deleted_whispers_stay_whispers(play):
    p, _ = await scene(play, lambda prompt: "晓得了。")
    by = Message("test:小明", "小明", f"/whisper wukong {SECRET}", id="9")
    await p.room.hear(by)
    await p.room.hear(replace(by, text="八戒，你好", id="10"))
    await p.room.edited("9", "/whisper wukong 钥匙在树上")
    turns = {k.turn.text: k.turn for k in p.room.memory.turns}
    assert turns["钥匙在树上"].whispered
    assert SECRET not in turns
    await p.room.edited("10", f"/whisper wukong {SECRET}")  # what was aloud is not aloud any more
    assert SECRET not in json.dumps([k.turn.text for k in p.room.memory.turns], ensure_ascii=False)
    await p.room.deleted(["9"])
    assert "钥匙在树上" not in [k.turn.text for k in p.room.memory.turns]


# -- after a crash ---------------------------------------------------------------------------------


def again(p):
    """The same room in the next process."""
    return Room("test", p.room.key.partition(":")[2], p.room.shared, p.stage)


async def left_behind(p, work):
    """What a process that ended had stored of a request."""
    ended = replace(work, owner=process_id().rpartition(":")[0] + ":gone")
    redis = p.room.shared.memory.redis
    await redis.hset(p.room.memory._keys[2], ended.id, ended.to_json())


async def test_it_is_answered_in_secret_after_a_crash(play, monkeypatch):
    p, seen = await scene(play, lambda prompt: "晓得了。")
    monkeypatch.setattr("bot.memory.workers.process_ended", lambda owner: True)
    await left_behind(
        p, Request(new_id(), person="test:小明", name="小明", text=SECRET, to="wukong")
    )
    await again(p).resume()
    assert "晓得了" in seen.for_("test:小明")
    assert seen.public() == ""


async def test_an_answer_that_was_kept_and_not_shown_is_shown_in_secret(play, monkeypatch):
    p, seen = await scene(play, lambda prompt: "晓得了。")
    monkeypatch.setattr("bot.memory.workers.process_ended", lambda owner: True)

    async def fails(*_, **how):
        raise RuntimeError("killed")

    with monkeypatch.context() as broken:
        broken.setattr("bot.room.speech.show", fails)
        with pytest.raises(RuntimeError):
            await p.say(f"/whisper wukong {SECRET}")
    assert seen.to == []
    redis = p.room.shared.memory.redis
    key = p.room.memory._keys[2]
    for line in await redis.hkeys(key):
        await redis.hset(key, line, "another:process")
    await again(p).resume()
    assert seen.for_("test:小明") == "（悄悄话）孙悟空：晓得了。"
    assert seen.public() == ""


@pytest.mark.parametrize(
    "order", [f"/whisper wukong {SECRET}", "/link ABCD1234", "/remember 我怕水"]
)
async def test_what_a_broken_off_order_says_is_for_whoever_gave_it(play, monkeypatch, order):
    p, seen = await scene(play)
    monkeypatch.setattr("bot.memory.workers.process_ended", lambda owner: True)
    await left_behind(p, Request(new_id(), person="test:小明", name="小明", text=order, order=True))
    await again(p).resume()
    assert order in seen.for_("test:小明")
    assert seen.public() == ""
