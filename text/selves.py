"""Who a line says its speaker is. Pure.

    claims("老孙走了。我就是猪八戒的哥哥，我是八戒！", ["猪八戒", "八戒", "孙悟空"])  ->  ["八戒"]

Small models take the characters for one another; who reads along takes that for the worst of all
mistakes. Only plain claims count: 我是 X, I am X. What is X's, what somebody else says, and X in a
question that is put to another are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_I_AM = re.compile(
    r"(?<![不说让叫问若如当])(?:我|俺)(?:就|便|正|才)?(?:是|叫|乃)(?:做|作)?|\bI(?:'|’| a)m ",
    re.IGNORECASE,
)
_THEIRS = re.compile(r"[的之]|['’]s\b|师徒|家[的里]")
_SHORTEST = 2  # characters of a name that is not also a word


def claims(text: str, names: Iterable[str]) -> list[str]:
    """The names, folded, that the speaker of a line gives itself; of several that fit the
    longest."""
    folded = text.casefold()
    known = sorted({n.casefold() for n in names if len(n) >= _SHORTEST}, key=len, reverse=True)
    found = []
    for claim in _I_AM.finditer(folded):
        at = claim.end()
        said = next((n for n in known if folded.startswith(n, at) and _ends(folded, at, n)), "")
        if said and not _THEIRS.match(folded, at + len(said)):
            found.append(said)
    return found


def claims_another(text: str, own: Iterable[str], others: Iterable[str]) -> bool:
    """Whether a line says that its speaker is one of the `others`; what is also among its `own`
    names is its own."""
    mine = list(own)
    folded = {name.casefold() for name in mine}
    return any(name not in folded for name in claims(text, (*mine, *others)))


def _ends(text: str, at: int, name: str) -> bool:
    """Whether the name at `at` is no beginning of a longer word: Bob is none in Bobby."""
    after = text[at + len(name) : at + len(name) + 1]
    return not (name[-1:].isascii() and after.isascii() and after.isalnum())
