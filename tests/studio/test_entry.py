"""Links work once, cookies are exchanged, and signing out is everywhere."""

import json

from bot.memory import Link, Visitor
from bot.memory import sessions as module


async def test_a_link_is_not_used_up_by_looking_at_it_and_works_once(studio):
    browser = studio.stranger()
    code = await studio.site.sessions.invite(Link(Visitor("discord:42", "小明")))
    for _ in range(3):  # a chat looks at the link by itself
        status, _ = await browser.get(f"/enter/{code}")
        assert status == 200
    status, _, where = await browser.post(f"/enter/{code}")
    assert (status, where) == (303, "/")
    second = studio.stranger()
    for status, text in (
        await second.get(f"/enter/{code}"),
        (await second.post(f"/enter/{code}"))[:2],
        await second.get("/enter/never-was"),
        (await second.post("/enter/never-was"))[:2],
    ):
        assert status == 410
        assert "mrp studio --link" in text
    assert (await second.get("/me"))[0] == 401


async def test_who_comes_in_gets_a_fresh_session_and_leads_to_their_room(studio):
    browser = await studio.browser("test:a", "a")
    before = browser.cookie
    code = await studio.site.sessions.invite(Link(Visitor("test:b", "b"), "studio:s7"))
    status, _, where = await browser.post(f"/enter/{code}")
    assert (status, where) == (303, "/room/studio:s7")
    assert browser.cookie != before
    assert await studio.site.sessions.find(before) is None  # a planted cookie is worth nothing
    assert (await studio.site.sessions.find(browser.cookie)).visitor.person == "test:b"


async def test_an_invitation_signs_nobody_in(studio):
    stranger = studio.stranger()
    code = await studio.site.sessions.invite(Link(Visitor(""), "studio:s7"))
    assert (await stranger.post(f"/enter/{code}"))[0] == 410
    assert (await stranger.get("/me"))[0] == 401


async def test_an_old_token_is_exchanged_while_somebody_reads(studio):
    browser = await studio.browser()
    old = browser.cookie
    session = await studio.site.sessions.find(old)
    key = module._session_key(session.key)
    fields = json.loads(await studio.memory.redis.get(key)) | {"made": 0}
    await studio.memory.redis.set(key, json.dumps(fields), ex=module.IDLE_SECONDS)
    await browser.get("/rooms")
    assert browser.cookie != old
    assert (await browser.get("/me"))[0] == 200
    assert await studio.site.sessions.find(old) is not None  # for requests that are under way


async def test_signing_out_here_and_everywhere(studio):
    one, two, three = [await studio.browser() for _ in range(3)]
    status, _, _ = await one.post("/leave")
    assert status == 303
    assert (await one.get("/me"))[0] == 401
    assert (await two.get("/me"))[0] == 200
    await two.post("/leave/everywhere")
    for browser in (two, three):
        assert (await browser.get("/me"))[0] == 401


async def test_a_stolen_or_forged_cookie_is_nobody(studio):
    browser = studio.stranger()
    for value in ("x", "x" * 5000, "../../etc", "%00", "{session:1}"):
        headers = {"Cookie": f"mrp_studio={value}"}
        async with browser.http.get(browser.url + "/me", headers=headers) as answer:
            assert answer.status in (400, 401)
