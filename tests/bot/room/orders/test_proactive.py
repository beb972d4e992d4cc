"""A character speaks first: only where it was allowed, after silence, in its hours, once a word."""

import asyncio
import time

import pytest

from bot.initiative import Initiative
from bot.memory.unasked import Unasked, allowing
from bot.room import Room
from bot.room.orders.proactive import wished

WUKONG = "孙悟空"
HOUR = 3600.0


class Clock:
    """The time of day, some hours from now; all hours are awake unless a test says otherwise."""

    def __init__(self):
        self.ahead = 0.0

    def __call__(self):
        return time.time() + self.ahead


async def scene(play, order="/主动 60 分钟 0-24 3次", **more):
    p = play(["有人么？老孙闷得慌。", "怎么都不说话？", "老孙先走一步。", "好生没趣。"], **more)
    p.clock = p.room.shared.clock = Clock()
    await p.say("/summon 悟空", "悟空，你好", *([order] if order else []))
    p.lines.clear()
    return p


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("60", Unasked(60)),
        ("60 分钟 9-22 3次", Unasked(60)),
        ("两小时", Unasked(120)),
        ("2h 21-5 5 times utc+8", Unasked(120, 21, 5, 5, 8.0)),
        ("30 min, 一天两次, 8点到20点", Unasked(30, 8, 20, 2)),
        ("90m utc-3:30", Unasked(90, utc=-3.5)),
        *((text, None) for text in ("5", "9-22", "60 25-3", "60 9-9", "60 0次", "60 99次")),
        *((text, None) for text in ("99999", "60 utc+20", "60 banana", "soon")),
    ],
)
def test_wishes_are_read_and_bounded(text, wish):
    assert wished(text) == wish


async def test_off_until_somebody_says_so(play):
    p = await scene(play, order="")
    p.clock.ahead = 3 * HOUR
    assert not await p.room.speak_unasked()
    await p.say("/proactive")
    assert "不会先开口" in p.notice


async def test_after_silence_once_until_somebody_answers(play):
    p = await scene(play)
    assert not await p.room.speak_unasked()  # no silence yet
    p.clock.ahead = 2 * HOUR
    assert await p.room.speak_unasked()
    assert p.lines == [(WUKONG, "怎么都不说话？")]
    assert "旁白：过了好一会儿，没有人说话。" in p.prompts[-1]
    p.clock.ahead = 9 * HOUR
    assert not await p.room.speak_unasked()  # nobody has answered
    await p.say("悟空，我在")
    p.clock.ahead = 20 * HOUR
    assert await p.room.speak_unasked()


async def test_as_often_a_day_and_in_the_hours_as_allowed(play):
    wish = Unasked(60, 9, 22, 2, utc=0.0)
    p = await scene(play)
    await p.room.memory.look()
    turns = p.room.memory.turns
    newest, last = turns[1].id, turns[-1].id
    said = int(turns[-1].id.partition("-")[0]) / 1000
    day = said - said % 86_400 + 86_400  # the next midnight, UTC
    assert wish.due(newest, last, day + 8 * HOUR) is False
    assert wish.due(newest, last, day + 9 * HOUR)
    assert not wish.due(newest, last, day + 22 * HOUR)
    often = wish.spoke("0-1", day + 9 * HOUR).spoke("0-2", day + 10 * HOUR)
    assert not often.due(newest, last, day + 11 * HOUR)
    assert often.due(newest, last, day + 35 * HOUR)  # the next day
    assert not wish.due(newest, last, day + 9 * 24 * HOUR + 9 * HOUR)  # nobody is there any more
    night = Unasked(60, 22, 5, utc=0.0)
    assert night.due(newest, last, day + 28 * HOUR)
    assert not night.due(newest, last, day + 12 * HOUR)
    assert Unasked.from_json(often.to_json()) == often


async def test_one_process_of_several_speaks(play):
    p = await scene(play)
    p.clock.ahead = 2 * HOUR
    others = [Room("test", p.room.key.partition(":")[2], p.room.shared, p.stage) for _ in range(3)]
    spoke = await asyncio.gather(*(room.speak_unasked() for room in (p.room, *others)))
    assert sum(spoke) == 1
    assert len(p.lines) == 1


async def test_a_crash_costs_a_line_and_never_doubles_one(play, monkeypatch):
    p = await scene(play)
    p.clock.ahead = 2 * HOUR

    async def killed(*_, **how):
        raise RuntimeError("killed")

    with monkeypatch.context() as broken:
        broken.setattr("bot.room.unasked.speak", killed)
        with pytest.raises(RuntimeError):
            await p.room.speak_unasked()
    later = Room("test", p.room.key.partition(":")[2], p.room.shared, p.stage)
    notices = len(p.stage.notices)
    await later.resume()
    assert not await later.speak_unasked()
    assert p.lines == []
    assert len(p.stage.notices) == notices  # nobody waited for it
    assert (await later.memory.open())[0] == []


@pytest.mark.parametrize("order", ["/pause", "/dismiss 悟空", "/autoreply all off", "/主动 关"])
async def test_not_where_nobody_may(play, order):
    p = await scene(play)
    await p.say(order)
    p.clock.ahead = 2 * HOUR
    assert not await p.room.speak_unasked()
    assert p.lines == []


@pytest.mark.parametrize("private", [False, True])
async def test_not_where_somebody_opted_out(play, memory, private):
    p = await scene(play, private=private)
    await p.say("悟空，我也在", by="小雨二")
    p.lines.clear()
    await memory.person("test:小雨二").set(in_groups=False)
    p.clock.ahead = 2 * HOUR
    assert await p.room.speak_unasked() is private
    await memory.person("test:小雨二").set(in_groups=True)


async def test_whoever_speaks_meanwhile_goes_first(play):
    p = await scene(play, delay=0.002)
    p.clock.ahead = 2 * HOUR
    begun = asyncio.Event()
    p.stage.on_show = lambda text: begun.set()
    speaking = asyncio.create_task(p.room.speak_unasked())
    await begun.wait()
    await p.say("悟空，我回来了")
    assert not await speaking
    assert "小明：悟空，我回来了" in p.prompts[-1]


async def test_who_looks_finds_the_rooms_that_allow_it(play):
    p = await scene(play)
    q = await scene(play, order="")
    doors = {}
    looking = Initiative(p.room.shared, doors)
    rooms = {room.room.key.partition(":")[2]: room.room for room in (p, q)}
    opened = []

    async def open_room(name):
        opened.append(name)
        return rooms.get(name)

    doors["test"] = open_room
    assert p.room.key.partition(":")[2] in await allowing(p.room.shared.memory, "test")
    p.clock.ahead = 2 * HOUR
    assert await looking.look() >= 1
    assert q.room.key.partition(":")[2] not in opened
    assert len(p.lines) == 1
    await p.say("/主动 关")
    assert p.room.key.partition(":")[2] not in await allowing(p.room.shared.memory, "test")


async def test_the_look_goes_on_when_a_room_fails(play, monkeypatch):
    p = await scene(play)
    p.clock.ahead = 2 * HOUR
    monkeypatch.setattr("bot.initiative.LOOK", 0.01)
    doors, tried = {}, asyncio.Event()
    looking = Initiative(p.room.shared, doors)
    name, calls = p.room.key.partition(":")[2], []

    async def open_room(asked):
        if asked != name:
            return None
        calls.append(asked)
        if len(calls) == 1:
            raise RuntimeError("no such channel")
        tried.set()
        return p.room

    doors["test"] = open_room
    looking.start()
    async with asyncio.timeout(20):
        await tried.wait()
    await looking.close()
    assert len(calls) > 1
