"""Who a line says its speaker is. Pure.

    claims("我是八戒！", ["猪八戒", "八戒", "孙悟空"])           ->  ["八戒"]
    own_words("降龙伏虎，自称老孙。")                           ->  ("老孙",)
    calls_itself("贫僧这就去。", ["贫僧", "老猪"])               ->  True

Small models take the characters for one another; who reads along takes that for the worst of all
mistakes. Only what is plain counts: what is somebody's, what is quoted, and who is called or asked
by a name are no claims.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache

_I_AM = re.compile(
    r"(?<![不说让叫问若如当])(?:我|俺)(?:就|便|正|才)?(?:是|叫|乃)(?:做|作)?|\bI(?:'|’| a)m ",
    re.IGNORECASE,
)
_THEIRS = re.compile(r"[的之]|['’]s\b|师徒|家[的里]")
_SHORTEST = 2  # characters of a name that is not also a word
# How cards put it: 自称老沙或沙僧, "calls herself this humble lady".
_CALLS = re.compile(
    r"自称([^，。；、或和\s]{2,6})(?:[、或]([^，。；、或\s]{2,6}))?"
    r"|\bcalls (?:him|her|it|them)sel(?:f|ves) ([a-z ]+?)(?: or ([a-z ]+?))?(?:[.,;]|$)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"“[^”]*”|「[^」]*」|『[^』]*』|\"[^\"]*\"")


def claims(text: str, names: Iterable[str]) -> list[str]:
    """The names, folded, that the speaker of a line gives itself; of several that fit the
    longest."""
    folded = text.casefold()
    begun = [claim.end() for claim in _I_AM.finditer(folded)]
    if not begun:
        return []
    known = sorted({n.casefold() for n in names if len(n) >= _SHORTEST}, key=len, reverse=True)
    found = []
    for at in begun:
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


@lru_cache(maxsize=4096)
def own_words(description: str) -> tuple[str, ...]:
    """The words that somebody has for itself by the description of its card."""
    found = (word for call in _CALLS.findall(description) for word in call)
    return tuple(dict.fromkeys(word.strip() for word in found if word.strip()))


def calls_itself(text: str, words: Iterable[str], names: Collection[str] = ()) -> bool:
    """Whether the speaker of a line speaks of itself by one of the words.

    A word that is also among the `names` (老孙) may stand for whoever has it: it counts only where
    a clause begins with it and nobody is called by it.
    """
    bare = _QUOTED.sub(" ", text).casefold()
    known = {name.casefold() for name in names}
    for word in {word.casefold() for word in words}:
        for at in _places(bare, word):
            after = bare[at + len(word) : at + len(word) + 1]
            begins = not bare[:at].rstrip() or not bare[:at].rstrip()[-1].isalnum()
            if word not in known or (begins and (after.isalnum() or after == " ")):
                return True
    return False


def _places(text: str, word: str) -> Iterable[int]:
    at = text.find(word)
    while at >= 0:
        before = text[at - 1 : at]
        if _ends(text, at, word) and not (before.isascii() and before.isalnum()):
            yield at
        at = text.find(word, at + 1)


def _ends(text: str, at: int, name: str) -> bool:
    """Whether the name at `at` is no beginning of a longer word: Bob is none in Bobby."""
    after = text[at + len(name) : at + len(name) + 1]
    return not (name[-1:].isascii() and after.isascii() and after.isalnum())
