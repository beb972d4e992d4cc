"""Stored characters in Redis: one step each, versions, and names that are claimed with it."""

import pytest

from bot.memory.characters import (
    CharacterStore,
    Entry,
    NameTaken,
    Overtaken,
    Setting,
    TooMany,
)
from characters.card import Character, read_card

CARD = {"id": "c_1", "language": "zh", "name": "小墨龙", "greeting": "来了！", "brief": "小龙。"}


@pytest.fixture
async def store(memory):
    if keys := await memory.redis.keys("mrp:1:{cast}:*"):
        await memory.redis.delete(*keys)
    return CharacterStore(memory)


def entry(number=1, **more):
    card = read_card(CARD | {"id": f"c_{number}", "name": f"小墨龙{number}"}, "made")
    given = {"owner": "test:小明", "names": (f"here 小墨龙{number}",)} | more
    return Entry(card, **given)


async def keep(store, each, before=None, **more):
    return await store.keep(each, before, taken=each.names, **more)


async def test_a_step_that_is_sent_twice_counts_once(store):
    kept = await keep(store, entry())
    await keep(store, entry())  # its answer was lost, and it is sent again
    assert await store.version() == 1
    await store.withdraw(kept)
    await store.withdraw(kept)
    assert await store.version() == 2


async def test_only_what_changed_since_a_version_is_read(store):
    await keep(store, entry(1))
    before = await store.version()
    await keep(store, entry(2))
    await store.set("test:here", Setting("own", "free"))
    changes = await store.since(before)
    assert set(changes.entries) == {"c_2"}
    assert changes.settings == {"test:here": Setting("own", "free")}
    assert changes.version == await store.version() == 3
    assert not (await store.since(3)).entries
    assert set((await store.since(-1)).entries) == {"c_1", "c_2"}


async def test_two_who_change_the_same_do_not_overwrite_each_other(store):
    kept = await keep(store, entry())
    await keep(store, entry(changed=5.0), kept)
    with pytest.raises(Overtaken):
        await keep(store, entry(changed=6.0), kept)
    with pytest.raises(Overtaken):
        await store.withdraw(kept)
    found = (await store.since(0)).entries["c_1"]
    assert isinstance(found, Entry)
    assert found.changed == 5.0


async def test_a_name_is_free_again_when_its_character_has_another(store):
    kept = await keep(store, entry(1))
    with pytest.raises(NameTaken) as told:
        await keep(store, entry(2, names=("here 小墨龙1",)))
    assert told.value.whose == "c_1"
    assert await store.version() == 1  # nothing of it was kept
    await keep(store, entry(1, names=("here 别的名",)), kept)
    await keep(store, entry(2, names=("here 小墨龙1",)))


async def test_who_has_as_many_as_there_may_be_is_told_of_what(store, monkeypatch):
    monkeypatch.setattr("bot.memory.characters.MOST_OF_A_PERSON", 1)
    monkeypatch.setattr("bot.memory.characters.MOST_OF_A_PLACE", 2)
    monkeypatch.setattr("bot.memory.characters.MOST_CHARACTERS", 3)
    await keep(store, entry(1, place="test:here"))
    for number, more, of in (
        (2, {"place": "test:here"}, "owner"),
        (3, {"place": "test:here", "owner": "test:小红"}, ""),
        (4, {"place": "test:here", "owner": ""}, "place"),
        (5, {"owner": ""}, ""),
        (6, {"owner": "test:小刚"}, "all"),
    ):
        if of:
            with pytest.raises(TooMany) as told:
                await keep(store, entry(number, **more))
            assert told.value.of == of
        else:
            await keep(store, entry(number, **more))


async def test_one_that_is_handed_over_is_of_the_new_owner_alone(store):
    kept = await keep(store, entry(place="test:here"))
    await keep(store, entry(owner="", place="test:there"), kept)
    assert await store.owned_by(["test:小明"]) == []
    assert await store.owned_by([""]) == ["c_1"]


async def test_of_one_that_is_withdrawn_the_name_stays_unless_it_goes_without(store):
    for number, nameless in ((1, False), (2, True)):
        await store.withdraw(await keep(store, entry(number)), nameless=nameless)
    found = (await store.since(0)).entries
    assert isinstance(found["c_1"], Character)
    assert found["c_1"].name["zh"] == "小墨龙1"
    assert found["c_2"].name["zh"] == "（已离开）"


async def test_of_the_withdrawn_only_the_newest_keep_their_names(store, memory, monkeypatch):
    monkeypatch.setattr("bot.memory.characters.KEPT_GONE", 3)
    for number in range(6):
        await store.withdraw(await keep(store, entry(number)))
    assert await memory.redis.hlen("mrp:1:{cast}:gone") <= 3
    assert "c_5" in (await store.since(0)).entries
