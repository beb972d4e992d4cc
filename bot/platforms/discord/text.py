"""Text for Discord: escaped, split into messages, names and ids within its limits. Pure.

    parts("…3,000 characters…")  ->  ("… up to 1,990 units …", "…")
    escape("*@everyone* <@1>")   ->  shown as typed: no bold, no mention

Lengths are counted in UTF-16 units: never fewer than code points.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

import discord

from bot.drafts import plain
from bot.platforms.text import shortened, split

# Discord takes 2,000; the rest is for the mark of a draft that is still being written.
LONGEST = 1990
LONGEST_NAME = 80
LONGEST_ID = 100

# The end of a draft. After a crash, a message that ends so is an unfinished draft.
WRITING = " ▍"

NOBODY = discord.AllowedMentions.none()  # no message of ours pings anybody

_NO_BREAK = "\u200b"
_MAY_BE_MARKUP = "@\\*_~`|<>[]:"
# Whatever stands behind a backslash and is no letter, digit or blank is shown as itself.
_MARKUP = re.compile(
    r"@(?=everyone|here|[!&]?\d)"  # a mention: no ping is allowed anyway, and none is to be drawn
    r"|[\\*_~`|<>\[\]]"
    r"|:(?=//)"  # no link
    r"|(?:(?<=\n)|\A)[ \t]*\d+(?=\.)"  # a numbered list
    r"|(?:(?<=\n)|\A)[ \t]*(?=[#+-])"  # heading, small text, list
)

# What `/web` sends: the address of the pages and a code of 24 random bytes.
_SIGN_IN = re.compile(r"https?://[^\s<>]+/enter/[\w-]{32}")

# Names that Discord refuses for webhooks, and what it refuses for names of people besides.
_FORBIDDEN = re.compile(r"(cly)(de)|(dis)(cord)", re.IGNORECASE)
_WIDE = str.maketrans({"@": "＠", "#": "＃", ":": "：", "`": "'"})


def escape(text: str) -> str:
    """Escape a text so that Discord shows it as typed: no markup, no link, no mention."""
    return _MARKUP.sub(_escaped, plain(text))


def told(text: str) -> str:
    """Escape a notice that is secret to one person; a sign-in link that is a line of its own stays
    a link, without a preview: to be pressed, and never fetched by Discord. Other notices hold what
    anybody wrote, and a link in them is text."""
    lines = plain(text).split("\n")
    return "\n".join(f"<{line}>" if _SIGN_IN.fullmatch(line) else escape(line) for line in lines)


def _escaped(match: re.Match[str]) -> str:
    found = match[0]
    if found == "@":
        return f"@{_NO_BREAK}"
    if found.strip(" \t").isdigit() or not found.strip(" \t"):
        return f"{found}\\"
    return f"\\{found}"


def parts(text: str, longest: int = LONGEST) -> tuple[str, ...]:
    """Split a text into parts that fit a message once escaped; blanks at the seams are dropped.

    Seams are at the ends of paragraphs, else sentences, else clauses, and never inside what is seen
    as one character. All parts but the last stay as they are while the text grows.
    """
    return split(plain(text), lambda rest: _that_fit(rest, longest))


def _that_fit(text: str, longest: int) -> int:
    """How many characters of the text fit if all that may be markup is escaped.

    Whether it is depends on what follows, and a seam must not move while the text grows.
    """
    length, begins = 0, True
    for place, character in enumerate(text[:longest]):
        length += (2 if character > "\uffff" else 1) + (begins or character in _MAY_BE_MARKUP)
        if length > longest:
            return place
        begins = character == "\n"
    return min(len(text), longest)


def webhook_name(name: str) -> str:
    """A valid username for a webhook's message: 1 to 80 units, without refused words and
    characters."""
    name = " ".join(plain(name).translate(_WIDE).split())
    name = _FORBIDDEN.sub(lambda m: "·".join(g for g in m.groups() if g), name)
    if name.casefold() in ("everyone", "here"):
        name += "·"
    if not any(unicodedata.category(c)[0] in "LNSP" for c in name):
        name = "…"
    return shortened(name, LONGEST_NAME)


def nonce(line_id: str, version: int, part: int) -> str:
    """The nonce of one part of a reply, so that Discord drops a repeated send; 24 of at most 25
    characters."""
    return hashlib.blake2s(f"{line_id}/{version}/{part}".encode(), digest_size=12).hexdigest()


def custom_id(*words: str) -> str:
    """The id of a button or menu: `mrp:…`.

    Raises:
        ValueError: it is longer than Discord's 100 characters.
    """
    found = ":".join(("mrp", *words))
    if len(found) > LONGEST_ID:
        raise ValueError(f"a custom id has at most {LONGEST_ID} characters: {found}")
    return found
