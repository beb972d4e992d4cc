"""Renders pages from the templates: everything that people or models wrote is escaped.

pages = Pages("/mrp", name_of)
html = pages.page("gallery.html", look, characters=…)
html = pages.part("changed.html", "zh", item)
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2

from bot.memory import Visitor
from bot.platforms.studio.words import WORDS
from characters.card import Language

HERE = Path(__file__).parent
# Files that pages load, and their folder and type.
FILES = {
    "studio.css": ("static", "text/css"),
    "studio.js": ("static", "text/javascript"),
    "hosting.css": ("static", "text/css"),
    "mark.svg": ("static", "image/svg+xml"),
    "htmx.min.js": ("htmx", "text/javascript"),
    "hx-sse.min.js": ("htmx", "text/javascript"),
    "hx-upsert.min.js": ("htmx", "text/javascript"),
}


@dataclass(frozen=True, slots=True)
class Look:
    """For whom a page is rendered: language, "dark" or "light" ("": as the system is), who reads
    it, what their forms carry, the path of the page, and the address that shows it again."""

    language: Language
    theme: str
    visitor: Visitor
    csrf: str
    here: str
    again: str = ""


class Pages:
    """The templates of one site. `base` is the path that all addresses begin with."""

    def __init__(self, base: str, name_of: Callable[[str, Language], str]) -> None:
        self._base = base
        self.files = {
            name: (HERE / folder / name).read_bytes() for name, (folder, _) in FILES.items()
        }
        versions = {name: sha256(data).hexdigest()[:8] for name, data in self.files.items()}
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(
            file=lambda name: f"{base}/file/{versions[name]}/{name}",
            path=self.path,
            name_of=name_of,
        )
        self._environment.filters.update(
            day=_day, clock=_clock, dom=_dom, gb=_gb, gib=_gib, bare=_bare
        )
        # What changed in a room is rendered once for all who watch it.
        self._shared = lru_cache(maxsize=512)(self.part)

    def words(self, language: Language) -> Callable[..., str]:
        """A function from a key of the words to the text, with values in its gaps."""

        def word(key: str, *values: object) -> str:
            return WORDS[key][language].format(*values)

        return word

    def path(self, *parts: str) -> str:
        """The address of a page, without the host."""
        return f"{self._base}/" + "/".join(quote(str(part), safe=":@") for part in parts)

    def page(self, template: str, look: Look, **values: Any) -> str:
        """A whole page."""
        return self._environment.get_template(template).render(
            look=look,
            language=look.language,
            t=self.words(look.language),
            csrf=look.csrf,
            visitor=look.visitor,
            **values,
        )

    def part(self, template: str, language: Language, value: Any) -> str:
        """A part that is the same for everybody who reads this language."""
        return self._environment.get_template(template).render(
            t=self.words(language), language=language, value=value
        )

    def shared(self, template: str, language: Language, value: Any) -> str:
        """The same, of a value that can be hashed: rendered once."""
        return self._shared(template, language, value)


def _dom(key: str) -> str:
    """A key as the id of an element, which a selector can name as it is."""
    return "i" + re.sub(r"[^A-Za-z0-9]", "_", key)


def _bare(text: str) -> str:
    """The help of a command without the marks that chats show as code."""
    return text.replace("`", "")


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds)) if seconds else ""


def _clock(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds)) if seconds else ""


def _gb(amount: float) -> str:
    """Bytes as GB, with as many digits as tell something."""
    return f"{amount / 1e9:.2f}" if amount < 1e9 else f"{amount / 1e9:.1f}"


def _gib(amount: float) -> str:
    return f"{amount / 2**30:.1f}"
