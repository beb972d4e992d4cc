"""Every page and form, and who may use it: one table, tried over HTTP."""

import pytest

from bot.memory import Link, Visitor
from bot.platforms.studio import routes
from bot.platforms.studio.access import RANK, refusal
from speech.speaker import Speaker
from tests.fakes.toner import Toner

# The least role of every route, written down a second time on purpose.
LEAST = {
    "GET /": "anybody",
    "GET /enter/{code}": "anybody",
    "POST /enter/{code}": "anybody",
    "POST /look": "anybody",
    "GET /file/{version}/{name}": "anybody",
    "GET /face/{id}": "anybody",
    "POST /leave": "member",
    "POST /leave/everywhere": "member",
    "GET /character/{id}": "member",
    "GET /character/{id}/card.{format}": "member",
    "GET /make": "member",
    "POST /make": "member",
    "POST /make/preview": "member",
    "POST /make/try": "member",
    "POST /import": "member",
    "GET /character/{id}/change": "member",
    "POST /character/{id}/change": "member",
    "POST /character/{id}/withdraw": "member",
    "POST /talk/{id}": "member",
    "POST /bring/{id}": "member",
    "GET /rooms": "member",
    "POST /rooms": "member",
    "POST /rooms/remove": "member",
    "GET /join/{code}": "member",
    "POST /join/{code}": "member",
    "GET /room/{key}": "member",
    "GET /room/{key}/stream": "member",
    "GET /room/{key}/sound/{line}": "member",
    "POST /room/{key}/say": "member",
    "POST /room/{key}/order": "member",
    "POST /room/{key}/scene": "member",
    "POST /room/{key}/invite": "member",
    "GET /room/{key}/edit": "member",
    "POST /room/{key}/edit": "member",
    "GET /room/{key}/why": "member",
    "GET /room/{key}/transcript": "member",
    "POST /room/{key}/branch": "member",
    "GET /room/{key}/file/{id}": "member",
    "GET /room/{key}/lore": "member",
    "POST /room/{key}/lore": "member",
    "GET /room/{key}/orders": "member",
    "GET /me": "member",
    "POST /me": "member",
    "GET /me/export": "member",
    "GET /owner": "owner",
    "GET /owner/setup": "owner",
    "POST /owner/setup/model": "owner",
    "GET /owner/setup/came": "owner",
    "POST /owner/setup/token": "owner",
    "POST /owner/setup/doctor": "owner",
    "POST /owner/setup/done": "owner",
    "POST /owner/restart": "owner",
    "GET /owner/ready": "owner",
    "GET /owner/reviews": "owner",
    "POST /owner/reviews": "owner",
    "GET /owner/rules": "owner",
    "POST /owner/rules/rights": "owner",
    "POST /owner/rules/limits": "owner",
    "POST /owner/rules/filter": "owner",
    "POST /owner/rules/trial": "owner",
    "GET /owner/backups": "owner",
    "POST /owner/backups": "owner",
    "POST /owner/backups/make": "owner",
    "GET /owner/backups/file/{name}": "owner",
    "GET /owner/workshop": "owner",
    "POST /owner/workshop": "owner",
    "POST /owner/workshop/bring": "owner",
    "GET /owner/workshop/job/{job}": "owner",
    "POST /owner/workshop/job/{job}": "owner",
    "GET /owner/workshop/report/{report}/{file}": "owner",
    "GET /owner/feedback": "owner",
    "GET /owner/feedback/{kind}": "owner",
}


def test_the_table_is_what_was_agreed():
    assert {f"{r.method} {r.path}": r.least for r in routes.ROUTES} == LEAST


@pytest.mark.parametrize("least", RANK)
@pytest.mark.parametrize("role", [None, "member", "moderator", "owner", "no such role"])
def test_a_role_may_what_the_ones_below_it_may(least, role):
    why = refusal(least, Visitor("x:1", "x", role) if role else None)
    if least == "anybody":
        assert why == ""
    elif role is None:
        assert why == "sign in"
    else:
        order = ["no such role", "member", "moderator", "owner"]
        assert (why == "") == (order.index(role) >= order.index(least))


