"""What is remembered of people: facts, profiles, links, lifetimes."""

import asyncio
import itertools
import logging
from typing import Any

import pytest
import redis
from redis.crc import key_slot

from bot.memory import (
    Asked,
    Bond,
    Fact,
    Request,
    TooManyTries,
    linking,
    new_id,
    open_memory,
)
from bot.memory.forgetting import due
from bot.memory.keys import MARGIN_DAYS
from bot.memory.known import DAYS, MOST_BONDS, MOST_FACTS
from bot.memory.people import MOST_ROOMS
from characters.turn import Turn

_numbers = itertools.count()


@pytest.fixture
def new(memory):
    """Makes people whom nobody knows yet."""
    return lambda platform="test": memory.person(f"{platform}:somebody {next(_numbers)}")


async def test_a_fact_is_known_as_it_was_told(new):
    person = new()
    told = Fact("我对花生过敏", "test:r", False, frozenset({"wukong"}), 0.7, True, "5-0", 99)
    (kept,) = await person.learn([told])
    assert (await person.known()).facts == (kept,)
    assert kept == Fact(
        "我对花生过敏", "test:r", False, frozenset({"wukong"}), 0.7, True, "5-0", 99, 1
    )


async def test_numbers_tell_facts_apart_and_stay(new):
    person = new()
    await person.learn([Fact("一"), Fact("二"), Fact("三")])
    assert (await person.forget(2)).text == "二"
    assert [(f.id, f.text) for f in (await person.known()).facts] == [(1, "一"), (3, "三")]
    assert await person.forget(2) is None


async def test_the_same_fact_is_kept_once_and_grows_surer(new):
    person = new()
    await person.learn([Fact("I live in York.", sure=0.5, heard=frozenset({"a"}))])
    await person.learn([Fact("i live in york", sure=0.9, heard=frozenset({"b"}), pinned=True)])
    (fact,) = (await person.known()).facts
    assert (fact.text, fact.sure, fact.pinned) == ("I live in York.", 0.9, True)
    assert fact.heard == {"a", "b"}


async def test_what_was_said_in_a_room_too_is_no_secret_and_never_becomes_one(new):
    person = new()
    await person.learn([Fact("我怕水", "test:dm", private=True)])
    await person.learn([Fact("我怕水", "test:group")])
    await person.learn([Fact("我怕水", "test:dm", private=True)])
    (fact,) = (await person.known()).facts
    assert (fact.private, fact.room) == (False, "test:group")


async def test_a_correction_counts_as_told_on_purpose(new):
    person = new()
    await person.learn([Fact("我对虾过敏", sure=0.6)])
    fact = await person.correct(1, "我对  蟹\n过敏")
    assert (fact.text, fact.sure, fact.pinned) == ("我对 蟹 过敏", 1.0, True)
    assert await person.correct(7, "x") is None


async def test_facts_are_bounded_and_the_least_sure_old_one_goes_first(new):
    person = new()
    await person.learn([Fact("given on purpose", pinned=True, sure=0.1, at=1)])
    await person.learn([Fact(f"sure {n}", sure=0.9, at=10 + n) for n in range(MOST_FACTS - 2)])
    await person.learn([Fact("guessed", sure=0.5, at=50)])
    await person.learn([Fact("x" * 1000, sure=0.8, at=60)])
    facts = (await person.known()).facts
    assert len(facts) == MOST_FACTS
    texts = {fact.text for fact in facts}
    assert "guessed" not in texts
    assert {"given on purpose", "sure 0"} <= texts
    assert max(map(len, texts)) == 300


async def test_bonds_are_bounded_and_those_of_long_ago_go_first(new):
    person = new()
    for n in range(MOST_BONDS + 3):
        await person.talked([f"c{n}"], private=False, now=n)
    bonds = (await person.known()).bonds
    assert len(bonds) == MOST_BONDS
    assert ("c0", False) not in bonds
    assert (f"c{MOST_BONDS + 2}", False) in bonds


async def test_bonds_of_private_and_of_groups_are_two(new):
    person = new()
    await person.talked(["wukong"], private=True, now=5)
    await person.talked(["wukong"], private=False, now=6)
    await person.talked(["wukong"], private=False, now=8)
    await person.sum_up("wukong", "常谈取经", private=False)
    known = await person.known()
    assert known.bonds["wukong", False] == Bond(2, 6, 8, "常谈取经")
    assert known.bonds["wukong", True] == Bond(1, 5, 5, "")


