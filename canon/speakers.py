"""Who says each quote, to whom, and how sure we are.

The words in front of a quote are cut into clauses. The person who acts in the last clause
speaks; failing that, in an earlier clause of the sentence, in an earlier sentence since the
last quote, or (nobody is named: 又道) the speaker of the last quote. A quote without any tag
is given by alternation, and only where exactly two persons have been talking.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from canon.book import Book, Section
from canon.discovery import discover, draft_table
from canon.grammar import Grammar, Mention, groups, words
from canon.names import ChapterNames, NameTable, alternation, table_for
from canon.quotes import Span, find_quotes

UNDECIDED = "?"

# Confidence by the rule that decided; measured on gold quotes, see docs/canon.md.
SUBJECT = 0.97
EARLIER_CLAUSE = 0.9
EARLIER_SENTENCE = 0.75
SAME_AS_BEFORE = 0.85
ALTERNATION = 0.6
GROUP = 0.7
GUESS = 0.4

_SENTENCE = re.compile(r"[。！？!?；;…]+[’”』]*|\n(?<=[。！？”]\n)")
_COMMA = re.compile(r"[，,：:]")
_LONGEST_LEAD = 600


@dataclass(frozen=True)
class Quote:
    """One quote of the book.

    section: 1-based number. start, end: see `quotes.Span`; text: the words between the marks,
    line breaks removed. kind: "speech", "thought" or "text" (a name, an inscription, a cited
    line: nobody's turn). speaker: canonical name, several joined with 、, "?" when undecided,
    "" for a text. addressee: canonical name or "". confidence: 0 to 1.
    lead: offset where the words that introduce the quote begin.
    """

    section: int
    start: int
    end: int
    text: str
    speaker: str
    addressee: str
    kind: str
    confidence: float
    repaired: str
    lead: int


def attribute(
    book: Book, table: NameTable, *, progress: Callable[[int], None] | None = None
) -> list[Quote]:
    """All quotes of a book in order. `progress` is called with each finished section's number."""
    grammar = Grammar(book_names(book, table))
    quotes: list[Quote] = []
    for section in book.sections:
        quotes += attribute_section(section, grammar, table)
        if progress is not None:
            progress(section.number)
    return quotes


def book_names(book: Book, table: NameTable) -> Iterable[str]:
    """All names to look for: the table's aliases and what the book's own tags give away."""
    known = {alias for person in table.people for alias in person.aliases}
    for reading in table.readings:
        known.update(reading.aliases)
    return known.union(discover(book, frozenset(known)))


def table_of(book: Book) -> NameTable:
    """The shipped table of this book, or one drafted from its own speech tags."""
    table = table_for(book)
    return table if table.people else draft_table(book)


@dataclass(frozen=True)
class _Verdict:
    speaker: str
    addressee: str
    confidence: float


class _Talk:
    """What has been said in this chapter so far: for 又道, for alternation, for addressees."""

    def __init__(self) -> None:
        self.turns: list[tuple[int, str, str]] = []  # (end offset, speaker, addressee)

    def last(self) -> tuple[int, str, str] | None:
        return self.turns[-1] if self.turns else None

    def other(self, speaker: str) -> str:
        """Whoever spoke last and is not `speaker`."""
        for _, name, _ in reversed(self.turns[-4:]):
            if name not in (speaker, UNDECIDED, ""):
                return name
        return ""


def attribute_section(section: Section, grammar: Grammar, table: NameTable) -> list[Quote]:
    """All quotes of one section in order."""
    text = section.text
    names = table.in_chapter(section)
    spans = find_quotes(text, grammar.narrates, section.body)
    talk = _Talk()
    quotes: list[Quote] = []
    previous_end = section.body
    for span in spans:
        lead = max(previous_end, span.start - _LONGEST_LEAD)
        kind = _kind(text, lead, span)
        verdict = _Verdict("", "", 0.9)
        if kind != "text":
            verdict = _speaker(text, lead, span, grammar, names, talk)
            if kind == "thought":
                verdict = _Verdict(verdict.speaker, "", verdict.confidence)
        quotes.append(
            Quote(
                section.number,
                span.start,
                span.end,
                re.sub(r"[\s\u3000]+", "", text[span.first : span.last]),
                verdict.speaker,
                verdict.addressee,
                kind,
                round(verdict.confidence * (0.8 if span.repaired == "unopened" else 1), 2),
                span.repaired,
                previous_end,
            )
        )
        if kind != "text":
            talk.turns.append((span.end, verdict.speaker, verdict.addressee))
            previous_end = span.end
        else:
            # The words around an inscription belong to one stretch of narration.
            previous_end = previous_end if span.start - previous_end < 200 else span.end
    return quotes


@lru_cache(maxsize=1)
def _speech_verb() -> re.Pattern[str]:
    return re.compile(f"(?:{_lists('speech_verbs')})$")


@lru_cache(maxsize=None)
def _lists(key: str) -> str:
    return alternation(words()[key])


def _kind(text: str, lead: int, span: Span) -> str:
    before = text[lead : span.start].rstrip()
    words_inside = text[span.first : span.last].strip()
    tail = before.rstrip("：:；，,。、 ")
    colon = before[-1:] in "：:；"
    clause = re.split(r"[，。！？；：“”’\n\u3000]", tail)[-1]
    if not before:
        return "speech"
    if re.search(f"(?:{_lists('thought')})", clause) and re.search("[道想思忖揣量疑度]$", clause):
        return "thought"
    if re.search(f"(?:{_lists('cited')}|{_lists('writing')})$", tail):
        return "text"
    if colon:
        return "speech"
    if re.search(f"(?:{_lists('speech_verbs')})$", clause):
        if clause.endswith(("念声", "念一声", "念一口")) and len(words_inside) <= 4:
            return "text"
        return "speech"
    if re.search(f"(?:{_lists('naming')}|□)$", clause) or len(words_inside) <= 12:
        sentence = words_inside[-1:] in "。！？" and len(words_inside) > 4
        return "speech" if sentence and before[-1:] in "。！？，”" else "text"
    return "speech"


def _clauses(text: str, begin: int, end: int) -> list[tuple[int, int]]:
    """(start, end) of the comma clauses of a sentence, left to right, none empty."""
    cuts = [begin, *(m.end() for m in _COMMA.finditer(text, begin, end)), end]
    pairs = zip(cuts, cuts[1:], strict=False)
    return [(a, b) for a, b in pairs if text[a:b].strip("，,：: \n\u3000")]


def _sentences(text: str, begin: int, end: int) -> list[tuple[int, int]]:
    cuts = [begin, *(m.end() for m in _SENTENCE.finditer(text, begin, end)), end]
    pairs = zip(cuts, cuts[1:], strict=False)
    return [(a, b) for a, b in pairs if text[a:b].strip("，,：: \n\u3000；。")]


def _speaker(
    text: str,
    lead: int,
    span: Span,
    grammar: Grammar,
    names: ChapterNames,
    talk: _Talk,
) -> _Verdict:
    end = span.start
    while end > lead and text[end - 1] in "：:；。，, \n\u3000":
        end -= 1
    colon = text[end : span.start].strip() not in ("。", "")
    tagged = colon or bool(_speech_verb().search(text[max(lead, end - 8) : end]))
    sentences = _sentences(text, lead, end)
    if not sentences:
        return _alternate(span, talk, names, text)
    # Words without a speech verb, or a verb that a full stop cut off, say less.
    sure = 1.0 if tagged else 0.7
    begin, stop = sentences[-1]
    addressee = ""
    clauses = _clauses(text, begin, stop)
    called = _called(text[span.first : span.last], names)
    for index, (a, b) in enumerate(reversed(clauses)):
        found = grammar.mentions(names, text, a, b, last=index == 0)
        actor, addressee_here = _roles(text, found)
        addressee = addressee or addressee_here
        if actor in groups():
            return _group(text, a, actor, grammar, names, addressee or called)
        if actor:
            confidence = sure * (SUBJECT if index == 0 else EARLIER_CLAUSE)
            return _Verdict(actor, addressee or called or talk.other(actor), confidence)
        stranger = "" if found else grammar.stranger(text, a, b, last=index == 0)
        if stranger:
            known = sure * SUBJECT if stranger != UNDECIDED else 0.0
            return _Verdict(stranger, addressee or called, known)
    for a, b in reversed(sentences[:-1]):
        for c, d in reversed(_clauses(text, a, b)):
            found = [m for m in grammar.mentions(names, text, c, d, last=False) if m.firm]
            actor, _ = _roles(text, found)
            if actor in groups():
                return _group(text, c, actor, grammar, names, addressee or called)
            if actor:
                confidence = sure * EARLIER_SENTENCE
                return _Verdict(actor, addressee or called or talk.other(actor), confidence)
    last = talk.last()
    if last is not None and span.start - last[0] < _LONGEST_LEAD:
        if _pronoun(text[clauses[-1][0] : clauses[-1][1]]) and lead == last[0]:
            other = talk.other(last[1])
            if other:
                return _Verdict(other, addressee or last[1], ALTERNATION)
        return _Verdict(last[1], addressee or last[2], sure * SAME_AS_BEFORE)
    return _Verdict(UNDECIDED, addressee, 0.0)


def _group(
    text: str,
    at: int,
    word: str,
    grammar: Grammar,
    names: ChapterNames,
    addressee: str,
) -> _Verdict:
    """Who 二人 or 他三个 are: those of the book's names who acted last."""
    meant = names.resolve(word, at)
    if meant != word:
        return _Verdict(meant, addressee, GROUP)
    size = groups()[word]
    if text[max(0, at - 1) : at + 1].strip()[:1] in ("那", "这"):
        size = 0  # 那两人: two whom nobody has named
    begin = max(0, at - _LONGEST_LEAD)
    if size == 0:
        return _Verdict(UNDECIDED, addressee, 0.0)
    members: dict[str, None] = {}
    for a, b in reversed(_sentences(text, begin, at)):
        for c, d in reversed(_clauses(text, a, b)):
            for mention in reversed(grammar.mentions(names, text, c, d, last=False)):
                if mention.name == addressee or mention.surface in groups():
                    continue
                if mention.acts and mention.known:
                    members.setdefault(mention.name)
                if len(members) == size:
                    return _Verdict("、".join(reversed(members)), addressee, GROUP)
    return _Verdict(UNDECIDED, addressee, 0.0)


_CALLED = re.compile("[，。！？、：；啊呀呵哥耶哩]")


def _called(words_said: str, names: ChapterNames) -> str:
    """The person whom the first words of a quote call by name (八戒，… ; 行者啊，…)."""
    head = words_said.lstrip()[:8]
    cut = _CALLED.search(head)
    name = head[: cut.start()] if cut else ""
    return names.meaning.get(name, "") if len(name) > 1 else ""


def _pronoun(clause: str) -> bool:
    return clause.lstrip("却说只见那").startswith("他")


def _roles(text: str, found: list[Mention]) -> tuple[str, str]:
    """(who acts, who is spoken to) among the persons of one clause."""
    actors: list[Mention] = []
    target = ""
    for mention in found:
        if not mention.acts:
            target = mention.name
            continue
        if not actors:
            actors.append(mention)
        elif actors[-1].end == mention.start or text[actors[-1].end : mention.start] in "、":
            actors.append(mention)
    return "、".join(dict.fromkeys(m.name for m in actors)), target


def _alternate(span: Span, talk: _Talk, names: ChapterNames, text: str) -> _Verdict:
    """A quote right after another: the one who spoke before the last speaker, in reply."""
    last = talk.last()
    if last is None or span.start - last[0] > 20 or last[1] in ("", UNDECIDED):
        return _Verdict(UNDECIDED, "", 0.0)
    other = talk.other(last[1])
    called = _called(text[span.first : span.last], names)
    if not other or other == called:
        return _Verdict(UNDECIDED, called, 0.0)
    two = {name for _, name, _ in talk.turns[-4:]} <= {other, last[1]}
    return _Verdict(other, last[1], ALTERNATION if two else GUESS)
