"""Which memories of a person go into the prompt of a reply to them: ranked and cut to a budget.

    occasion = Occasion("wukong", "discord:1:2", private=False, query="给我来点花生", language="zh")
    lines = recall(known, occasion, name="小明", budget=160, measure=len)

First who the person is here, and how the two stand; then what was given on purpose, what has to do
with what was just said, and what was told last: as much as the budget holds, the more relevant
first. What a character did not hear it does not know, and what was said in private is not told in
a group unless the person allows it. Pure.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bot.memory import Fact, Known
from characters.card import Language, Words

RECENT = 3  # facts that come in only because they are new

# BM25 as in Robertson & Zaragoza 2009. Facts are all short, so their length says little.
_K1, _B = 1.2, 0.3

_SAID = Words("{}说过：{}", "{} said: {}")
_IS = Words("{}在这里是：{}", "{} here is: {}")
_STAND = Words("和{}的交情：{}", "with {}: {}")


@dataclass(frozen=True, slots=True)
class Occasion:
    """The reply for which memories are looked up: the id of the character that speaks, the room,
    whether only the person hears it, what was just said, and the language."""

    character: str
    room: str
    private: bool
    query: str
    language: Language


def recall(
    known: Known,
    occasion: Occasion,
    *,
    name: str,
    budget: int,
    measure: Callable[[str], int],
) -> tuple[str, ...]:
    """Lines for a prompt's memory, of at most `budget` tokens as `measure` counts them.

    `name` is what the person is called in the transcript.
    """
    private, language = occasion.private, occasion.language
    lines: list[str] = []
    left = budget

    def add(line: str) -> bool:
        nonlocal left
        cost = measure(line)
        if cost > left:
            return False
        lines.append(line)
        left -= cost
        return True

    if persona := known.personas.get(occasion.room):
        add(_IS[language].format(name, persona))
    if summary := _summary(known, occasion.character, private):
        add(_STAND[language].format(name, summary))
    facts = visible(known, private=private, character=occasion.character)
    for fact in ranked(facts, occasion.query):
        if left <= 0:
            break
        add(_SAID[language].format(name, fact.text))
    return tuple(lines)


def visible(known: Known, *, private: bool, character: str | None = None) -> list[Fact]:
    """The facts that may be used (by this character) in private or in a group."""
    if not (private or known.profile.in_groups):
        return []
    return [
        fact
        for fact in known.facts
        if (private or not fact.private or known.profile.shared)
        and (character is None or fact.heard is None or character in fact.heard)
    ]


def _summary(known: Known, character: str, private: bool) -> str:
    scopes = (True, False) if private or known.profile.shared else (False,)
    if not (private or known.profile.in_groups):
        return ""
    found = (known.bonds.get((character, scope)) for scope in scopes)
    return next((bond.summary for bond in found if bond and bond.summary), "")


def ranked(facts: Sequence[Fact], query: str) -> list[Fact]:
    """Those given on purpose, then the relevant ones, then the newest few."""
    scores = relevance(query, [fact.text for fact in facts])
    order = sorted(range(len(facts)), key=lambda i: (-scores[i], -facts[i].at, -facts[i].id))
    pinned = [facts[i] for i in order if facts[i].pinned]
    relevant = [facts[i] for i in order if not facts[i].pinned and scores[i] > 0]
    rest = [facts[i] for i in order if not facts[i].pinned and scores[i] <= 0]
    return [*pinned, *relevant, *rest[:RECENT]]


def relevance(query: str, texts: Sequence[str]) -> list[float]:
    """How much each text has to do with the query: BM25 over `terms`."""
    documents = [Counter(terms(text)) for text in texts]
    asked = set(terms(query))
    among = Counter(term for document in documents for term in document)
    average = sum(document.total() for document in documents) / max(len(documents), 1)
    scores = []
    for document in documents:
        size = _K1 * (1 - _B + _B * document.total() / max(average, 1))
        scores.append(
            math.fsum(
                math.log(1 + (len(texts) - among[term] + 0.5) / (among[term] + 0.5))
                * document[term]
                * (_K1 + 1)
                / (document[term] + size)
                for term in asked & document.keys()
            )
        )
    return scores


def terms(text: str) -> Iterable[str]:
    """What a text is compared by: pairs of Chinese characters, and words without their endings.

    Pairs and words that say nothing by themselves are left out.
    """
    small = text.casefold()
    for run in re.findall(r"[\u3400-\u9fff\uf900-\ufaff]+", small):
        for pair in (run[at : at + 2] for at in range(max(len(run) - 1, 1))):
            if not (set(pair) <= _EMPTY_CHARACTERS):
                yield pair
    for word in re.findall(r"[a-z0-9\u00c0-\u024f]+", small):
        if word not in _EMPTY_WORDS:
            stem = re.sub(r"(?<=[a-z]{3})(?:ies|es|s|ing|ed|y)$", "", word)
            yield re.sub(r"([bdgmnprt])\1$", r"\1", stem)


_EMPTY_CHARACTERS = set(
    "我你您他她它们俺咱的了着过在是有和与也都就不没很这那哪个么吗呢吧啊呀哦嗯之"
    "一上下来去到说要会能可对为把被给让从还又再什怎"
)
_EMPTY_WORDS = set(
    re.findall(
        r"\S+",
        "a an the and or but if of to in on at by for with from as is am are was were be been do "
        "does did have has had i me my mine you your he him his she her it its we us our they them "
        "their this that these those what which who whom when where why how not no yes so very too "
        "just can could will would shall should may might must s t m re ve ll d don",
    )
)
