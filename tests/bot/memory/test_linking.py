"""Two accounts become one person, and part again: nothing is lost, nothing happens unasked."""

import asyncio
import contextlib
import itertools

import pytest

from bot.memory import Fact, linking
from bot.memory.known_fields import known_keys
from bot.memory.person_store import PersonStore

_numbers = itertools.count()


@pytest.fixture
def new(memory):
    """Makes people whom nobody knows yet."""
    return lambda platform="test": memory.person(f"{platform}:linking {next(_numbers)}")


async def linked(maker, taker):
    await linking.claim(taker.store, await linking.make_code(maker.store))
    for who in (maker, taker):
        await linking.pending(who.store)
    await linking.agree(taker.store)
    return await linking.agree(maker.store)


async def texts(person):
    return {fact.text for fact in (await person.known()).facts}


async def test_each_side_is_shown_who_would_be_joined(new):
    one, two = new("telegram"), new("discord")
    await one.came("telegram:1", "小明", private=True)
    await two.came("discord:1", "Ming", private=True)
    offer = await linking.claim(two.store, await linking.make_code(one.store))
    assert offer is not None
    assert [(a.id, a.name) for a in offer.theirs] == [(one.person, "小明")]
    assert [(a.id, a.name) for a in offer.mine] == [(two.person, "Ming")]
    back = await linking.pending(one.store)
    assert back is not None
    assert (back.mine, back.theirs) == (offer.theirs, offer.mine)


async def test_a_code_alone_joins_nothing(new):
    attacker, victim = new("a"), new("b")
    await victim.learn([Fact("我的密码是SECRET777", private=True)])
    offer = await linking.claim(victim.store, await linking.make_code(attacker.store))
    assert offer is not None
    for _ in range(3):
        assert await linking.agree(attacker.store) is None
    assert await texts(attacker) == set()
    assert (await victim.known()).accounts == (victim.person,)


async def test_no_yes_counts_before_the_other_side_was_seen(new):
    one, two = new("a"), new("b")
    await linking.claim(two.store, await linking.make_code(one.store))
    assert await linking.agree(two.store) is None
    assert await linking.agree(one.store) is None  # it has not seen who: now it has
    assert await linking.agree(one.store) is not None


async def test_a_no_makes_the_code_void(new):
    one, two = new("a"), new("b")
    code = await linking.make_code(one.store)
    await linking.claim(two.store, code)
    assert await linking.decline(two.store)
    assert not await linking.decline(two.store)
    assert await linking.pending(one.store) is None
    assert await linking.agree(one.store) is None
    assert await linking.claim(new("c").store, code) is None


@pytest.mark.parametrize("round_", range(10))
async def test_two_who_link_each_other_at_once_lose_nothing(new, round_):
    one, two = new("a"), new("b")
    await one.learn([Fact("一")])
    await two.learn([Fact("二")])
    await one.talked(["wukong"], private=True)
    await two.talked(["wukong"], private=True)
    await asyncio.gather(linking.join(one.store, two.store), linking.join(two.store, one.store))
    for person in (one, two):
        assert await texts(person) == {"一", "二"}
        assert (await person.known()).bonds["wukong", True].talks == 2
        assert set((await person.known()).accounts) == {one.person, two.person}


async def test_three_who_link_in_a_ring_at_once_lose_nothing(new):
    people = [new(platform) for platform in "cab"]
    for number, person in enumerate(people):
        await person.learn([Fact(f"第{number}件")])
    one, two, three = (person.store for person in people)
    await asyncio.gather(linking.join(one, two), linking.join(two, three), linking.join(three, one))
    for person in people:
        known = await person.known()
        assert await texts(person) == {"第0件", "第1件", "第2件"}
        assert set(known.accounts) == {each.person for each in people}
        assert known.profile.joining == ()


async def test_what_is_learned_while_two_are_linked_is_there(new, memory):
    one, two = new("a"), new("b")
    again = memory.person(two.person)
    done = asyncio.create_task(linking.join(one.store, two.store))
    told = [Fact(f"第{number}件") for number in range(40)]
    for fact in told:
        await again.learn([fact])
        await asyncio.sleep(0)
    await done
    for person in (one, two):
        assert await texts(person) == {fact.text for fact in told}


