"""What a character cannot know: does it say so, put it right, or play along?

By word lists, so no judge is needed; how often they err is in docs/evaluation.md. The kinds of
unknown questions follow RoleRef (arXiv 2409.16913) and TimeChara (arXiv 2405.18027).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# Not knowing: "never heard of it", "what is that". A question back counts when it asks what the
# thing is.
_REFUSES = re.compile(
    r"(?<![你竟])(?:不知(?!足|不觉|死活|好歹|羞|恩|趣|进退|高低|有何|施主|列位|何事|几|多少)|不晓得|不认得|不认识|不识得|未曾识)|不懂|不明白|不省得|听不明白"
    r"|(?:没|未|不曾|没有|从未|从没|何曾|不)(?:曾|有)?(?:听(?!话|从|你|他|师父|劝)|闻|见过|听说|瞧见过|看见过|遇见过)"
    r"|(?:是|为|这是|那是|甚么叫|什么叫)(?:个)?(?:何|甚么|什么|啥)(?:物|东西|玩意|物件|宝贝|妖怪|怪物|法宝|人物|地方|去处|神通)"
    r"|何物|(?:甚么|什么|啥)叫(?!我|你|他)|哪里有这|哪有这|没有这(?:个|等|样)|不曾有这|摸不着头脑|听得(?:糊涂|稀奇)|稀奇古怪"
    r"|说的(?:是)?(?:甚么|什么|哪里|何)|无从知|难以知|怎(?:么)?(?:会)?(?:知道|晓得)|哪里(?:知道|晓得)|岂能知|如何(?:得)?知|还没到|尚未|不敢妄言|不好说"
    r"|\b(?:do not|don't|cannot|can't|could not|never) (?:know|understand|tell|heard?|met|seen)\b"
    r"|\bhave(?:n't| not| never) (?:heard|met|seen|known)\b|\bno idea\b"
    r"|\bwhat is (?:a|an|this|that)\b"
    r"|\bnever heard\b|\bunknown to me\b|\bknow nothing of\b|\bno such thing\b",
    re.IGNORECASE,
)
# Putting right: what was taken for granted is not so.
_DENIES = re.compile(
    r"不是|并非|并不|并无|没有|不曾|未曾|何曾|何尝|哪有|哪里是|岂是|岂有|胡说|胡言|休要?(?:胡|乱)|记错|说错|弄错|认错|错了|差矣|不对|莫要(?:胡|乱)|休得|谁说|怎会"
    r"|\b(?:not|never|wasn't|isn't|didn't|wrong|mistaken|nonsense)\b",
    re.IGNORECASE,
)


def refuses(text: str) -> bool:
    """Whether a reply says that its speaker does not know, or asks what that is."""
    return bool(_REFUSES.search(text))


def denies(text: str) -> bool:
    """Whether a reply says that something is not so."""
    return bool(_DENIES.search(text))


def leaks(text: str, forbidden: Iterable[str], question: str) -> list[str]:
    """Terms that only somebody says who knows after all; those of the question do not count."""
    low, asked = text.casefold(), question.casefold()
    terms = (term.casefold() for term in forbidden)
    return [term for term in terms if term in low and term not in asked]


def holds(text: str, keys: Iterable[str]) -> bool:
    """Whether a reply holds one of the keys, whatever their case."""
    low = text.casefold()
    return any(key.casefold() in low for key in keys)


# Before a term: it is denied, so it is not claimed.
_NOT_IT = re.compile(
    r"(?:不是|并非|不再|不要|没有|莫要|休要|而非|不去|不吃|不走|别|莫|没|非|不|除了)[^，。！？,.!?]{0,2}$"
    r"|\b(?:not|never|no longer|instead of|rather than|isn't|wasn't|don't|won't|neither)"
    r"(?: \w+){0,2} $",
    re.IGNORECASE,
)


def claims(text: str, terms: Iterable[str]) -> bool:
    """Whether a reply holds one of the terms without denying it: 茶, but not 不是茶."""
    low = text.casefold()
    return any(
        not _NOT_IT.search(low[max(0, match.start() - 30) : match.start()])
        for term in terms
        for match in re.finditer(re.escape(term.casefold()), low)
    )


def stays_within(
    text: str, kind: str, *, forbidden: Iterable[str], keys: Iterable[str], question: str
) -> bool:
    """Whether a reply to an unknown question is right.

    It leaks nothing, and says that it does not know; a false premise may also be denied or put
    right with one of the keys.
    """
    if not text.strip() or leaks(text, forbidden, question):
        return False
    if kind == "premise":
        return refuses(text) or denies(text) or holds(text, keys)
    return refuses(text)
