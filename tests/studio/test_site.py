"""A form's answer is a page like others: it can be loaded again, and nothing typed is lost."""

from __future__ import annotations

import re

import pytest

from bot.limits import Limits, Rate
from bot.memory import MemoryAway
from bot.platforms.studio import pages
from bot.platforms.studio.routes import ROUTES
from bot.platforms.studio.site import BESIDE, WRITTEN
from tests.studio.conftest import held

FORMS = [route.path for route in ROUTES if route.method == "POST"]
# Fields of text that nobody writes anything in that would be missed, and one that is never shown.
OTHERS = {"q", "title", "chapter", "token", "checkpoint", "who"}
# What a form is sent with where everything that can be written is written.
TYPED = {name: f"我写了很久的{name}" for name in WRITTEN}


@pytest.fixture
async def owner(studio):
    return await studio.browser("studio:owner", "主人", role="owner")


def filled(path: str, room: str) -> str:
    path = path.replace("/room/{key}", room).replace("{id}", "wukong")
    return re.sub(r"{\w+}", "none", path)


def test_every_field_that_people_write_in_is_known():
    for file in (pages.HERE / "templates").glob("*.html"):
        for tag in re.findall(r"<(?:textarea|input)\b[^>]*>", file.read_text("utf-8")):
            kind = re.search(r'type="(\w+)"', tag)
            name = re.search(r'\sname="([^"]+)"', tag)
            if name is None or (kind and kind[1] not in ("text", "search")):
                continue
            known = {*WRITTEN, *BESIDE, *OTHERS, "{{ key }}", "say-{{ which }}"}
            assert name[1] in known, f"{file.name}: {tag}"


@pytest.mark.parametrize("path", FORMS)
async def test_nothing_typed_is_lost_while_the_memory_is_away(studio, owner, monkeypatch, path):
    async def away(*_):
        raise MemoryAway("Redis (there) does not answer")

    where = filled(path, "/room/studio:s1")
    monkeypatch.setattr(studio.site.sessions, "find", away)
    status, text, _ = await owner.post(where, **TYPED, token="123:SECRET")
    assert status == 503
    assert all(value in text for value in TYPED.values())
    assert "SECRET" not in text
    async with owner.http.post(
        owner.url + where, data=TYPED, headers={"HX-Request": "true"}
    ) as answer:
        assert answer.status == 503
        text = await answer.text()
    assert text.startswith("<p>")  # beside the form, which has all of it still
    assert "<html" not in text


@pytest.mark.parametrize("path", ["/make", "/owner/rules/filter", "/room/{key}/lore", "/me"])
async def test_nothing_typed_is_lost_where_it_is_refused(studio, owner, path):
    room = await studio.room(owner)
    where = filled(path, room)
    owner.csrf, csrf = "of an old page", owner.csrf
    status, text, _ = await owner.post(where, **TYPED)
    assert status == 403
    assert all(value in text for value in TYPED.values())
    owner.csrf = csrf
    studio.site.requests = Limits(Rate(1, 1), Rate(float("inf"), 60))
    await owner.get("/me")
    status, text, _ = await owner.post(where, **TYPED)
    assert status == 429
    assert all(value in text for value in TYPED.values())
    owner.http.cookie_jar.clear()
    status, text, _ = await owner.post(where, **TYPED)
    assert status == 401
    assert all(value in text for value in TYPED.values())


async def test_a_button_that_nobody_wrote_for_shows_nothing_written(studio, owner):
    owner.csrf = "old"
    status, text, _ = await owner.post("/owner/setup/model", name="shipped", do="use")
    assert (status, "你写的都在这里" in text) == (403, False)


@pytest.mark.parametrize("path", FORMS)
async def test_the_address_of_a_form_leads_to_its_page(studio, owner, path):
    """Loaded again, marked, or after another language was chosen on it."""
    room = await studio.room(owner)
    where = filled(path, room)
    async with owner.http.get(owner.url + where) as answer:
        assert answer.status in (200, 404, 410)
        text, there = await answer.text(), answer.url.path
    gets = {route.path for route in ROUTES if route.method == "GET"}
    if path not in gets:
        assert "<main" in text
        assert there.rstrip("/") in where
        assert answer.status == 200 or "none" in where


async def test_another_language_keeps_the_page_and_what_was_looked_for(studio, owner):
    for address in ("/?q=a+b&by=popular", "/rooms", "/me"):
        _, text = await owner.get(address)
        back = held(r'name="back" value="([^"]+)"', text).replace("&amp;", "&")
        status, _, where = await owner.post("/look", back=back, language="en")
        assert (status, where) == (303, address)
    _, text, _ = await owner.post("/owner/rules/trial", text="赌博")
    assert 'name="back" value="/owner/rules/trial"' in text
    async with owner.http.get(owner.url + "/owner/rules/trial", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/owner/rules")
