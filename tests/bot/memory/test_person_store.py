"""Reading and changing one person, whoever else does."""

from dataclasses import replace

from bot.memory import Fact
from bot.memory.keys import person_key
from bot.memory.known import with_fact
from bot.memory.person_store import PersonStore, visited


async def test_a_change_is_done_anew_when_somebody_was_quicker(memory, monkeypatch):
    store = PersonStore(memory, "test:store 1")
    seen = []

    def change(known):
        seen.append(len(known.facts))
        return with_fact(known, Fact("一"))[0]

    await store.change(change)
    assert seen == [0]
    real = PersonStore._try_change

    async def meanwhile(self, root, change):
        if len(seen) == 1:
            seen.append(-1)
            await memory.redis.hset(person_key(root, "profile"), "days", "9")
        return await real(self, root, change)

    with monkeypatch.context() as patched:
        patched.setattr(PersonStore, "_try_change", meanwhile)
        known = await store.change(lambda known: with_fact(known, Fact("二"))[0])
    assert [fact.text for fact in known.facts] == ["一", "二"]
    assert known.profile.days == 9


async def test_a_chain_of_accounts_ends_at_its_root(memory):
    for account, root in (("test:c3", "test:c2"), ("test:c2", "test:c1")):
        await memory.redis.hset(person_key(account, "account"), "self", root)
    store = PersonStore(memory, "test:c3")
    assert (await store.try_account()).root == "test:c1"
    await store.change(lambda known: with_fact(known, Fact("一"))[0])
    assert [f.text for f in (await PersonStore(memory, "test:c1").known()).facts] == ["一"]


async def test_a_circle_of_accounts_ends_too(memory):
    for account, root in (("test:o1", "test:o2"), ("test:o2", "test:o1")):
        await memory.redis.hset(person_key(account, "account"), "self", root)
    assert (await PersonStore(memory, "test:o1").try_account()).root in ("test:o1", "test:o2")


async def test_who_is_not_known_in_a_room_is_not_changed(memory):
    store = PersonStore(memory, "test:store 2")
    known = await store.change(
        lambda known: replace(known, personas={"r": "x"}), since="test:nowhere"
    )
    assert known.personas == {}
    assert (await store.known()).personas == {}


def test_a_visit_says_whether_it_is_private():
    assert visited("test:a b", False) == "test:a%20b"
    assert visited("test:a b", True) == "test:a%20b private"
