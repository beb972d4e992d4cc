"""The first steps: a model that fits, the chat platforms' tokens, and what the doctor finds."""

from __future__ import annotations

import asyncio
import os

from aiohttp import web

from bot import settings
from bot.doctor.examine import Examination, examine
from bot.doctor.finding import Finding
from bot.jobs import JobProblem
from bot.platforms import registry
from bot.platforms.studio.hosting.models import SHIPPED_NAME, fetched, shelf
from bot.platforms.studio.site import Ask
from bot.secrets import without_empty
from hub.choice import choose, default_model, use
from hub.error import HubError

# Where a token is made.
MAKERS = {
    "discord": "https://discord.com/developers/applications",
    "telegram": "https://t.me/BotFather",
}
PULL = "pull"  # the kind of a job that fetches a model


async def page(ask: Ask) -> web.StreamResponse:
    """All three steps."""
    return await _page(ask)


async def _page(
    ask: Ask, told: str = "", *, status: int = 200, found: Examination | None = None
) -> web.Response:
    desk, voice = ask.site.desk, ask.site.house.voice
    running = desk.jobs.running()
    pulling = running if running and running.kind == PULL else None
    chosen = default_model(os.environ) or SHIPPED_NAME
    given = desk.given.get("MRP_MODEL", "") or desk.given.get("MRP_ENGINE", "")
    return ask.page(
        "setup.html",
        status=status,
        told=told,
        shelf=await asyncio.to_thread(shelf, desk.workshop),
        model=voice.name,
        placement=voice.placement,
        given=given,
        refused=_refused(),
        chosen=chosen,
        waits=desk.restart is not None and chosen != desk.serving and not given,
        pulling=pulling,
        busy=running,
        last=next((job for job in desk.jobs.all() if job.kind == PULL), None),
        came=fetched(pulling.about) if pulling else (0, 0),
        chats=desk.chats.all(),
        makers=MAKERS,
        found=found.findings if found else None,
    )


def _refused() -> str:
    """Which model could not be opened at the last restart, and why."""
    file = settings.kept(settings.REFUSED)
    try:
        return file.read_text(encoding="utf-8").strip()[:1000] if file else ""
    except (OSError, UnicodeDecodeError):
        return ""


async def model(ask: Ask) -> web.StreamResponse:
    """A model is chosen, or fetched by a job."""
    desk, words = ask.site.desk, ask.site.pages.words(ask.language)
    name, what = ask.text("name", 300), ask.text("do", 10)
    known = {one.name: one for one in (await asyncio.to_thread(shelf, desk.workshop)).all}
    if name not in known:
        return await _page(ask, words("setup no model"), status=400)
    try:
        if what == "fetch":
            desk.jobs.start(PULL, ["model", "pull", name], name)
        elif known[name].here:
            await asyncio.to_thread(_use, name)
            settings.keep(settings.REFUSED, "")
        else:
            return await _page(ask, words("setup fetch first", name), status=400)
    except (HubError, JobProblem, settings.SettingsProblem) as problem:
        return await _page(ask, words("in its words", problem), status=409)
    return ask.see("owner", "setup")


def _use(name: str) -> None:
    if name == SHIPPED_NAME:
        use("")
        return
    use(str(choose(name).name))  # raises HubError where it cannot be opened by that name


async def came(ask: Ask) -> web.StreamResponse:
    """How much of a model has come down: a part of the page, asked for again and again."""
    running = ask.site.desk.jobs.running()
    if running is None or running.kind != PULL:
        return web.Response(status=200, headers={"HX-Refresh": "true"})
    return ask.page("came.html", pulling=running, came=fetched(running.about))


async def token(ask: Ask) -> web.StreamResponse:
    """A chat platform's token is given, or taken away. It is never shown again."""
    chats, words = ask.site.desk.chats, ask.site.pages.words(ask.language)
    row = next((r for r in registry.with_tokens() if r.name == ask.text("chat", 40)), None)
    if row is None or row.wanted(os.environ):
        return await _page(ask, words("setup no chat"), status=400)
    try:
        if ask.text("do", 10) == "remove":
            await chats.take_away(row)
        elif not await chats.give(row, ask.text("token", 300).strip()):
            return await _page(ask, words("setup no token", row.name.capitalize()), status=400)
    except settings.SettingsProblem as problem:
        return await _page(ask, words("in its words", problem), status=500)
    return ask.see("owner", "setup")


async def doctor(ask: Ask) -> web.StreamResponse:
    """Everything is looked at, as `mrp doctor` does; the model is the one that runs."""
    voice = ask.site.house.voice
    notes = getattr(voice.engine, "notes", ())
    open_model = [Finding("well", "model", f"{voice.name}, on {voice.placement}")]
    open_model += [Finding("warning", "model", note, "choose another above") for note in notes]
    environment = settings.with_tokens(without_empty(os.environ))
    found = await examine(ask.site.desk.options, environment, model=open_model)
    return await _page(ask, found=found)


async def done(ask: Ask) -> web.StreamResponse:
    """The first steps are through."""
    settings.keep(settings.SEEN, "yes\n")
    return ask.see("")


async def restart(ask: Ask) -> web.StreamResponse:
    """The process begins anew, with what was chosen; the page waits for it."""
    desk = ask.site.desk
    if desk.restart is None:
        return ask.problem(409, "no restart")
    response = ask.page("restarting.html", boot=desk.boot)
    asyncio.get_running_loop().call_later(0.3, desk.restart)  # the answer goes out first
    return response


async def ready(ask: Ask) -> web.StreamResponse:
    """Whether it is a new process that answers: asked by the page that waits for one."""
    if ask.request.query.get("boot", "") == ask.site.desk.boot:
        return web.Response(status=204)
    return web.Response(status=200, headers={"HX-Redirect": ask.site.path("owner", "setup")})
