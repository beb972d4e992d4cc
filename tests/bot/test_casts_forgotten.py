"""Who is forgotten takes their characters along, or leaves them to others, as they ask."""

import pytest

from bot.casts import Casts
from bot.memory import linking
from bot.memory.reports import Report, report, reports_of
from bot.memory.sketches import Sketch, put_picture, set_sketch, sketch_of, taken_picture
from bot.people import People
from bot.stage import Message
from characters.card import read_card

MING, HONG = "test:小明", "test:小红"
GOING = ["/忘记 全部", "/forget all", "/忘记 一切"]
LEAVING = [
    "/忘记 全部，留下角色",
    "/forget all, keep my characters",
    "/forget all keep characters",
    "/忘记全部，交出角色",
]


def made(name):
    table = {
        "id": "new",
        "language": "zh",
        "name": name,
        "greeting": f"{name}来了！",
        "brief": "龙。",
    }
    return read_card(table, "made")


@pytest.fixture
async def party(play, memory, cast):
    """A room in which 小明 made four characters and 小红 one, and has one more in hand."""
    party = play(["好。"])
    party.room.shared.people = People(memory, party.room.shared.voice, cast)
    casts, here = party.room.shared.casts, party.room.view.place
    for name, person, reach, waiting in (
        ("私房龙", MING, "private", False),
        ("本地龙", MING, "place", False),
        ("待审龙", MING, "place", True),
        ("四海龙", MING, "everywhere", False),
        ("小红龙", HONG, "place", False),
    ):
        face = name.encode()
        entry = await casts.keep(made(name), person, reach, place=here, waiting=waiting, face=face)
        await report(memory, Report(entry.id, HONG, here, f"举报{name}"))
    await set_sketch(memory, MING, Sketch(made("手上龙"), b"png"))
    await put_picture(memory, MING, b"png")
    await party.say("/召唤 本地龙、四海龙", "本地龙，你好。", by="小红")
    yield party
    await party.room.settle()
    await party.room.shared.people.close()


async def stored(memory, cast):
    """Another process's sight of it: name -> owner, reach, waiting."""
    casts = Casts(memory, cast)
    await casts.refresh()
    return {e.character.name.zh: (e.owner, e.reach, e.waiting) for e in casts.entries()}


async def texts_of_the_cast(memory):
    """All that stands in the keys of made characters, as one text."""
    found = []
    for key in await memory.redis.keys("mrp:1:{cast}:*"):
        kind = await memory.redis.type(key)
        if kind == "hash":
            found.append(str(await memory.redis.hgetall(key)))
        elif kind == "set":
            found.append(f"{key} {await memory.redis.smembers(key)}")
        elif kind == "zset":
            found.append(str(await memory.redis.zrange(key, 0, -1)))
    return "\n".join(found)


@pytest.mark.parametrize("asked", GOING)
async def test_they_go_along_names_pictures_sketch_and_reports_and_all(party, memory, cast, asked):
    await party.say(asked)
    assert "4" in party.notice
    assert "角色也走了" in party.notice or "characters you made went" in party.notice
    assert await stored(memory, cast) == {"小红龙": (HONG, "place", False)}
    left = await texts_of_the_cast(memory)
    for name in ("私房龙", "本地龙", "待审龙", "四海龙", "手上龙", MING):
        assert name not in left
    assert "小红龙" in left
    assert [each.why for each in await reports_of(memory, None)] == ["举报小红龙"]
    assert await sketch_of(memory, MING) is None
    assert await taken_picture(memory, MING) is None
    # On stage they say goodbye, without even a name, and their lines stay.
    await party.say("还有谁在？", by="小红")
    assert [name for name, _ in party.lines[-2:]] == ["（已离开）", "（已离开）"]
    assert party.room.scene().cast == ()
    await party.say("/前情", by="小红")
    assert "（已离开）：本地龙来了！" in party.notice


@pytest.mark.parametrize("asked", LEAVING)
async def test_those_that_others_can_summon_stay_and_are_nobodys(party, memory, cast, asked):
    before = {e.character.name.zh: e for e in party.room.shared.casts.entries()}
    await party.say(asked)
    assert "不再有你的名字" in party.notice or "without your name" in party.notice
    assert await stored(memory, cast) == {
        "本地龙": ("", "place", False),
        "待审龙": ("", "place", True),
        "四海龙": ("", "everywhere", False),
        "小红龙": (HONG, "place", False),
    }
    left = await texts_of_the_cast(memory)
    assert "私房龙" not in left
    assert MING not in left
    assert await sketch_of(memory, MING) is None
    casts = party.room.shared.casts
    await casts.refresh()
    assert await casts.face(before["本地龙"].id) == "本地龙".encode()
    # They go on playing; who comes back is a stranger to them, and the place's moderators see to
    # what is its own.
    await party.say("本地龙，你还在吗？", by="小红")
    assert party.lines[-1] == ("本地龙", "好。")
    await party.say("/角色 我的")
    assert "还没有做过角色" in party.notice
    await party.room.hear(Message(MING, "小明", "/角色 撤下 本地龙"))
    assert "不是你做的" in party.notice
    await party.say("/角色 退回 待审龙", "/角色 撤下 本地龙", by="小红")
    assert set(await stored(memory, cast)) == {"四海龙", "小红龙"}  # nobody's is not given back


async def test_one_that_was_handed_over_before_stays_when_the_rest_goes(party, memory, cast):
    await party.say("/角色 交出 本地龙", "/忘记 全部")
    assert set(await stored(memory, cast)) == {"本地龙", "小红龙"}


@pytest.mark.parametrize("asked", [GOING[0], LEAVING[0]])
async def test_linked_accounts_are_one_person(party, memory, cast, asked):
    maker, taker = memory.person(MING), memory.person("other:小明")
    await party.room.shared.casts.keep(made("彼岸龙"), "other:小明", "everywhere")
    await linking.claim(taker.store, await linking.make_code(maker.store))
    for who in (maker, taker):
        await linking.pending(who.store)
    await linking.agree(taker.store)
    await linking.agree(maker.store)
    await party.say(asked)
    found = await stored(memory, cast)
    assert ("彼岸龙" in found) == (asked in LEAVING)
    assert {owner for owner, _, _ in found.values()} <= {"", HONG}


async def test_who_stays_away_for_too_long_is_forgotten_with_them(party, memory, cast):
    await party.say("/角色 交出 四海龙")
    await memory.person(MING).forget_everything()  # what the hourly look does
    assert set(await stored(memory, cast)) == {"四海龙", "小红龙"}


async def test_forgetting_that_is_broken_off_and_done_again_ends_the_same(
    party, memory, cast, monkeypatch
):
    store, steps = memory.person(MING), []
    real = memory.redis.eval

    async def cut(*args, **more):
        steps.append(args)
        if len(steps) == 3:  # two are gone, or nobody's, by now
            raise RuntimeError("killed")
        return await real(*args, **more)

    monkeypatch.setattr(memory.redis, "eval", cut)
    with pytest.raises(RuntimeError, match="killed"):
        await store.forget_everything()
    monkeypatch.undo()
    assert len(await stored(memory, cast)) in (3, 4)
    await store.forget_everything()
    assert set(await stored(memory, cast)) == {"小红龙"}