async def test_a_persona_is_of_one_room(new):
    person = new()
    await person.introduce("test:a", "书生")
    await person.introduce("test:b", "樵夫")
    await person.introduce("test:a", "")
    assert dict((await person.known()).personas) == {"test:b": "樵夫"}
    for n in range(70):
        await person.introduce(f"test:{n}", str(n))
    personas = (await person.known()).personas
    assert len(personas) == 64
    assert personas["test:69"] == "69"
    assert "test:b" not in personas


async def test_two_who_write_at_once_both_count(memory, new):
    person = new()
    other = memory.person(person.person)
    await asyncio.gather(
        *(
            who.learn([Fact(f"fact {n} of {i}")])
            for n in range(8)
            for i, who in enumerate((person, other))
        )
    )
    facts = (await person.known()).facts
    assert len(facts) == 16
    assert len({fact.id for fact in facts}) == 16


# -- how long -------------------------------------------------------------------------------------


async def lifetimes(memory, person):
    tag = f"mrp:1:{{person:{person.person.replace(' ', '%20')}}}:"
    return {
        key.removeprefix(tag): await memory.redis.ttl(key) / 86_400
        for key in await memory.redis.keys(f"{tag}*")
    }


async def test_everything_of_a_person_ends_and_use_puts_it_off(memory, new):
    person = new()
    await person.came("test:r", "小明", "zh")
    await person.learn([Fact("一")])
    await person.introduce("test:r", "书生")
    await person.talked(["wukong"], private=False)
    await person.set(shared=True)
    days = await lifetimes(memory, person)
    assert set(days) == {"profile", "facts", "bonds", "personas", "account", "rooms"}
    for part, left in days.items():
        whole = DAYS + MARGIN_DAYS  # the server's own expiry must outlast a clock that jumps
        assert whole - 0.1 < left <= whole, part
    key = f"mrp:1:{{person:{person.person.replace(' ', '%20')}}}:facts"
    await memory.redis.expire(key, 100)
    await person.known()
    assert await memory.redis.ttl(key) > 86_400 * (DAYS - 1)


async def test_people_say_how_long(memory, new):
    person = new()
    await person.came("test:r", "小明")
    await person.learn([Fact("一")])
    assert (await person.set(days=30)).days == 30
    days = await lifetimes(memory, person)
    for part in ("facts", "account", "rooms"):
        assert 30 < days[part] <= 30 + MARGIN_DAYS
    await person.known()
    assert (await lifetimes(memory, person))["facts"] <= 30 + MARGIN_DAYS


async def test_who_stays_away_is_due(memory, new):
    person, recent = new(), new()
    await person.came("test:r", "小明", now=1_000_000)
    await recent.came("test:r", "小红", now=1_000_000 + 50 * 86_400)
    await person.set(days=40)
    await recent.set(in_groups=False)
    at = 1_000_000 + 41 * 86_400
    found = await due(memory, now=at)
    assert person.person in found.leaving
    assert recent.person not in found.leaving
    assert recent.person in found.opted_out
    assert person.person not in (await due(memory, now=at - 2 * 86_400)).leaving


async def test_the_list_of_rooms_is_bounded_and_says_when_it_is_not_whole(memory, new, monkeypatch):
    monkeypatch.setattr("bot.memory.people.MOST_ROOMS", 3)
    person = new()
    for n in range(5):
        await person.came(f"test:{n}", "小明", now=n)
    key = f"mrp:1:{{person:{person.person.replace(' ', '%20')}}}:"
    assert await memory.redis.zcard(f"{key}rooms") == 3
    assert await memory.redis.hget(f"{key}account", "many") == "1"
    assert MOST_ROOMS > 100


# -- opting out -----------------------------------------------------------------------------------


