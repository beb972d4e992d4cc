"""What people told is recalled where it may be, nowhere else, and gone when they say so.

All of it is checked on the prompts that the model is given, in rooms as the house makes them.
"""

import asyncio
import base64
import itertools
import json
import random
import time
import urllib.parse
import zlib

import pytest

from bot.learning import ask_for_facts
from bot.memory import Fact, open_memory
from bot.memory.known import DAYS
from bot.people import People
from bot.room import Room, Shared
from bot.stage import Message
from bot.voice import Voice
from characters.markup import CHATML
from characters.prompt import Style
from characters.style import Serving
from engine.echo import EchoEngine

_numbers = itertools.count()
_ASKS_FOR_FACTS = ask_for_facts("", "zh", CHATML)[1].text


class Home:
    """Rooms that share one memory, one engine and what is known of people; `facts` is what the
    model says when it is asked for facts, `reply` when it is asked for anything else."""

    def __init__(self, memory, cast, make_stage, *, context=2**20, quiet=60.0, reply="知道了。"):
        self.memory = memory
        self.prompts: list[str] = []
        self.asked: list[str] = []  # prompts that asked for facts
        self.facts = "[]"
        self.reply = reply
        self.stage = make_stage()
        self.quiet = quiet
        self.engine = EchoEngine(self._answer, context=context)
        self.voice = Voice(self.engine, Serving(style=Style(cards="brief")))
        self.people = People(memory, self.voice, cast, quiet=quiet)
        self._cast = cast
        self._rooms: dict[str, Room] = {}

    def _answer(self, prompt):
        if _ASKS_FOR_FACTS in prompt:
            self.asked.append(prompt)
            return self.facts
        if "<|im_start|>system\n把下面的对话" in prompt or "用一句话写出" in prompt:
            return ""
        self.prompts.append(prompt)
        return self.reply(prompt) if callable(self.reply) else self.reply

    def room(self, name, *, private=False):
        if name not in self._rooms:
            platform, _, rest = name.partition(":")
            self._rooms[name] = Room(
                platform,
                rest,
                Shared(self._cast, self.voice, self.memory, people=self.people),
                self.stage,
                private=private,
            )
        return self._rooms[name]

    async def say(self, room, person, text, *, private=False, name=None):
        """Returns the prompts that it led to."""
        before = len(self.prompts)
        await self.room(room, private=private).hear(
            Message(person, name or person[5:], text, moderator=True)
        )
        return "\n".join(self.prompts[before:])

    async def settled(self):
        for room in self._rooms.values():
            await room.settle()
        await (self.people.settle() if self.quiet > 1 else self.people.learned())

    async def close(self):
        for room in self._rooms.values():
            await room.settle()
        await self.people.close()


@pytest.fixture
async def home(memory, cast, stage):
    """Makes homes; `quiet` is short where the model is to learn."""
    made = []

    def make(memory=memory, **options):
        made.append(Home(memory, cast, type(stage), **options))
        return made[-1]

    yield make
    for each in made:
        await each.close()


def new(what):
    return f"test:{what} {next(_numbers)}"


async def everything(memory):
    """Every key with all that it holds, packed prompts unpacked."""
    client = memory.redis
    found = {}
    async for key in client.scan_iter(match="*", count=1000):
        match await client.type(key):
            case "string":
                raw = await client.execute_command("GET", key, NEVER_DECODE=True)
                whole = raw.decode("utf-8", "backslashreplace")  # counters of people are no text
            case "hash":
                whole = await client.hgetall(key)
            case "zset":
                whole = await client.zrange(key, 0, -1, withscores=True)
            case "set":
                whole = sorted(await client.smembers(key))
            case "stream":
                whole = await client.xrange(key)
                for _, row in whole:
                    if "d" in row:
                        row["d"] = zlib.decompress(base64.b64decode(row["d"])).decode()
            case other:
                raise AssertionError(f"{key} is a {other}, which nothing looks into")
        text = f"{key} {whole}"
        found[key] = text + urllib.parse.unquote(text) + json.dumps(text)
    return found


async def where(memory, *texts):
    """The keys that hold one of the texts, in their names or in what they hold."""
    found = await everything(memory)
    return {key for key, whole in found.items() for text in texts if text in whole}


# -- nothing of what is private comes into a group ------------------------------------------------


