"""Attacks, and what else should not happen to a page: each is refused in a sentence."""

from __future__ import annotations

import re

import pytest

from bot.limits import Limits, Rate
from bot.memory import Link, MemoryAway, Visitor
from bot.platforms.studio import server
from engine.sequence import EngineError
from tests.studio.conftest import Studio, held
from tests.studio.shots import a_scene, addresses

HTML = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&<svg onload=alert(1)>"


async def test_every_answer_forbids_foreign_things_and_inline_ones(studio):
    browser = await studio.browser(role="owner")
    path = await studio.room(browser, "wukong")
    for page in ("/", "/me", "/rooms", "/owner", path, "/no/such/page", "/file/0/studio.js"):
        async with browser.http.get(browser.url + page) as answer:
            text = await answer.text()
            policy = answer.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'self'")
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            if answer.content_type == "text/html":
                assert answer.headers["Cache-Control"] == "no-store"
                assert not re.search(r"<style|<script(?![^>]*\ssrc=)|\sstyle=|\son\w+=", text), page
                foreign = re.findall(r'(?:src|href|action)="(https?://[^"]+)"', text)
                assert foreign == []


async def test_html_and_scripts_in_what_people_and_models_write_are_text(studio):
    studio.script = lambda prompt: f"老孙看看{HTML}"
    browser = await studio.browser("test:x", HTML)
    _, _, path = await browser.post("/rooms", title=HTML, alone="1")
    await browser.post(f"{path}/order", order="summon wukong")
    await studio.quiet(path)
    _, page = await browser.get(path)
    position = held(r"after=([^&\"]+)", page)
    await studio.say(browser, path, HTML)
    await browser.post(f"{path}/order", order="narrate", argument=HTML)
    await browser.post(f"{path}/scene", place=HTML, mood=HTML, chapter="3", note=HTML)
    await studio.quiet(path)
    await browser.post("/me", order="remember", argument=HTML)
    await browser.post("/me", order="name", argument=HTML)
    pages = [
        await browser.get(p) for p in (path, "/me", "/rooms", f"{path}/transcript", f"/?q={HTML}")
    ]
    pages.append(await browser.get(f"{path}/edit"))
    async with studio.stream(browser, path, position) as stream:
        streamed = (await stream.content.readuntil(b"\n\n")).decode()
    for _, text in [*pages, (200, streamed)]:
        assert "alert(1)" in text
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "<svg onload" not in text


async def test_a_form_of_another_site_does_nothing(studio):
    browser = await studio.browser()
    path = await studio.room(browser)
    good = browser.csrf
    foreign = [
        {"csrf": ""},
        {"csrf": good[:-1]},
        {"csrf": "ü" * 20},
        {"headers": {"Origin": "https://evil.example"}},
        {"headers": {"Sec-Fetch-Site": "cross-site"}},
        {"headers": {"Sec-Fetch-Site": "same-site"}},
        {"headers": {"Origin": "null"}},
    ]
    for how in foreign:
        status, text, _ = await browser.post(f"{path}/say", text="我写了很久的话", **how)
        assert status == 403, how
        assert "我写了很久的话" in text  # nothing that was typed is lost
    other = await studio.browser("test:她", "她")
    status, _, _ = await browser.post(f"{path}/say", text="x", csrf=other.csrf)
    assert status == 403
    async with browser.http.post(f"{browser.url}{path}/say", data={"text": "x"}) as answer:
        assert answer.status == 403
    await studio.quiet(path)
    assert studio.house.stats["heard"] == 0
    status, _, _ = await browser.post(
        f"{path}/say", text="好", headers={"Origin": f"http://127.0.0.1:{studio.server.port}"}
    )
    assert status == 303


async def test_another_name_of_this_machine_is_refused(studio):
    browser = await studio.browser()
    for host in ("evil.example", "evil.example:8642", "127.0.0.1.evil.example", "[::2]:1", ""):
        async with browser.http.get(browser.url + "/me", headers={"Host": host}) as answer:
            assert answer.status in (400, 421), host
            assert "小明" not in await answer.text()
    async with browser.http.get(browser.url + "/me", headers={"Host": "localhost:1"}) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("kind", ["form", "multipart", "no length"])
async def test_uploads_of_50_mb_are_refused(studio, kind):
    browser = await studio.browser()
    large = b"x" * (50 << 20)
    data: object = b"csrf=x&text=" + large
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if kind == "multipart":
        data, headers = {"text": large}, {}
    elif kind == "no length":

        async def pieces():
            for start in range(0, len(large), 1 << 20):
                yield large[start : start + (1 << 20)]

        data = pieces()
    try:
        async with browser.http.post(browser.url + "/me", data=data, headers=headers) as answer:
            assert answer.status == 413
            assert f"{server.LARGEST_MB} MB" in await answer.text()
    except (ConnectionError, OSError):
        pass  # hung up on before it was sent
    assert (await browser.get("/me"))[0] == 200