async def test_opting_out_forgets_what_groups_taught_and_keeps_the_rest(new):
    person = new()
    await person.learn([Fact("群", "test:g"), Fact("私", "test:dm", private=True), Fact("令")])
    await person.talked(["wukong"], private=False)
    await person.talked(["wukong"], private=True)
    await person.set(in_groups=False)
    known = await person.known()
    assert {fact.text for fact in known.facts} == {"私", "令"}
    assert set(known.bonds) == {("wukong", True)}
    assert await person.learn([Fact("群", "test:g")]) == ()
    await person.talked(["wukong"], private=False)
    assert set((await person.known()).bonds) == {("wukong", True)}
    await person.set(in_groups=True)
    assert len(await person.learn([Fact("群", "test:g")])) == 1


async def test_nothing_is_learned_of_somebody_who_was_forgotten_meanwhile(new):
    person = new()
    await person.came("test:g", "小明")
    assert await person.learn([Fact("一", "test:g")], since="test:g")
    await person.forget_everything()
    assert await person.learn([Fact("二", "test:g")], since="test:g") == ()
    await person.talked(["wukong"], private=False, since="test:g")
    known = await person.known()
    assert known.facts == ()
    assert not known.bonds


# -- one person, two accounts ---------------------------------------------------------------------


async def linked(one, two):
    """Both ask, see each other, and say yes. Returns the one person; None: nothing came of it."""
    offer = await linking.claim(two.store, await linking.make_code(one.store))
    if offer is None:
        return None
    assert await linking.pending(one.store)
    assert await linking.pending(two.store)
    assert await linking.agree(two.store) is None
    return await linking.agree(one.store)


async def test_two_accounts_become_one_person(memory, new):
    discord, telegram = new("discord"), new("telegram")
    await discord.learn([Fact("我属猴"), Fact("我怕水", private=True)])
    await telegram.learn([Fact("我属猴。"), Fact("我住在西安")])
    await telegram.talked(["wukong"], private=True, now=3)
    known = await linked(discord, telegram)
    assert {fact.text for fact in known.facts} == {"我属猴", "我怕水", "我住在西安"}
    for account in (discord, telegram):
        seen = await account.known()
        assert seen.facts == known.facts
        assert seen.person == discord.person
        assert seen.bonds["wukong", True].talks == 1
    await telegram.learn([Fact("新")])
    assert "新" in {fact.text for fact in (await discord.known()).facts}
    left = await memory.redis.keys(f"mrp:1:{{person:{telegram.person.replace(' ', '%20')}}}:facts")
    assert left == []


async def test_a_third_account_joins_the_two(new):
    one, two, three = new("a"), new("b"), new("c")
    await linked(one, two)
    await three.learn([Fact("三")])
    known = await linked(three, two)  # all of one and two go to three
    assert set(known.profile.accounts) == {one.person, two.person, three.person}
    await one.learn([Fact("一")])
    for account in (one, two, three):
        assert {f.text for f in (await account.known()).facts} == {"一", "三"}


async def test_linking_keeps_the_stricter_of_two_wishes(new):
    one, two = new("a"), new("b")
    await one.set(shared=True, days=100)
    await two.set(in_groups=False, days=10)
    known = await linked(one, two)
    profile = known.profile
    assert (profile.in_groups, profile.shared, profile.days) == (False, False, 10)


async def test_a_code_is_good_for_one_use_within_ten_minutes(memory, new):
    one, two, three = new("a"), new("b"), new("c")
    code = await linking.make_code(one.store)
    (key,) = [k for k in await memory.redis.keys("mrp:1:{link:*") if code in k]
    assert 590 < await memory.redis.ttl(key) <= 600
    assert await linking.claim(two.store, f" {code[:4].lower()}-{code[4:]} ") is not None
    assert await linking.claim(three.store, code) is None
    assert await linked(one, one) is None  # oneself
    for wrong in ("", "AAAAAAAA", "*" * 8):
        assert await linking.claim(new("d").store, wrong) is None


async def test_codes_cannot_be_guessed_at_leisure(new):
    guesser = new()
    for n in range(5):
        assert await linking.claim(guesser.store, f"AAAAAAA{n + 2}") is None
    with pytest.raises(TooManyTries):
        await linking.claim(guesser.store, "AAAAAAA9")
    with pytest.raises(TooManyTries):
        await linking.make_code(guesser.store)