async def test_every_route_and_every_role(studio):
    studio.house.shared.speaker = Speaker(Toner())
    who = {"anybody": studio.stranger()}
    for role in ("member", "moderator", "owner"):
        who[role] = await studio.browser(f"test:{role}", role, role=role)
    paths: dict[str, str] = {}
    for route in routes.ROUTES:
        for role, browser in who.items():
            path = await a_path(studio, browser, route.path, role, paths)
            if route.path.startswith("/leave"):
                browser = (
                    browser if role == "anybody" else await studio.browser("test:leaves", role=role)
                )
            status = await answered(browser, route, path)
            may = RANK[role] >= RANK[route.least]
            where = f"{role}: {route.method} {path} -> {status}"
            if may:
                # A form that is empty, a character that is nobody's to change, no chat, no file.
                empty = path.startswith(("/make", "/import", "/character/wukong/", "/bring/"))
                empty = empty or path.endswith(("/branch", "/lore")) or "/file/" in path
                empty = empty or path.startswith("/owner/")
                assert status in (200, 204, 303, *((400, 404, 409) if empty else ())), where
            else:
                assert status == (401 if role == "anybody" else 403), where


async def a_path(studio, browser, pattern, role, paths):
    """An address of a route that is there: a room of this browser, a link that is good."""
    if "{key}" in pattern:
        if role not in paths:
            paths[role] = "/room/studio:none"
            if role != "anybody":
                paths[role] = await studio.room(browser, "wukong", alone=False)
        line = "none"
        if role != "anybody":
            feed = await studio.site.rooms.feed(paths[role].removeprefix("/room/"))
            line = next(k for k, i in feed.transcript.items.items() if i.kind == "character")
        path = pattern.replace("/room/{key}", paths[role])
        return path.replace("{id}", "none").replace("{line}", line)
    if pattern == "/enter/{code}":
        code = await studio.site.sessions.invite(Link(Visitor(f"test:{role}", role, role)))
        return f"/enter/{code}"
    if pattern == "/join/{code}":
        code = await studio.site.sessions.invite(Link(Visitor(""), "studio:s1"))
        return f"/join/{code}"
    version_name = "/file/{version}/{name}"
    if pattern == version_name:
        return "/file/0/studio.css"
    pattern = pattern.replace("{name}", "none").replace("{job}", "1700000000000-abcdef")
    pattern = pattern.replace("{report}", "none").replace("{file}", "page.html")
    return pattern.replace("{id}", "wukong").replace("{kind}", "dpo").replace("{format}", "png")


async def answered(browser, route, path):
    if route.method == "GET":
        if path.endswith("/stream"):
            async with browser.http.get(browser.url + path) as answer:
                return answer.status
        kept = browser.csrf
        status, _ = await browser.get(path)
        browser.csrf = kept or browser.csrf
        return status
    fresh = "" if browser.cookie == "" else (await browser.get("/me")) and browser.csrf
    line = await last_line(browser, path) if path.endswith("/edit") else ""
    fields = {"text": "你好", "order": "recap", "argument": "", "line": line, "csrf": fresh}
    if path == "/me":
        fields["order"] = "retention"
    if path.startswith("/enter/"):
        jar = browser.http.cookie_jar
        kept = list(jar)
        status, _, _ = await browser.post(path, **fields)
        if not kept:
            jar.clear()  # nobody is signed in with this browser, for the next route
        return status
    status, _, _ = await browser.post(path, **fields)
    return status


async def last_line(browser, path):
    import re

    _, text = await browser.get(path)
    found = re.search(r'name="line" value="([^"]+)"', text)
    return found[1] if found else ""