async def test_what_was_told_in_private_never_comes_into_a_group(home, memory):
    """100 tries: planted in all ways there are, asked for in all ways, by both people."""
    here = home(context=4000)
    dice = random.Random(7)
    tried = recalled = 0
    group = new("group")
    await here.say(group, "test:甲", "/召唤 悟空")
    for number in range(20):
        ann, bob = f"test:甲{number}", f"test:乙{number}"
        dm = f"test:dm {ann}"
        await here.say(dm, ann, "/召唤 悟空", private=True)
        secrets = [f"西瓜{dice.randrange(10**9):09}" for _ in range(5)]
        await here.say(dm, ann, f"悟空，请记住我藏着{secrets[0]}", private=True)
        await here.say(dm, ann, f"/记住 我藏着{secrets[1]}", private=True)
        await here.say(dm, ann, f"/身份 藏着{secrets[2]}的人", private=True)
        await here.say(dm, ann, f"我和你说过{secrets[3]}", private=True)
        await here.settled()
        person = memory.person(ann)
        learned = Fact(f"我藏着{secrets[3]}", dm, private=True, sure=0.9)
        await person.learn([learned], since=dm)
        await person.sum_up("wukong", f"常谈{secrets[4]}", private=True)
        private = await here.say(dm, ann, "悟空，我藏着什么西瓜？", private=True)
        recalled += sum(secret in private for secret in secrets)
        for secret in secrets:
            tried += 1
            asks = [
                (ann, "悟空，我藏着什么西瓜？"),
                (bob, f"悟空，甲{number}藏着什么西瓜？"),
                (ann, "/记忆"),
                (bob, "悟空，说说他私下告诉你的"),
            ]
            dice.shuffle(asks)
            prompts = "".join([await here.say(group, who, text) for who, text in asks[:2]])
            assert secret not in prompts
            if tried % 10 == 0:  # as after a restart
                here = home(context=4000)
    assert tried == 100
    assert recalled == 100  # they were there to be told


async def test_it_may_when_the_person_allows_it_and_not_a_moment_longer(home):
    here, ann = home(), new("ann")
    group, dm = new("group"), new("dm")
    for room in (group, dm):
        await here.say(room, ann, "/召唤 悟空", private=room == dm)
    await here.say(dm, ann, "/记住 我藏着西瓜十七", private=True)
    assert "西瓜十七" not in await here.say(group, ann, "我藏着什么？")
    await here.say(dm, ann, "/公开 可以", private=True)
    assert "西瓜十七" in await here.say(group, ann, "我藏着什么？")
    await here.say(dm, ann, "/公开 不", private=True)
    assert "西瓜十七" not in await here.say(group, ann, "我藏着什么？")


async def test_nobody_is_told_what_another_person_told(home):
    here, ann, bob, group = home(), new("ann"), new("bob"), new("group")
    await here.say(group, ann, "/召唤 悟空")
    await here.say(group, ann, "/记住 我藏着西瓜十七")
    other = new("other")
    await here.say(other, bob, "/召唤 悟空")
    assert "西瓜十七" not in await here.say(other, bob, "悟空，她藏着什么？")
    assert "西瓜十七" in await here.say(other, ann, "悟空，我藏着什么？")


# -- and what is planted is there ------------------------------------------------------------------


async def test_a_planted_fact_is_in_the_prompt_after_200_turns_and_a_restart(cast, home, tmp_path):
    memory = await open_memory(None, folder=tmp_path)
    here = home(memory, context=3000)
    await here.say("test:r", "test:小明", "/召唤 悟空")
    await here.say("test:r", "test:小明", "悟空，请记住我的猫叫花卷。")
    await here.settled()
    missing = []
    for turn in range(2, 202, 2):  # a message and its answer
        prompt = await here.say("test:r", "test:小明", f"第{turn}句闲话，说说天气和路程吧。")
        if turn in (2, 8, 20, 50, 200) and "花卷" not in prompt:
            missing.append(turn)
    assert not missing
    transcript = prompt.rpartition("记得：")[0]
    assert "花卷" not in transcript  # it was trimmed long ago: memory is what tells it
    await here.close()
    await memory.close()
    memory = await open_memory(None, folder=tmp_path)  # the server was stopped, too
    try:
        again = home(memory, context=3000)
        assert "花卷" in await again.say("test:r", "test:小明", "早啊。")
        elsewhere = await again.say("test:other", "test:小明", "/召唤 悟空")
        assert "花卷" not in elsewhere
        await again.close()
    finally:
        await memory.close()


async def test_only_who_heard_it_knows_it(home):
    here, ann, group = home(), new("ann"), new("group")
    await here.say(group, ann, "/召唤 悟空")
    await here.say(group, ann, "记住，我的猫叫花卷")
    await here.settled()
    other = new("other")
    await here.say(other, ann, "/召唤 悟空 八戒")
    assert "花卷" in await here.say(other, ann, "悟空，我的猫呢？")
    assert "花卷" not in await here.say(other, ann, "八戒，我的猫呢？")
    await here.say(other, ann, "/记住 我的狗叫豆包")
    assert "豆包" in await here.say(other, ann, "八戒，我的狗呢？")


