"""/web: a link for one person alone, who is the same person in the browser."""

import re

from bot.memory import Sessions
from bot.memory.keys import PREFIX
from bot.stage import Message


async def test_web_gives_a_link_to_who_asks(play, memory):
    p = play()
    sent = []

    async def notice(text, *, to="", secret=False):
        sent.append((text, to, secret))

    p.stage.notice = notice
    sessions = Sessions(memory)
    await memory.redis.delete(f"{PREFIX}studio")
    await p.say("/web")
    assert "mrp studio" in sent[-1][0]  # nobody serves pages

    await sessions.announce("https://example.org/mrp")
    await p.say("/网页")
    text, to, secret = sent[-1]
    assert (to, secret) == ("test:小明", True)
    (code,) = re.findall(r"https://example\.org/mrp/enter/(\S+)", text)
    link = await sessions.redeem(code)
    assert link is not None
    visitor = link.visitor
    assert (visitor.person, visitor.name, visitor.role) == ("test:小明", "小明", "moderator")
    assert (await sessions.grants("test:小明"))[p.room.key].moderator

    # whoever is no moderator here is none in the browser either
    await p.room.hear(Message("test:小红", "小红", "/web"))
    (code,) = re.findall(r"/enter/(\S+)", sent[-1][0])
    link = await sessions.redeem(code)
    assert link is not None
    assert link.visitor.role == "member"
    assert not (await sessions.grants("test:小红"))[p.room.key].moderator

    # several people share the sender: nobody in particular can be signed in
    await p.room.hear(Message("test:群", "群", "/web", personal=False))
    assert "/enter/" not in sent[-1][0]
