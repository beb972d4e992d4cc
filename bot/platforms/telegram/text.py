"""Text as Telegram takes it: escaped HTML within 4,096 UTF-16 units. Pure.

Telegram counts after it has parsed the HTML, so escapes cost nothing; a heading counts as it reads.
"""

from __future__ import annotations

import hashlib
import html
import re

from bot.drafts import plain
from bot.platforms.text import split, units

LONGEST = 4096

_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@(\w{3,64}))?(?=\s|$)(.*)", re.DOTALL)


def escape(text: str) -> str:
    """The text so that Telegram shows it as it is."""
    return html.escape(plain(text), quote=True)


def messages(heading: str, text: str, longest: int = LONGEST) -> tuple[str, ...]:
    """A text as the HTML of one message or several, each under the heading in bold ("": none)."""
    head = f"<b>{escape(heading)}</b>\n" if heading else ""
    room = longest - (units(plain(heading)) + 1 if heading else 0)
    parts = split(plain(text), lambda rest: _that_fit(rest, room))
    return tuple(f"{head}{escape(part)}" for part in parts)


def _that_fit(text: str, longest: int) -> int:
    length = 0
    for place, character in enumerate(text[:longest]):
        length += 2 if character > "\uffff" else 1
        if length > longest:
            return place
    return min(len(text), longest)


def addressed(text: str, me: str) -> str | None:
    """A message without what addresses the bot `me`: 「/summon@me 悟空」, 「@me 悟空，你好」.

    None when it is a command for another bot.
    """
    command = _COMMAND.match(text.strip())
    if command:
        name, other, rest = command.groups()
        if other and other.casefold() != me.casefold():
            return None
        return f"/{name}{rest}"
    if not me:
        return text
    return re.sub(
        rf"(?<![A-Za-z0-9._-])@{re.escape(me)}\b[,，:：]?\s*", "", text, flags=re.IGNORECASE
    )


def draft_id(line_id: str) -> int:
    """A number for the drafts of one line; never 0, which Telegram refuses."""
    return int.from_bytes(hashlib.blake2s(line_id.encode(), digest_size=4).digest()) >> 1 or 1