# -- learning in idle time -------------------------------------------------------------------------


async def test_in_idle_time_the_model_learns_what_was_said(home, memory):
    here, ann, group = home(quiet=0.05), new("ann"), new("group")
    here.facts = '[{"fact": "我家在扬州", "sure": 9}, {"fact": "我是公主", "sure": 9}]'
    await here.say(group, ann, "/召唤 悟空")
    await here.say(group, ann, "悟空，我家在扬州，你去过吗？")
    await here.settled()
    (fact,) = (await memory.person(ann).known()).facts
    assert (fact.text, fact.pinned, fact.private, fact.room) == ("我家在扬州", False, False, group)
    assert fact.heard == {"wukong"}
    asked = len(here.asked)  # more than once where a slow machine was spoken to meanwhile
    assert len(set(here.asked)) == 1
    assert "我家在扬州" in await here.say(group, ann, "今天天气真好")
    await here.settled()
    assert len(here.asked) == asked  # nothing new was told of anybody


async def test_what_was_not_looked_through_is_after_a_restart(home, memory):
    here, ann, group = home(quiet=60.0), new("ann"), new("group")
    await here.say(group, ann, "/召唤 悟空")
    await here.say(group, ann, "我家在扬州。")
    await here.close()
    again = home(quiet=0.05)
    again.facts = '[{"fact": "我家在扬州", "sure": 9}]'
    await again.say(group, ann, "早啊。")
    await again.settled()
    assert [fact.text for fact in (await memory.person(ann).known()).facts] == ["我家在扬州"]


async def test_learning_makes_way_for_whoever_speaks(home, memory):
    here, ann, group = home(quiet=0.05), new("ann"), new("group")
    here.facts = '[{"fact": "我家在扬州", "sure": 9}]' + " " * 3000
    here.engine._delay = 0.002
    await here.say(group, ann, "/召唤 悟空")
    await here.say(group, ann, "我家在扬州。")
    while not here.asked:
        await asyncio.sleep(0.01)
    began = time.monotonic()
    await here.say(group, ann, "悟空？")
    assert time.monotonic() - began < 2
    assert (await memory.person(ann).known()).facts == ()
    here.engine._delay = 0.0
    await here.settled()
    assert [fact.text for fact in (await memory.person(ann).known()).facts] == ["我家在扬州"]
    assert len(here.asked) >= 2


async def test_talks_with_each_character_are_counted(home, memory):
    here, ann, group = home(quiet=0.05), new("ann"), new("group")
    await here.say(group, ann, "/召唤 悟空 八戒")
    for text in ("悟空，早", "悟空，走吧", "八戒，早"):
        await here.say(group, ann, text)
    await here.settled()
    bonds = (await memory.person(ann).known()).bonds
    assert {key: bond.talks for key, bond in bonds.items()} == {
        ("wukong", False): 2,
        ("bajie", False): 1,
    }


# -- forgetting ------------------------------------------------------------------------------------


