"""The attacks that OWASP lists for pages like these, one test each; docs/studio.md has the table.

What `test_server`, `test_entry`, `test_access` and `test_room_pages` try is not tried here again.
"""

import asyncio

import pytest

from bot.limits import Limits, Rate
from bot.memory import Link, Visitor
from bot.platforms.studio import room_pages
from characters import tavern
from characters.tavern import pictures
from tests.studio.conftest import event, events_until, held
from tests.studio.test_making import MOLONG, send

SCRIPT = "<script>alert(1)</script>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(1)</script></svg>"


async def test_scripts_in_cards_names_and_lore_are_text_wherever_they_are_shown(studio):
    browser = await studio.browser()
    evil = MOLONG | {
        key: f"{text}{SCRIPT}\"'><img src=x onerror=alert(1)>"
        for key, text in MOLONG.items()
        if key not in ("name", "aliases", "categories")
    }
    status, _, where = await send(browser, "/make", **evil)
    assert status == 303
    path = await studio.room(browser, where.rpartition("/")[2])
    await browser.post(f"{path}/lore", keys=f"{SCRIPT}、龙", lore=SCRIPT)
    await browser.post(f"{path}/order", order="checkpoint", argument='"><img src=x>')
    await browser.post(f"{path}/order", order="choices", argument=f"{SCRIPT} | b")
    await studio.quiet(path)
    pages = ["/", "/?by=new", f"/?category={SCRIPT}", where, f"{where}/change", path]
    pages += [f"{path}{part}" for part in ("/transcript", "/lore", "/orders", "?to=<script>")]
    for page in pages:
        status, text = await browser.get(page)
        assert status == 200, page
        assert "<script>alert" not in text, page
        assert "<img src=x" not in text, page
    async with browser.http.get(f"{browser.url}{where}/card.json") as answer:
        assert answer.content_type == "application/json"
        assert "attachment" in answer.headers["Content-Disposition"]


async def test_an_svg_is_no_picture_and_pictures_are_served_as_what_they_are(studio):
    browser = await studio.browser()
    for data, name in ((SVG, "a.svg"), (SVG, "a.png"), (b"\x89PNG\r\n\x1a\n" + SVG, "a.png")):
        status, _, _ = await send(browser, "/make", {"face": (data, name)}, **MOLONG)
        assert status == 400
    card = tavern.write(studio.house.cast["wukong"], format="json", language="zh")
    for data in (SVG, card.replace(b"{", b"<svg/>{", 1)):
        status, _, _ = await send(browser, "/import", {"card": (data, "card.svg")})
        assert status == 400
    hidden = pictures.blank("ink", 64) + SVG  # after the end of the PNG
    status, _, where = await send(browser, "/make", {"face": (hidden, "a.png")}, **MOLONG)
    if status == 303:
        async with browser.http.get(browser.url + where.replace("character", "face")) as answer:
            assert answer.content_type == "image/png"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert b"<svg" not in await answer.read()


async def test_a_planted_session_is_not_the_one_that_is_signed_in(studio):
    """Session fixation: the attacker's cookie, or one that nobody gave, before the link is used."""
    attacker = await studio.browser("test:attacker", "x")
    for planted in (attacker.cookie, "A" * 43):
        victim = studio.stranger()
        code = await studio.site.sessions.invite(Link(Visitor("test:victim", "v")))
        async with victim.http.post(
            f"{victim.url}/enter/{code}",
            headers={"Cookie": f"mrp_studio={planted}"},
            allow_redirects=False,
        ) as answer:
            fresh = answer.cookies["mrp_studio"].value
        assert fresh != planted
        session = await studio.site.sessions.find(planted)
        assert session is None or session.visitor.person != "test:victim"


async def test_who_is_no_longer_there_is_signed_out_at_once(studio):
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    await browser.get("/me")
    await browser.post("/me", order="everything", argument="all")
    for page in ("/me", path, f"{path}/transcript", f"{path}/stream"):
        assert (await browser.get(page))[0] == 401


async def test_ids_that_are_somebody_elses_or_nobodys(studio):
    ming = await studio.browser()
    path = await studio.room(ming, "wukong")
    await studio.say(ming, path, "悟空，秘密")
    line = (await studio.site.rooms.feed(path.removeprefix("/room/"))).transcript.now.last
    hong = await studio.browser("test:小红", "小红")
    own = await studio.room(hong, "wukong")
    for fields in ({"rate": f"+ {line}"}, {"rate": "+ ../x"}, {"order": "retry; forget all"}):
        assert (await hong.post(f"{own}/order", **fields))[0] == 400
    await hong.post(f"{own}/edit", line=line, text="改掉")
    await hong.post(f"{own}/branch", place=line)
    await hong.post("/rooms/remove", room=path.removeprefix("/room/"))
    await hong.post("/me", order="correct", number="1", argument="x")
    await studio.quiet(own)
    _, text = await ming.get(path)
    assert "悟空，秘密" in text
    for page in ("/make/../owner", "/character/..%2f..%2fowner", "/room/..%2fowner", "/join/x"):
        status, text = await hong.get(page)
        assert status in (403, 404, 410), page
        assert "秘密" not in text


