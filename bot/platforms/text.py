"""Text on platforms that bound a message's length: where to cut it, and how long it is. Pure.

Telegram counts UTF-16 units, and so do Discord's own clients.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable

_PARAGRAPH = re.compile(r"\n+")
_SENTENCE = re.compile(r"(?:[。！？!?…；]+|\.(?=\s)|——)[」』”’\"')）~～]*\s*")
_CLAUSE = re.compile(r"[，、,;：:]\s*|\s+")


def units(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text) + sum(c > "\uffff" for c in text)


def split(text: str, fits: Callable[[str], int]) -> tuple[str, ...]:
    """The text in parts; blanks at the seams are dropped, nothing else is.

    `fits` says how many characters at the front of a text fit one message. Seams are at the ends of
    paragraphs, else sentences, else clauses, and never inside what is seen as one character. All
    parts but the last stay as they are while the text grows.
    """
    rest, found = text.strip(), []
    while rest:
        most = fits(rest)
        cut = len(rest) if most == len(rest) else _seam(rest, most)
        found.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return tuple(found)


def shortened(text: str, longest: int) -> str:
    """The beginning of a text within so many units, marked by … where something is missing."""
    if units(text) <= longest:
        return text
    cut = min(len(text), longest)
    while cut and (units(text[:cut]) > longest - 1 or _inside(text, cut)):
        cut -= 1
    return f"{text[:cut].rstrip()}…"


def is_document(text: str) -> bool:
    """Whether a text is a JSON object (an export), which is sent as a file however short it is."""
    if not text.lstrip().startswith("{"):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _seam(text: str, fits: int) -> int:
    """Where to cut the text, after at most `fits` characters."""
    window = text[:fits]
    for seams, least in ((_PARAGRAPH, 0.6), (_SENTENCE, 0.3), (_CLAUSE, 0.5)):
        ends = [m.end() for m in seams.finditer(window) if m.end() > least * fits]
        if ends and not _inside(text, ends[-1]):
            return ends[-1]
    cut = fits
    while cut > max(1, fits - 40) and _inside(text, cut):
        cut -= 1
    return cut if cut > max(1, fits - 40) else fits


def _inside(text: str, place: int) -> bool:
    """Whether a cut there would tear what is seen as one character."""
    if not 0 < place < len(text):
        return False
    before, after = text[place - 1], text[place]
    if unicodedata.combining(after) or unicodedata.category(after) in ("Mn", "Me", "Mc"):
        return True
    if "\u200d" in (before, after) or "\ufe00" <= after <= "\ufe0f" or "🏻" <= after <= "🏿":
        return True
    if _flag(before) and _flag(after):
        begin = place - 1
        while begin and _flag(text[begin - 1]):
            begin -= 1
        return (place - begin) % 2 == 1
    return False


def _flag(character: str) -> bool:
    return "🇦" <= character <= "🇿"