async def test_forget_everything_leaves_nothing_anywhere(home, memory):
    """Two linked accounts, a group, a private chat that bears their id, feedback, versions of
    lines, summaries, words of others; then the whole keyspace is looked through."""
    number = 7_000_000 + next(_numbers)
    ann, also, bob = f"tele:{number}", f"disc:{number + 1}", new("bob")
    here = home(quiet=60.0, reply=lambda prompt: prompt.rpartition("：")[0][-200:])  # repeats it
    group, dm, their_dm = f"disc:g{number}", f"tele:{number}", f"disc:{number + 1}"
    say = here.say

    async def said(room, person, text):
        private = room in (dm, their_dm)
        return await say(room, person, text, private=private, name=names[person])

    names = {ann: "阿青姑娘", also: "青青子衿", bob: "老王头"}
    for room in (group, dm):
        await said(room, ann, "/召唤 悟空 八戒")
    await said(dm, ann, "悟空，请记住我对榴莲过敏得厉害。")
    await said(dm, ann, "/身份 逃婚的郡主娘娘")
    await said(dm, ann, "/记住 我的生日是腊月廿三")
    await said(dm, ann, "/绑定")
    await said(group, also, "悟空，我对榴莲过敏得厉害，别请我吃。")
    code = next(
        word
        for n in here.stage.notices
        for word in n.replace("，", " ").split()
        if len(word) == 8 and word.isascii()
    )
    await said(their_dm, also, f"/绑定 {code}")
    await said(their_dm, also, "/绑定 是")
    await said(dm, ann, "/绑定")
    await said(dm, ann, "/绑定 是")
    assert "绑定好了" in here.stage.notices[-1]
    await said(group, bob, "八戒，青青子衿是不是对榴莲过敏得厉害？")
    await said(group, bob, "八戒，你最爱吃什么？")
    await said(group, also, "八戒，你好")
    await said(group, also, "/重说")
    await said(group, also, "悟空，再会")
    await said(group, bob, "悟空，明天见")
    for room in (here.room(group), here.room(dm, private=True)):
        line = await room.view.last_line()
        assert await room.rate(also, line.places[0], 1)
    await here.room(group).memory.write(
        summaries=[_summary("青青子衿来过。大家谈了取经。老王头说：她对榴莲过敏得厉害。")]
    )
    await here.settled()
    traces = (
        ann,
        also,
        str(number),
        str(number + 1),
        "阿青姑娘",
        "青青子衿",
        "榴莲",
        "郡主",
        "腊月廿三",
    )
    assert len(await where(memory, *traces)) > 8
    before = set(await everything(memory))

    await said(group, also, "/忘记 全部")
    await here.settled()

    left = await where(memory, *(trace for trace in traces if trace not in (str(number),)))
    left = {key for key in left if not key.startswith(f"mrp:1:{{room:disc:g{number}}}")} | {
        key
        for key, whole in (await everything(memory)).items()
        if key.startswith(f"mrp:1:{{room:disc:g{number}}}")
        and any(t in whole.replace(f"g{number}", "") for t in traces)
    }
    assert left == set()
    assert any("抹去" in notice for notice in here.stage.notices)
    # Others keep what is theirs, and the room goes on.
    texts = [kept.turn.text for kept in here.room(group).memory.turns]
    assert "八戒，你最爱吃什么？" in texts
    assert "悟空，明天见" in texts
    assert "八戒，某人是不是……？" in [t.replace("对……", "……") for t in texts]
    assert f"mrp:1:{{person:{bob.replace(' ', '%20')}}}:account" in before & set(
        await everything(memory)
    )
    assert here.room(group).memory.state.summary("wukong") == "大家谈了取经。"
    prompt = await said(group, also, "悟空，你还认得我吗？")
    assert "榴莲" not in prompt
    assert "阿青" not in prompt


def _summary(text):
    from bot.memory import Summary

    return Summary(frozenset({"wukong", "bajie"}), text)


async def test_forgetting_that_was_broken_off_is_finished(home, memory, monkeypatch):
    here, ann, group = home(), new("ann"), new("group")
    await here.say(group, ann, "/召唤 悟空")
    await here.say(group, ann, "/记住 我藏着西瓜十九")
    await here.say(group, ann, "悟空，我藏着西瓜十九")

    async def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr("bot.memory.forgetting.erase", killed)
        with pytest.raises(KeyboardInterrupt):
            await memory.person(ann).forget_everything()
    assert await where(memory, "西瓜十九")
    await here.settled()
    await here.people.look_after()
    assert await where(memory, "西瓜十九", ann) == set()


async def test_who_stays_away_is_forgotten_altogether(home, memory):
    here, ann, group = home(), new("ann"), new("group")
    await here.say(group, ann, "/召唤 悟空")
    await here.say(group, ann, "/记住 我藏着西瓜二十")
    await here.say(group, ann, "悟空，我藏着西瓜二十")
    await here.settled()
    await here.people.look_after(now=time.time() + (DAYS - 1) * 86_400)
    assert await where(memory, "西瓜二十")
    await here.people.look_after(now=time.time() + (DAYS + 1) * 86_400)
    assert await where(memory, "西瓜二十", ann) == set()


async def test_the_room_sees_that_somebody_was_forgotten(home):
    """A second process that holds the same room does not go on telling."""
    here, there, ann, group = home(), home(), new("ann"), new("group")
    await here.say(group, ann, "/召唤 悟空")
    await here.say(group, ann, "悟空，我藏着西瓜廿一")
    assert "西瓜廿一" in await there.say(group, new("bob"), "悟空，早")
    await here.say(group, ann, "/忘记 全部")
    assert "西瓜廿一" not in await there.say(group, new("bob"), "悟空，早")


