"""Lorebooks in Redis: kept by name, as they came, with the room."""

import json

import pytest

from bot.memory.erasure import erase_all
from bot.memory.keys import room_key, tag
from bot.memory.lore import LARGEST, MOST_BOOKS, LoreProblem, check, drop, keep, lorebooks
from bot.memory.places import erase_room
from characters.lore import Entry, Lorebook
from characters.tavern import read, write_lore

ROOM = "test:lore 设"
WORLD = {
    "name": "西域",
    "unheard_of": [1],
    "entries": {
        "3": {"uid": 3, "key": ["a"], "content": "b", "x": {"y": 1}, "characterFilter": None}
    },
}


@pytest.fixture(autouse=True)
async def _clean(memory):
    yield
    await memory.redis.delete(room_key(tag(ROOM), "lore"))


async def test_a_book_comes_back_as_it_was(memory):
    book = read(json.dumps(WORLD).encode(), "w.json").lore[0]
    mine = Lorebook("room", (Entry("剑", "利", ("剑",), only=frozenset({"wukong"})),), owner="")
    await keep(memory, ROOM, book)
    await keep(memory, ROOM, mine)
    found = {one.name: one for one in await lorebooks(memory, ROOM)}
    assert found["西域"] == book
    assert json.loads(write_lore(found["西域"])) == WORLD
    entry = found["room"].entries[0]
    assert (entry.text, entry.keys, entry.only) == ("利", ("剑",), frozenset({"wukong"}))


async def test_one_of_the_same_name_takes_its_place(memory):
    await keep(memory, ROOM, Lorebook("Book", (Entry("a", "1", ("a",)),)))
    await keep(memory, ROOM, Lorebook("book", (Entry("a", "2", ("a",)),), owner="wukong"))
    (found,) = await lorebooks(memory, ROOM)
    assert (found.entries[0].text, found.owner) == ("2", "wukong")
    assert await drop(memory, ROOM, "BOOK")
    assert not await drop(memory, ROOM, "BOOK")
    assert await lorebooks(memory, ROOM) == ()


async def test_a_book_that_is_too_large_is_not_kept(memory):
    with pytest.raises(LoreProblem):
        await keep(memory, ROOM, Lorebook("b", (Entry("a", "x" * LARGEST, ("a",)),)))
    assert await lorebooks(memory, ROOM) == ()


async def test_lore_moves_and_goes_with_its_room(memory):
    book = Lorebook("b", (Entry("a", "x", ("a",)),))
    await keep(memory, ROOM, book)
    await memory.move("test", "lore 设", "moved 设")
    assert await lorebooks(memory, ROOM) == ()
    assert len(await lorebooks(memory, "test:moved 设")) == 1
    await erase_room(memory, "test", "moved 设")
    assert await lorebooks(memory, "test:moved 设") == ()
    await keep(memory, ROOM, book)
    await erase_all(memory, tag(ROOM), ["test:小明"])
    assert await lorebooks(memory, ROOM) == ()


async def test_whether_books_would_fit(memory):
    await keep(memory, "test:fits", Lorebook("there", (Entry("a", "b", constant=True),)))
    more = [Lorebook(f"book {n}") for n in range(MOST_BOOKS - 1)]
    await check(memory, "test:fits", more)
    await check(memory, "test:fits", [*more, Lorebook("There")])  # in place of the one that is
    with pytest.raises(LoreProblem):
        await check(memory, "test:fits", [*more, Lorebook("one more")])
    with pytest.raises(LoreProblem):
        await check(memory, "test:fits", [Lorebook("x", (Entry("a", "b" * LARGEST),))])
    assert len(await lorebooks(memory, "test:fits")) == 1
