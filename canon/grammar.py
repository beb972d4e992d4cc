"""How a narrator introduces speech: the words of `canon/lexicon/narration.toml` as patterns.

A `Grammar` knows a book's names (aliases, discovered names, roles such as 那老者) and tells of a
clause which persons it mentions and which of them act.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from canon.names import ChapterNames, alternation

LEXICON = Path(__file__).parent / "lexicon"


@lru_cache(maxsize=1)
def words() -> dict[str, tuple[str, ...]]:
    """The word lists of narration.toml, each as a tuple."""
    data = tomllib.loads((LEXICON / "narration.toml").read_text(encoding="utf-8"))
    return {
        key: tuple(dict.fromkeys(value.split()))
        for key, value in data.items()
        if isinstance(value, str)
    }


@lru_cache(maxsize=1)
def groups() -> dict[str, int]:
    """Words for several persons (二人) and how many they are; 0 where that is open."""
    data = tomllib.loads((LEXICON / "narration.toml").read_text(encoding="utf-8"))
    return {word: int(size) for size, row in data["groups"].items() for word in row.split()}


@dataclass(frozen=True)
class Mention:
    """A person named in a clause.

    start, end: offsets in the section's text, of the whole phrase (那老者).
    surface: the name without determiner (老者).
    name: the canonical name, or the surface when no table knows it.
    acts: whether the person does what the clause says (else it is spoken to or acted upon).
    known: whether the name is of a table or discovered (not only a role).
    firm: whether it acts beyond doubt: first in its clause, or right after an introducer.
    """

    start: int
    end: int
    surface: str
    name: str
    acts: bool
    known: bool
    firm: bool = False


@lru_cache(maxsize=1)
def then_acts() -> str:
    """A lookahead: the clause goes on as it does when what stands before acts."""
    return f"(?=[{''.join(words()['then_acts'])}])"


class Grammar:
    """A book's names, compiled once; `in_chapter` gives the view of one chapter."""

    def __init__(self, names: Iterable[str]) -> None:
        # One-character aliases (怪, 妖) only count with a word in front (那怪, 老妖): the
        # patterns for roles find those.
        every = frozenset(names)
        self.known = frozenset(name for name in every if len(name) > 1)
        single = "".join(sorted(name for name in every if len(name) == 1))
        lists = words()
        heads = "".join(lists["role_heads"])
        heralds = alternation(lists["role_heralds"])
        counts = alternation(lists["role_counts"])
        before = f"[那这](?:{counts})?|[一几两二三四五六七八]个|一位|一群|一班|一伙"
        self.pattern = re.compile(
            f"(?:{before})?(?P<name>{alternation(self.known | set(lists['roles']))}"
            f"|(?:{heralds})[{heads}]|(?:{alternation(groups())}){then_acts()}"
            # 操曰: a one-character name where a clause begins and goes on with a verb.
            f"|(?<![\u4e00-\u9fff])[{single or '□'}]"
            "(?=[曰道大笑怒叹答谢泣急乃遂又亦闻见问传奏听即]))"
            f"|(?:{before})(?P<head>[{heads}])"
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
        return (match["name"] or "") in self.known or match.group()[0] in "那众"

    def mentions(
        self, names: ChapterNames, text: str, begin: int, end: int, *, last: bool
    ) -> list[Mention]:
        """Persons named in the clause text[begin:end], left to right.

        last: whether this is the clause that ends with the speech verb; there "只听得 X 道"
            has X speak, in an earlier clause X is only heard.
        """
        found: list[Mention] = []
        for match in self.pattern.finditer(text, begin, end):
            surface = match["name"] or match["head"]
            following = text[match.end() : end]
            if following.startswith(("的", "之")) or _owned().match(following):
                continue  # 八戒的嘴, 行者耳边: the owner is not the topic
            before = text[begin : match.start()]
            if before.endswith(("把", "将", "把那", "把个")) and _FRIGHTENED.match(following):
                # 行者把长老唬得…道: the one who is frightened speaks, and nobody else.
                before, found = "", [replace(mention, acts=False) for mention in found]
            firm = _firm(before)
            if surface in groups():
                acts = firm
            elif surface == "有人":
                acts = last  # 山峰上有人叫道
            elif found and _SAME_PHRASE.fullmatch(text[found[-1].end : match.start()]):
                acts = found[-1].acts  # 八戒沙僧, 龙子、龙孙: one phrase
            else:
                acts = _acts(before, last, surface in self.known)
                if before.endswith("是") and not following.strip("，。！？, \n\u3000"):
                    acts = False  # 原来是沙僧，…: said of him; but 原来是沙僧站在崖上道
            found.append(
                Mention(
                    match.start(),
                    match.end(),
                    surface,
                    names.resolve(surface, match.start()),
                    acts,
                    surface in self.known or len(surface) == 1,
                    acts and firm,
                )
            )
        return found


_SAME_PHRASE = re.compile("并|及|[^，]{0,8}、[^，]{0,4}|")
_SEES_ONE = re.compile("见了?(?:有|那里)?[一几两三四]个?$")
_DESCRIBED = re.compile("(?:却说|只见|忽见|且说|单说|话说|原来)?[那这][^，]{0,3}")
_COUNTED = "那这个位一二两三四五六七八九十百千几数些名众诸"
_AFFECTED = re.compile("[了着住倒定退杀得脱]$")
# 把长老唬得…道: the one who is frightened speaks.
_FRIGHTENED = re.compile("[唬吓慌羞气急惊喜恼疼][得的]")


def _acts(before: str, last: bool, known: bool) -> bool:
    """Whether a person named after these words of its clause is the one who acts."""
    if _SEES_ONE.search(before):
        return True  # 见一个老和尚，…作礼道: who is new comes to speak
    before = before.strip().rstrip(_COUNTED)
    if not before:
        return True
    introduced = _introduced().search(before)
    if introduced:
        return last or not introduced.group().endswith(("听得", "闻得"))
    if re.fullmatch("[那这][^，]{0,6}[上下里中内外边旁前后]", before):
        return True  # 那滩上僧人: where they are belongs to the name
    if _object().search(before) or _AFFECTED.search(before):
        return False
    words_before = list(_strong().finditer(before[-9:]))
    if words_before:
        return words_before[-1]["object"] is None
    return not known or len(before) <= 3


def _firm(before: str) -> bool:
    if _DESCRIBED.fullmatch(before.strip()) and not _object().search(before.strip()):
        return True  # 却说那七衣 | 仙女
    before = before.strip().rstrip(_COUNTED)
    return not before or (len(before) <= 5 and bool(_introduced().search(before)))


@lru_cache(maxsize=1)
def _strong() -> re.Pattern[str]:
    introducers = [word for word in words()["introducers"] if len(word) > 1] + ["被", "有"]
    return re.compile(
        f"(?P<subject>{alternation(introducers)})|(?P<object>{alternation(words()['strong_objects'])})"
    )


@lru_cache(maxsize=1)
def _introduced() -> re.Pattern[str]:
    return re.compile(f"(?:{alternation(words()['introducers'])})$")


@lru_cache(maxsize=1)
def _object() -> re.Pattern[str]:
    gaps = alternation(words()["object_gaps"])
    return re.compile(f"(?:{alternation(words()['object_words'])})(?:{gaps})?$")


@lru_cache(maxsize=1)
def _owned() -> re.Pattern[str]:
    lists = words()
    return re.compile(f"(?!{alternation(lists['owned_not'])})(?:{alternation(lists['owned'])})")