async def test_whoever_asks_too_often_waits(studio):
    studio.site.requests = Limits(Rate(5, 60), Rate(float("inf"), 60))
    studio.site.strangers = Limits(Rate(3, 60), Rate(float("inf"), 60))
    stranger = studio.stranger()
    found = [(await stranger.get(f"/enter/guess{n}"))[0] for n in range(5)]
    assert found == [410, 410, 410, 429, 429]
    assert (await stranger.get("/file/0/studio.css"))[0] == 200  # not counted
    code = await studio.site.sessions.invite(Link(Visitor("test:y", "y")))
    studio.site.strangers = Limits(Rate(3, 60), Rate(float("inf"), 60))
    await stranger.post(f"/enter/{code}")
    found = [(await stranger.get("/rooms"))[0] for _ in range(7)]
    assert found[:4] == [200] * 4
    assert found[-1] == 429


async def test_a_base_path_behind_a_proxy(cast, memory):
    made = Studio(cast, memory)
    await made.start("/mrp", secure=True)
    try:
        stranger = made.stranger()
        async with stranger.http.get(str(made.server.make_url("/")), allow_redirects=False) as a:
            assert (a.status, a.headers["Location"]) == (308, "/mrp/")
        code = await made.site.sessions.invite(Link(Visitor("test:z", "z")))
        async with stranger.http.post(f"{made.url}/enter/{code}", allow_redirects=False) as answer:
            assert answer.headers["Location"] == "/mrp/"
            cookie = answer.headers["Set-Cookie"]
        for part in ("Path=/mrp", "HttpOnly", "SameSite=Lax", "Secure"):
            assert part in cookie
        token = held(r"^mrp_studio=([^;]+)", cookie)
        async with stranger.http.get(
            f"{made.url}/rooms", headers={"Cookie": f"mrp_studio={token}"}
        ) as answer:
            text = await answer.text()
            assert answer.status == 200
        links = re.findall(r'(?:href|src|action)="(/[^"]*)"', text)
        assert links
        assert all(link.startswith("/mrp/") for link in links)
    finally:
        await made.stop()


@pytest.mark.parametrize(
    "back",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x", "", "/a\nb: c"],
)
async def test_nobody_is_sent_to_another_site(studio, back):
    browser = await studio.browser()
    status, _, where = await browser.post("/look", back=back, theme="dark")
    assert (status, where) == (303, "/")
    _, _, where = await browser.post("/look", back="/rooms", language="en")
    assert where == "/rooms"
    _, text = await browser.get("/rooms")
    assert 'data-theme="dark"' in text
    assert "Your rooms" in text


async def test_memory_away_is_a_sentence_and_what_was_typed_stays(studio, monkeypatch):
    browser = await studio.browser()
    path = await studio.room(browser, "wukong")

    async def away(*_):
        raise MemoryAway("Redis (there) does not answer")

    monkeypatch.setattr(studio.site.sessions, "find", away)
    status, text = await browser.get("/me")
    assert status == 503
    assert "记忆" in text
    monkeypatch.undo()
    monkeypatch.setattr(studio.site.rooms, "granted", away)
    status, text, _ = await browser.post(f"{path}/say", text="我写了很久的话")
    assert status == 503
    assert "我写了很久的话" in text


async def test_a_page_that_fails_shows_nothing_of_its_insides(studio, monkeypatch, caplog):
    browser = await studio.browser()

    async def broken(*_):
        raise KeyError("secret insides")

    monkeypatch.setattr(studio.site.rooms, "granted", broken)
    status, text = await browser.get("/rooms")
    assert status == 500
    assert "secret insides" not in text
    assert "a page failed: KeyError" in caplog.text


async def test_every_page_is_light(studio):
    """What a first visit to any page loads, faces aside: at most 150 KB."""
    browser = await studio.browser("studio:owner", "主人", role="owner")
    room, files, pages = await a_scene(studio), dict[str, int](), 0
    for where in await addresses(studio, room):
        status, text = await browser.get(where)
        if status != 200 or not text.startswith("<!doctype html>"):
            continue
        pages += 1
        weight = len(text.encode())
        for file in set(re.findall(r'(?:src|href)="(/file/[^"]+)"', text)):
            if file not in files:
                async with browser.http.get(browser.url + file) as answer:
                    assert answer.status == 200
                    assert "immutable" in answer.headers["Cache-Control"]
                    files[file] = len(await answer.read())
            weight += files[file]
        assert weight < 150_000, where
    assert pages > 15


async def test_engine_away_is_said_in_the_room_and_what_was_said_stays(studio):
    def away(prompt: str) -> str:
        raise EngineError("the engine has gone")

    browser = await studio.browser()
    path = await studio.room(browser, "wukong")
    studio.script = away
    await studio.say(browser, path, "悟空，我写了很久的话")
    _, text = await browser.get(path)
    assert "我写了很久的话" in text
    assert 'class="line notice"' in text
    status, text, _ = await browser.post(
        "/make/try", name="小墨龙", brief="龙", greeting="来也！", persona="我写了很久的话"
    )
    assert status == 200
    assert "模型这次没有答上来" in text
    assert "我写了很久的话" in text
    studio.script = lambda prompt: "老孙又来了。"
    await studio.say(browser, path, "悟空，在么")
    _, text = await browser.get(path)
    assert "老孙又来了。" in text