@pytest.mark.parametrize(
    "path",
    [
        "/file/0/../../../../etc/passwd",
        "/file/0/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/file/0/%2e%2e%2fwords.py",
        "/file/0/templates%2fbase.html",
        "/face/..%2f..%2f..%2fetc%2fpasswd",
        "/face/%00",
        "/character/..%2fwukong/card.json",
    ],
)
async def test_no_path_leads_out_of_the_files_of_the_pages(studio, path):
    browser = await studio.browser()
    async with browser.http.get(f"{browser.url}{path}", allow_redirects=False) as answer:
        text = await answer.text(errors="replace")
        assert "root:" not in text
        assert "import annotations" not in text
        assert answer.status == 404 or (answer.status, answer.content_type) == (
            200,
            "image/svg+xml",
        )


async def test_nobody_frames_the_pages_or_reads_them_from_elsewhere(studio):
    browser = await studio.browser()
    async with browser.http.get(browser.url + "/", headers={"Origin": "https://evil"}) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert "base-uri 'none'" in policy
        assert "form-action 'self'" in policy
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"
    for method in ("PUT", "DELETE", "TRACE", "OPTIONS"):
        async with browser.http.request(method, browser.url + "/me") as answer:
            assert answer.status in (404, 405)
    for form in ("/leave", "/rooms", "/me", "/talk/wukong"):  # a form is never a link
        assert (await browser.get(form))[0] in (200, 404, 405)
    assert (await browser.get("/me"))[0] == 200


async def test_a_browser_that_reads_no_stream_holds_nobody_up(studio, monkeypatch):
    """Slow readers: what they leave unread is bounded, and ends their stream."""
    monkeypatch.setattr(room_pages, "WRITTEN_WITHIN", 0.2)
    ming = await studio.browser()
    path = await studio.room(ming, "wukong")
    _, text = await ming.get(path)
    start = held(r"after=([^&\"]+)", text)
    reader, writer = await asyncio.open_connection("127.0.0.1", studio.server.port, limit=1)
    writer.write(
        f"GET {path}/stream?after={start} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Cookie: mrp_studio={ming.cookie}\r\n\r\n".encode()
    )
    await reader.read(1)
    async with studio.stream(ming, path, start) as stream:
        for number in range(60):  # more than the sockets between them hold
            text = f"第{number}件事。" + "长" * 3900
            await ming.post(f"{path}/order", order="narrate", argument=text)
        await studio.quiet(path)
        await events_until(stream, "第59件事")  # who reads is told all the same
    writer.close()
    status, _ = await ming.get(path)
    assert status == 200


async def test_many_guesses_at_a_link_are_refused_and_it_still_works(studio):
    code = await studio.site.sessions.invite(Link(Visitor("test:y", "y")))
    studio.site.strangers = Limits(Rate(20, 1), Rate(float("inf"), 60))
    guesser = studio.stranger()
    found = [(await guesser.post(f"/enter/{code[:-3]}{n:03x}"))[0] for n in range(30)]
    assert set(found) == {410, 429}
    assert found[-1] == 429
    assert len(code) >= 32  # 24 random bytes: not to be guessed
    assert await studio.site.sessions.is_link(code)


async def test_two_who_use_one_link_at_once_are_one(studio):
    code = await studio.site.sessions.invite(Link(Visitor("test:y", "y")))
    both = [studio.stranger() for _ in range(6)]
    found = await asyncio.gather(*(one.post(f"/enter/{code}") for one in both))
    assert sorted(status for status, _, _ in found) == [303] + [410] * 5


async def test_an_event_id_of_another_room_shows_nothing_of_it(studio):
    ming = await studio.browser()
    path = await studio.room(ming, "wukong")
    await studio.say(ming, path, "悟空，秘密")
    _, text = await ming.get(path)
    theirs = held(r"after=([^&\"]+)", text)
    hong = await studio.browser("test:小红", "小红")
    own = await studio.room(hong, "bajie")
    for after in (theirs, "-", "0-0", "9" * 400, "x\r\nSet-Cookie: a=b", "-1", "%00"):
        async with studio.stream(
            hong, own, "", **{"Last-Event-ID": after[:300].split("\r")[0]}
        ) as s:
            _, seen = await event(s)
            assert "秘密" not in seen
            assert "Set-Cookie" not in s.headers
        status, text = await hong.get(f"{path}/stream?after={after[:50]}")
        assert (status, "秘密" in text) == (404, False)
