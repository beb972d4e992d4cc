"""Links that work once, sessions that end, and rooms that are open to some."""

import json
import time

import pytest

from bot.memory import Grant, Link, Sessions, Visitor, open_memory
from bot.memory import sessions as module
from bot.memory.keys import PREFIX, person_key
from bot.memory.sessions import Session

MING = Visitor("discord:42", "小明")


@pytest.fixture
async def memory(tmp_path):
    opened = await open_memory(None, folder=tmp_path / "mrp", patience=5)
    yield opened
    await opened.close()


async def everything(memory):
    """All keys and values of the server, as text."""
    found = []
    async for key in memory.redis.scan_iter():
        kind = await memory.redis.type(key)
        value = {
            "string": memory.redis.get,
            "hash": memory.redis.hgetall,
            "set": memory.redis.smembers,
        }.get(kind)
        found.append(f"{key} {await value(key) if value else kind}")
    return "\n".join(found)


async def known(sessions, token) -> Session:
    found = await sessions.find(token)
    assert found is not None
    return found


async def test_a_link_a_session_and_a_room(memory):
    sessions = Sessions(memory)

    # a link works once, and only as long as it is good
    code = await sessions.invite(Link(MING, "discord:7", moderator=True))
    assert await sessions.is_link(code)
    assert 0 < await memory.redis.ttl(module._link_key(code)) <= 600
    assert await sessions.redeem(code) == Link(MING, "discord:7", moderator=True)
    assert await sessions.redeem(code) is None
    assert not await sessions.is_link(code)
    assert await sessions.redeem("") is None
    grants = await sessions.grants("discord:42")
    assert grants["discord:7"].moderator
    assert time.time() + 86_000 < grants["discord:7"].until <= time.time() + 86_401

    # a grant ends by itself
    await sessions.grant("discord:42", Grant("discord:8", until=int(time.time()) - 1))
    await sessions.grant("discord:42", Grant("studio:a1", "月下"))
    assert set(await sessions.grants("discord:42")) == {"discord:7", "studio:a1"}
    await sessions.withdraw("discord:42", "studio:a1")
    assert set(await sessions.grants("discord:42")) == {"discord:7"}

    # a session is found by its token, which stands nowhere
    token = await sessions.begin(MING, language="en")
    session = await known(sessions, token)
    assert (session.visitor, session.language) == (MING, "en")
    await sessions.change(session, name="明哥")
    session = await known(sessions, token)
    assert (session.visitor.name, session.language) == ("明哥", "en")
    assert await sessions.find("") is None
    assert await sessions.find(token + "x") is None
    assert token not in await everything(memory)
    assert code not in await everything(memory)

    # a young token stays, an old one is exchanged, and counts for a moment more
    assert await sessions.rotate(session) == ""
    key = module._session_key(session.key)
    fields = json.loads(await memory.redis.get(key)) | {"made": 0}
    await memory.redis.set(key, json.dumps(fields), ex=module.IDLE_SECONDS)
    fresh = await sessions.rotate(await known(sessions, token))
    assert fresh
    assert fresh != token
    assert (await known(sessions, fresh)).csrf == session.csrf
    old = await sessions.find(token)
    assert old is not None
    assert await memory.redis.ttl(key) <= module.OVERLAP_SECONDS
    assert await sessions.rotate(old) == ""  # a request beside it makes no third one

    # signing out here, and everywhere
    other = await sessions.begin(MING)
    await sessions.end(await known(sessions, fresh))
    assert await sessions.find(fresh) is None
    assert await sessions.find(other) is not None
    assert await sessions.end_all("discord:42") >= 1
    assert await sessions.find(other) is None
    assert await sessions.find(token) is None


async def test_forgetting_a_person_signs_them_out_and_no_key_of_theirs_is_left(memory):
    sessions = Sessions(memory)
    person = memory.person("discord:42")
    await person.came("discord:7", "小明")
    token = await sessions.begin(MING)
    await sessions.grant("discord:42", Grant("discord:7", "月下"))
    await person.forget_everything()
    assert await sessions.find(token) is None
    assert await sessions.grants("discord:42") == {}
    keys = [key async for key in memory.redis.scan_iter(match=f"{PREFIX}{{person:*")]
    assert keys == []
    assert not await memory.redis.exists(person_key("discord:42", "web"))


async def test_nobody_gathers_sessions_or_rooms_without_end(memory, monkeypatch):
    monkeypatch.setattr(module, "MOST_SESSIONS", 3)
    monkeypatch.setattr(module, "MOST_ROOMS", 3)
    sessions = Sessions(memory)
    tokens = [await sessions.begin(MING) for _ in range(6)]
    found = [await sessions.find(token) is not None for token in tokens]
    assert sum(found) == 3
    assert found[-1]
    for number in range(6):
        await sessions.grant("discord:42", Grant(f"studio:a{number}", until=10**11 + number))
    assert set(await sessions.grants("discord:42")) == {"studio:a3", "studio:a4", "studio:a5"}


async def test_an_address_is_only_good_while_it_is_announced(memory):
    sessions = Sessions(memory)
    assert await sessions.address() == ""
    await sessions.announce("http://127.0.0.1:8642")
    assert await sessions.address() == "http://127.0.0.1:8642"
    assert 0 < await memory.redis.ttl(f"{PREFIX}studio") <= module.ADDRESS_SECONDS
