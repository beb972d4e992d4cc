"""How a narrator introduces speech: the words of `canon/lexicon/narration.toml` as patterns.

A `Grammar` knows a chapter's names (aliases, discovered names, roles such as 那老者) and
answers three questions about a clause: which persons it mentions, which of them acts, and
which of them is acted upon.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from canon.names import ChapterNames, alternation

LEXICON = Path(__file__).parent / "lexicon"


@lru_cache(maxsize=1)
def words() -> dict[str, tuple[str, ...]]:
    """The word lists of narration.toml, each as a tuple."""
    data = tomllib.loads((LEXICON / "narration.toml").read_text(encoding="utf-8"))
    return {key: tuple(dict.fromkeys(value.split())) for key, value in data.items()}


@dataclass(frozen=True)
class Mention:
    """A person named in a clause.

    start, end: offsets in the section's text, of the whole phrase (那老者).
    surface: the name without determiner (老者).
    name: the canonical name, or the surface when no table knows it.
    acts: whether the person does what the clause says (else it is spoken to or acted upon).
    known: whether the name is of a table or discovered (not only a role).
    """

    start: int
    end: int
    surface: str
    name: str
    acts: bool
    known: bool


class Grammar:
    """A book's names, compiled once; `in_chapter` gives the view of one chapter."""

    def __init__(self, names: Iterable[str]) -> None:
        # One-character aliases (怪, 妖) only count with a word in front (那怪, 老妖): the
        # patterns for roles find those.
        self.known = frozenset(name for name in names if len(name) > 1)
        lists = words()
        heads = "".join(lists["role_heads"])
        heralds = alternation(lists["role_heralds"])
        self.pattern = re.compile(
            r"(?:[那这](?:一个|几个|两个|个|位|些|伙|班|起)?)?(?P<name>"
            f"{alternation(self.known | set(lists['roles']))}"
            f"|(?:{heralds})[{heads}]|(?<=[那这])[{heads}])"
        )
        self.opener = re.compile(f"(?:{alternation(lists['openers'])})")

    def narrates(self, sentence: str) -> bool:
        """Whether only the narrator can have said this sentence: it opens as narration does."""
        sentence = sentence.lstrip()
        if self.opener.match(sentence):
            return True
        match = self.pattern.match(sentence)
        if match is None:
            return False
        rest = sentence[match.end() :]
        # A name that is called ("八戒，…", "行者啊") is not narration.
        if not rest or rest[0] in "，。！？、：；啊呀呵哥我你":
            return False
        return match["name"] in self.known or match.group()[0] in "那众"

    def mentions(
        self, names: ChapterNames, text: str, begin: int, end: int, *, last: bool
    ) -> list[Mention]:
        """Persons named in the clause text[begin:end], left to right.

        last: whether this is the clause that ends with the speech verb; there "只听得 X 道"
            has X speak, in an earlier clause X is only heard.
        """
        found = []
        for match in self.pattern.finditer(text, begin, end):
            surface = match["name"]
            if text[match.end() : match.end() + 1] in ("的", "之") and match.end() < end:
                continue  # 八戒的嘴: the mouth is the topic, not its owner
            found.append(
                Mention(
                    match.start(),
                    match.end(),
                    surface,
                    names.resolve(surface, match.start()),
                    _acts(text[begin : match.start()], last),
                    surface in self.known,
                )
            )
        return found


def _acts(before: str, last: bool) -> bool:
    """Whether a person named after these words of its clause is the one who acts."""
    before = before.strip().rstrip("那这个位一几两些")
    if not before:
        return True
    introduced = _introduced().search(before)
    if introduced:
        return last or not introduced.group().endswith(("听得", "闻得"))
    return not _object().search(before)


@lru_cache(maxsize=1)
def _introduced() -> re.Pattern[str]:
    return re.compile(f"(?:{alternation(words()['introducers'])})$")


@lru_cache(maxsize=1)
def _object() -> re.Pattern[str]:
    gaps = alternation(words()["object_gaps"])
    return re.compile(f"(?:{alternation(words()['object_words'])})(?:{gaps})?$")