STEPS = ("hsetnx", "hset", "hget", "hgetall", "pipeline")


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("after", range(0, 24, 2))
async def test_a_linking_that_is_broken_off_anywhere_is_finished(
    new, memory, monkeypatch, name, after
):
    """The process ends at some command to Redis; the next one goes on."""
    one, two = new("a"), new("b")
    for person in (one, two):
        await person.came("test:r", "小明")
    await one.learn([Fact("一")])
    await two.learn([Fact("二")])
    await two.talked(["wukong"], private=True)
    client, count = memory.redis, itertools.count()
    command = getattr(client, name)

    def breaks(*args, **how):
        if next(count) >= after:
            raise KeyboardInterrupt
        return command(*args, **how)

    monkeypatch.setattr(client, name, breaks)
    with contextlib.suppress(KeyboardInterrupt):
        await linking.join(one.store, two.store)
    monkeypatch.undo()
    due = await memory.due(now=0.0)
    for person in due.unsettled:
        await linking.finish(memory.person(person).store)
    known = await one.known()
    if two.person in known.accounts:
        assert await texts(one) == await texts(two) == {"一", "二"}
        assert known.bonds["wukong", True].talks == 1
        assert not await client.exists(*known_keys(two.person))
    else:  # it was broken off before anything was noted
        assert (await texts(one), await texts(two)) == ({"一"}, {"二"})
    assert (await memory.due(now=0.0)).unsettled == ()


async def test_forgetting_that_was_broken_off_goes_on_after_linking(new, memory):
    """Somebody said /forget all, the bot was killed, and then the accounts were linked."""
    one, two = new("a"), new("b")
    await two.came("test:r", "小明")
    await two.learn([Fact("二")])
    await two.store.change(
        lambda known: type(known)(
            known.person,
            profile=type(known.profile)(leaving=True),
            facts=known.facts,
        )
    )
    known = await linking.join(one.store, two.store)
    assert known.profile.leaving
    assert (await memory.due(now=0.0)).leaving == (known.person,)
    await memory.person(known.person).forget_everything()
    assert await texts(two) == set()
    assert (await two.known()).accounts == (two.person,)


@pytest.mark.parametrize("who", ["root", "other"])
async def test_unlinking_gives_each_what_it_told(new, memory, who):
    one, two = new("a"), new("b")  # the root is the lesser one
    await one.learn([Fact("一")])
    await two.learn([Fact("二")])
    await linked(one, two)
    await one.learn([Fact("后来的一")])
    await two.learn([Fact("后来的二")])
    await one.introduce("a:room", "书生")
    await two.introduce("b:room", "樵夫")
    await one.talked(["wukong"], private=True)
    await one.sum_up("wukong", "谈过一和二", private=True)
    assert await linking.unlink((one if who == "root" else two).store)
    assert await texts(one) == {"一", "后来的一"}
    assert await texts(two) == {"二", "后来的二"}
    assert dict((await one.known()).personas) == {"a:room": "书生"}
    assert dict((await two.known()).personas) == {"b:room": "樵夫"}
    assert (await one.known()).bonds["wukong", True].summary == ""
    for person in (one, two):
        assert (await person.known()).accounts == (person.person,)
        assert await linking.unlink(person.store) is None
    await two.learn([Fact("新")])
    assert "新" not in await texts(one)
    await one.forget_everything()
    assert await texts(two) == {"二", "后来的二", "新"}


async def test_of_three_the_one_who_unlinks_goes_alone(new):
    one, two, three = new("a"), new("b"), new("c")
    for number, person in enumerate((one, two, three)):
        await person.learn([Fact(f"第{number}件")])
    await linking.join(one.store, two.store)
    await linking.join(two.store, three.store)
    assert await linking.unlink(one.store)  # the root itself
    assert await texts(one) == {"第0件"}
    assert await texts(two) == await texts(three) == {"第1件", "第2件"}
    assert set((await three.known()).accounts) == {two.person, three.person}
    assert await linking.join(three.store, one.store)
    assert await texts(one) == {"第0件", "第1件", "第2件"}


async def test_linking_again_after_parting_counts_nothing_twice(new):
    one, two = new("a"), new("b")
    await two.talked(["wukong"], private=True)
    for _ in range(3):
        await linked_again(one, two)
        assert await linking.unlink(two.store)
    await linked_again(one, two)
    assert (await one.known()).bonds["wukong", True].talks == 1


async def linked_again(one, two):
    assert (await linking.join(one.store, two.store)).accounts


async def test_the_other_account_hears_of_it_once(new):
    one, two = new("a"), new("b")
    await linked(one, two)
    assert await two.came("b:dm", "小明", private=True)
    what, accounts = await two.news()
    assert (what, set(accounts)) == ("linked", {one.person, two.person})
    assert await two.news() is None
    assert not await two.came("b:dm", "小明", private=True)


async def test_offers_go_with_who_is_forgotten(new, memory):
    one, two = new("a"), new("b")
    await linking.claim(two.store, await linking.make_code(one.store))
    await two.forget_everything()
    assert await linking.pending(one.store) is None
    assert await linking.offers_of(memory.redis, frozenset((one.person, two.person))) == []


async def test_a_store_of_somebody_else_shares_the_caller(memory):
    async def hears(problem):
        pass

    store = PersonStore(memory, "test:1", hears).other("test:2")
    assert (store.person, store.on_connection) == ("test:2", hears)