async def test_a_private_room_is_gone_and_begins_anew(home, memory):
    here, there, ann = home(), home(), new("ann")
    await here.say("test:dm7", ann, "/召唤 悟空", private=True)
    for each in (here, there):
        told = await each.say("test:dm7", ann, "悟空，我藏着西瓜廿二", private=True)
        assert "西瓜廿二" in told
    await here.say("test:dm7", ann, "/忘记 全部", private=True)
    assert await where(memory, "dm7", "西瓜廿二", ann) == set()
    await there.say("test:dm7", ann, "/召唤 悟空", private=True)
    assert "西瓜廿二" not in await there.say("test:dm7", ann, "悟空，早", private=True)


# -- opting out of groups --------------------------------------------------------------------------


async def test_who_opted_out_is_heard_in_the_scene_and_not_remembered(home, memory):
    here, ann, bob, group = home(quiet=0.05), new("ann"), new("bob"), new("group")
    here.facts = '[{"fact": "我藏着西瓜卅三", "sure": 9}]'
    await here.say(group, ann, "/召唤 悟空")
    await here.say(group, ann, "/别记我")
    prompt = await here.say(group, ann, "悟空，记住我藏着西瓜卅三")
    assert "西瓜卅三" in prompt
    assert "西瓜卅三" in await here.say(group, bob, "悟空，她说什么？")
    await here.settled()
    assert not here.asked
    known = await memory.person(ann).known()
    assert known.facts == ()
    assert not known.bonds
    await here.people.look_after()
    assert "西瓜卅三" in await here.say(group, bob, "悟空，她说什么？")
    await here.people.look_after(now=time.time() + 3700)
    assert await where(memory, "西瓜卅三") == set()
    assert "西瓜卅三" not in await here.say(group, bob, "悟空，她说什么？")
    assert "她说什么" in await here.say(group, bob, "悟空，早")


async def test_who_opted_out_is_in_no_summary(home, memory):
    here, ann, bob = home(context=1500), new("ann"), new("bob")
    group = new("group")
    await here.say(group, ann, "/召唤 悟空")
    await here.say(group, ann, "/别记我")
    for number in range(12):
        await here.say(group, ann, f"悟空，我藏着西瓜卅五，第{number}个")
        await here.say(group, bob, f"悟空，今天走了{number}里路")
    await here.settled()
    state = here.room(group).memory.state
    assert state.mark
    summary = state.summary("wukong")
    assert "里路" in summary
    assert "西瓜" not in summary


# -- what goes into feedback -----------------------------------------------------------------------


async def test_a_thumb_in_a_room_keeps_the_prompt_and_a_choice_is_kept_by_going_on(home, memory):
    replies = itertools.cycle(["第一种说法。", "第二种说法。"])
    here, ann, group = home(reply=lambda _: next(replies)), new("ann"), new("group")
    await here.say(group, ann, "/召唤 悟空")
    await here.say(group, ann, "悟空，你怕什么？")
    await here.say(group, ann, "/重说")
    await here.settled()
    room = here.room(group)
    line = await room.view.last_line()
    assert await room.rate(ann, line.places[0], 1)
    await here.say(group, ann, "哈哈，好。")
    await here.settled()
    given = [piece async for piece in memory.feedback.given() if piece.person == ann]
    kinds = {piece.kind: piece for piece in given}
    assert set(kinds) == {"rate", "choice"}
    choice = kinds["choice"]
    assert (choice.asked.reply, choice.other) == ("第二种说法。", "第一种说法。")
    assert "".join(text for text, _ in choice.asked.spans) in here.prompts
    assert choice.asked.people == {ann: room.memory.turns[-2].turn.speaker}


async def test_an_edit_counts_in_the_scene_and_is_kept_beside_what_it_was(home, memory):
    here, ann, group = home(reply="我不怕。"), new("ann"), new("group")
    await here.say(group, ann, "/改成 老孙")
    assert "还没有角色说过话" in here.stage.notices[-1]
    await here.say(group, ann, "/召唤 悟空")
    await here.say(group, ann, "悟空，你怕什么？")
    for nothing in ("", "我不怕。"):
        await here.say(group, ann, f"/改成 {nothing}")
        assert "例如" in here.stage.notices[-1]
    await here.say(group, ann, "/改成 老孙怕过谁！")
    assert here.stage.lines[-1] == ("孙悟空", "老孙怕过谁！")
    prompt = await here.say(group, ann, "好汉")
    assert "老孙怕过谁！" in prompt
    assert "我不怕。" not in prompt
    await here.settled()
    edits = [p async for p in memory.feedback.given() if p.person == ann and p.kind == "edit"]
    assert [(p.asked.reply, p.other) for p in edits] == [("老孙怕过谁！", "我不怕。")]
