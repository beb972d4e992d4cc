"""What all requests share, and one request as the pages see it."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bot.house import House
from bot.limits import Limits, Rate
from bot.memory import Session, Sessions, Visitor
from bot.platforms.studio.addresses import Addresses
from bot.platforms.studio.figures import Figures
from bot.platforms.studio.hosting.desk import Desk
from bot.platforms.studio.pages import Look, Pages
from bot.platforms.studio.rooms import Rooms
from bot.platforms.studio.streams import Streams
from characters.card import Language, UnknownCharacter

log = logging.getLogger(__name__)

NOBODY = Visitor("")
PATIENCE = 4.0  # seconds that a page waits for Redis
# Requests of one person, and of one address that is not signed in; a page is some five of them.
REQUESTS = Limits(Rate(240, 480), Rate(float("inf"), 60))
STRANGERS = Limits(Rate(120, 120), Rate(float("inf"), 60))
# Fields that people write in, as the forms have them. A token is none: it is never shown again.
WRITTEN = (
    *("text", "argument", "lore", "keys", "mood", "note"),
    *("brief", "greeting", "persona", "style", "lines", "aliases", "categories"),
    *("words", "patterns", "say-zh", "say-en", "blocked", "why"),
)
# One line beside those; in other forms they say what a button is about, and nobody wrote them.
BESIDE = ("name", "place")
LONGEST_TYPED = 20_000  # characters of a field that are shown again


class Site:
    """The pages of one process: its house, who is signed in, the open rooms."""

    def __init__(self, house: House, addresses: Addresses, desk: Desk | None = None) -> None:
        self.house = house
        self.desk = desk or Desk.of(house, argparse.Namespace(), os.environ)
        self.addresses = addresses
        self.sessions = Sessions(house.memory, patience=PATIENCE)
        self.rooms = Rooms(house, self.sessions)
        self.pages = Pages(addresses.base, self.name_of)
        self.streams = Streams()
        self.figures = Figures(house.voice.engine, house.stats)
        self.requests = Limits(REQUESTS.person, REQUESTS.room)
        self.strangers = Limits(STRANGERS.person, STRANGERS.room)
        self._tasks: set[asyncio.Task[None]] = set()

    def name_of(self, character: str, language: Language) -> str:
        """A character's shown name; its id where it is nobody's (any more)."""
        try:
            return self.house.casts[character].name[language]
        except UnknownCharacter:
            return character

    def path(self, *parts: str) -> str:
        """The address of a page, without the host."""
        return self.pages.path(*parts)

    def later(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin something that outlasts its request."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("studio: what was asked for failed: %s", type(problem).__name__)

    async def close(self) -> None:
        """End what goes on in the background; what is being said is kept as far as it was said."""
        self.streams.close()
        await self.desk.chats.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: who asks, in which language, and the fields of a form they sent."""

    request: web.Request
    site: Site
    session: Session | None
    language: Language
    theme: str = ""
    form: Mapping[str, Any] = field(default_factory=dict)

    @property
    def visitor(self) -> Visitor:
        """Who asks; nobody where no one is signed in."""
        return self.session.visitor if self.session else NOBODY

    @property
    def by_script(self) -> bool:
        """Whether htmx asks, for a part of a page."""
        return self.request.headers.get("HX-Request") == "true"

    def text(self, name: str, longest: int = 5000) -> str:
        """A field of the form that is text; "" where there is none."""
        value = self.form.get(name, "")
        return value[:longest] if isinstance(value, str) else ""

    @property
    def typed(self) -> str:
        """What was written in the form, for a page that says why nothing came of it."""
        written = [self.text(name, LONGEST_TYPED).strip() for name in WRITTEN]
        if not any(written):
            return ""
        beside = [self.text(name, LONGEST_TYPED).strip() for name in BESIDE]
        return "\n\n".join(filter(None, (*beside, *written)))

    def part(self, name: str) -> str:
        """A variable part of the address."""
        return self.request.match_info.get(name, "")

    def page(self, template: str, *, status: int = 200, **values: Any) -> web.Response:
        """A page as a response."""
        look = Look(
            self.language,
            self.theme,
            self.visitor,
            self.session.csrf if self.session else "",
            self.request.path,
            self._again(),
        )
        text = self.site.pages.page(template, look, **values)
        return web.Response(text=text, status=status, content_type="text/html")

    def see(self, *parts: str) -> web.Response:
        """Go on to another page of the site."""
        return web.Response(status=303, headers={"Location": self.site.path(*parts)})

    def problem(self, status: int, key: str, *values: object, title: str = "") -> web.Response:
        """A page that says what is wrong and what to do, with what was typed; one sentence where a
        script asks, as its page holds what was typed. `key` and `title` are of the words."""
        if self.by_script:
            text = self.site.pages.part("trouble.html", self.language, (key, values))
            return web.Response(text=text, status=status, content_type="text/html")
        # What may be better the next time is tried again where it was.
        there = self.request.method == "POST" or status in (429, 500, 503)
        return self.page(
            "problem.html",
            status=status,
            problem=key,
            title=title or key,
            values=values,
            kept=self.typed,
            back=self._again() if there else self.site.path(""),
        )

    def _again(self) -> str:
        """The address that shows this page again; a form's leads to the page that it stands on."""
        url = self.request.rel_url
        return url.raw_path_qs if self.request.method == "GET" else url.raw_path
