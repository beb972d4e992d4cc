"""Ways to go on that somebody offers: read from a line, and picked by their number. Pure.

offered("上山 | 下河 | 原地不动")        ->  ("上山", "下河", "原地不动")
pick("２", ("上山", "下河"))             ->  "下河"
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from text.numerals import number

LEAST, MOST = 2, 9
LONGEST = 200  # characters of one

_PICK = re.compile(
    r"\s*(?:我?选擇?择?|pick|choose|option)?\s*(?:第)?\s*([^\s个個条條项項号號.。、)）]{1,6})"
    r"\s*(?:个|個|条|條|项|項|号|號)?\s*[.。、)）!！]?\s*",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"^\s*(?:\d{1,2}\s*[.．、)）]|[-*•])\s*")


def offered(text: str) -> tuple[str, ...]:
    """The choices in a line, between bars, else lines, else semicolons; numbers before them are
    taken off. Nothing is checked: there may be one, or too many."""
    for mark in (r"[|｜]", r"\n", r"[;；]"):
        parts = [" ".join(_NUMBERED.sub("", part).split()) for part in re.split(mark, text)]
        if len(parts) > 1:
            return tuple(dict.fromkeys(filter(None, parts)))
    return tuple(filter(None, parts))


def pick(text: str, choices: Sequence[str]) -> str | None:
    """The choice that a message picks: by its number in either language, and nothing besides; or
    in its very words. None where it is ordinary talk."""
    if not choices or len(text) > LONGEST:
        return None
    if (said := " ".join(text.split()).casefold()) in (c.casefold() for c in choices):
        return next(c for c in choices if c.casefold() == said)
    found = _PICK.fullmatch(text)
    if found is None or re.fullmatch("[ivxlcdm]+", found[1], re.IGNORECASE):
        return None  # "I" is somebody who begins to speak
    which = number(found[1])
    return choices[which - 1] if which and 1 <= which <= len(choices) else None