async def test_a_code_of_two_at_once_links_only_one(new):
    one, two, three = new("a"), new("b"), new("c")
    code = await linking.make_code(one.store)
    offers = await asyncio.gather(*(linking.claim(who.store, code) for who in (two, three)))
    assert sum(offer is not None for offer in offers) == 1


# -- how it is kept -------------------------------------------------------------------------------


async def test_all_keys_of_a_transaction_are_in_one_slot(memory, new, monkeypatch):
    """What Redis Cluster asks for: every MULTI … EXEC of ours, seen on the wire."""
    seen = []
    real = redis.asyncio.client.Pipeline._execute_transaction

    async def watched(self, connection, commands, raise_on_error):
        names = [name for (args, _) in commands for name in args if str(name).startswith("mrp:")]
        seen.append({key_slot(str(name).encode()) for name in names})
        return await real(self, connection, commands, raise_on_error)

    monkeypatch.setattr(redis.asyncio.client.Pipeline, "_execute_transaction", watched)
    one, two = new("discord"), new("telegram")
    for who in (one, two):
        await who.came("test:r 1", "小明", "zh")
        await who.learn([Fact("一", "test:r 1")], since="test:r 1")
        await who.talked(["wukong"], private=False)
        await who.introduce("test:r 1", "书生")
        await who.correct(1, "二")
    await linked(one, two)
    room = memory.room("test", "r 1")
    await room.write(Turn("小明", "一"), person=one.person)
    await room.write(Turn("小红", "小明呢？"), person="test:x")
    await memory.feedback.asked("test:r 1", "l", 1, Asked((("一", False),), "二"))
    await memory.feedback.rate("test:r 1", "l", 1, one.person, 1)
    await two.came("test:dm 1", "小明", private=True)
    await memory.room("test", "dm 1").write(Turn("小明", "一"), person=two.person)
    await two.set(days=9)
    await one.forget(1)
    await two.forget_everything()
    assert len(seen) > 20
    assert all(len(slots) == 1 for slots in seen)


async def test_what_another_version_wrote_is_left_alone_and_said(tmp_path, caplog):
    memory = await open_memory(None, folder=tmp_path)
    old: dict[Any, Any] = {"text": "版本零"}
    newer: dict[Any, Any] = {"text": "版本二"}
    await memory.redis.hset("mrp:0:{person:test:1}:facts", mapping=old)
    await memory.redis.hset("mrp:2:{person:test:1}:facts", mapping=newer)
    await memory.redis.sadd("mrp:versions", "2")
    try:
        with caplog.at_level(logging.WARNING):
            assert await memory.versions() == {1, 2}
        assert "version 2" in caplog.text
        assert "left as it is" in caplog.text
        person = memory.person("test:1")
        assert (await person.known()).facts == ()
        await person.learn([Fact("一")])
        await person.forget_everything()
        assert await memory.redis.hgetall("mrp:0:{person:test:1}:facts") == old
        assert await memory.redis.hgetall("mrp:2:{person:test:1}:facts") == newer
    finally:
        await memory.close()


async def test_a_first_start_says_nothing_of_versions(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        memory = await open_memory(None, folder=tmp_path)
    await memory.close()
    assert caplog.text == ""


async def test_export_has_all_of_it(new, memory):
    person = new()
    await person.came("test:r 1", "小明", "zh")
    await person.learn([Fact("我属猴", "test:r 1", turn="7-0")])
    await person.introduce("test:r 1", "书生")
    await person.talked(["wukong"], private=False, now=5)
    room = memory.room("test", "r 1")
    said = Request(new_id(), person=person.person, name="小明", text="我属猴")
    await room.hear(said, Turn("小明", "我属猴"))
    await room.hear(Request(new_id(), person="test:other", name="小红"), Turn("小红", "我不属猴"))
    told = await person.export()
    assert [(s["room"], s["as"], s["text"]) for s in told["said"]] == [
        ("test:r 1", "小明", "我属猴")
    ]
    assert told["accounts"][0]["account"] == person.person
    assert told["accounts"][0]["name"] == "小明"
    assert told["rooms"] == ["test:r 1"]
    assert told["facts"][0]["text"] == "我属猴"
    assert told["facts"][0]["turn"] == "7-0"
    assert told["personas"] == {"test:r 1": "书生"}
    assert told["characters"][0]["character"] == "wukong"
    assert told["retention_days"] == 180
