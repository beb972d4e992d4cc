"""Who says each quote, and how sure we are.

The words in front of a quote are cut into clauses. The person who acts in the last clause
speaks; failing that, in an earlier clause of the sentence, in an earlier sentence since the
last quote, or (nobody is named: 又道) the speaker of the last quote. Quotes in a bare run are
given by turns, and only where exactly two persons have been talking.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from canon.addressees import Spoken, addressee, called
from canon.after import Tag, named_after, pronoun, tag_after, tags_after
from canon.book import Book, Section
from canon.discovery import discover, draft_table
from canon.english import attribute_english, cast_of, draft_english, is_english, styles_of
from canon.grammar import Grammar, Mention, groups
from canon.lead import LONGEST, Lead, cut_clauses, cut_sentences, kind_of, read_lead
from canon.names import NameTable, table_for
from canon.quotes import Span, find_quotes, without_layout
from canon.strangers import UNNAMED, stranger

UNDECIDED = UNNAMED

# Confidence by the rule that decided. Measured by reading, see docs/canon.md.
SUBJECT = 0.97
EARLIER_CLAUSE = 0.9
SAME_AS_BEFORE = 0.85
EARLIER_SENTENCE = 0.75
GROUP = 0.7
ALTERNATION = 0.6
GUESS = 0.4
AFTER = 0.95  # a name and a verb of speaking behind the quote
_REPAIRED = 0.8  # factor for a quote whose opening mark was lost
_UNTAGGED = 0.7  # factor where no colon and no verb of speaking stands before the quote


_TOGETHER = re.compile("(?:[都俱]|齐声|一齐|齐)[^，]{0,4}[道叫说喊曰]$")
# 门外传来顾老爹的声音：
_VOICE = re.compile(
    "(?P<name>[\u4e00-\u9fff]{2,8})的(?:声音|喊声|叫声|嗓音|吼声)[^，。]{0,4}[：:]$"
)
# Subjects that name nobody: the reader learns later who it was, or never.
_NOBODY = frozenset({"有人", "一人"})


@dataclass(frozen=True)
class Quote:
    """One quote of the book.

    section: 1-based number. start, end: from the opening to after the closing mark, in
    characters of the section's text. text: the words between the marks, line breaks and layout
    blanks removed. kind: "speech", "thought" or "text" (a name, an inscription, a cited line:
    nobody's turn). speaker: canonical name, several joined with 、, "?" when undecided, "" for a
    text. addressee: canonical name or "". confidence: 0 to 1, of the speaker.
    repaired: see `quotes.Span`. lead: where the words that introduce the quote begin.
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
    """All quotes of a book in order. `progress` is called with how many sections are done."""
    if is_english(book):
        return _in_english(book, table, progress)
    grammar = Grammar(book_names(book, table))
    behind = tags_after(book)
    quotes: list[Quote] = []
    for done, section in enumerate(book.sections, 1):
        quotes += attribute_section(section, grammar, table, behind=behind)
        if progress is not None:
            progress(done)
    return quotes


def _in_english(
    book: Book, table: NameTable, progress: Callable[[int], None] | None
) -> list[Quote]:
    marks, cast = styles_of(book), cast_of(book, table)
    quotes: list[Quote] = []
    for done, section in enumerate(book.sections, 1):
        lead = section.body
        for one in attribute_english(section, marks, cast):
            quotes.append(
                Quote(
                    section.number,
                    one.start,
                    one.end,
                    " ".join(section.text[one.first : one.last].split()),
                    one.speaker,
                    one.addressee,
                    one.kind,
                    round(one.confidence, 2),
                    "",
                    lead,
                )
            )
            lead = one.end
        if progress is not None:
            progress(done)
    return quotes


def book_names(book: Book, table: NameTable) -> Iterable[str]:
    """All names to look for: the table's aliases and what the book's own tags give away."""
    known = {alias for person in table.people for alias in person.aliases}
    for reading in table.readings:
        known.update(reading.aliases)
    behind = named_after(book) if tags_after(book) else ()
    return known.union(discover(book, frozenset(known)), behind)


def table_of(book: Book) -> NameTable:
    """The shipped table of this book, or one drafted from its own speech tags."""
    table = table_for(book)
    if table.people:
        return table
    return draft_english(book) if is_english(book) else draft_table(book)


def attribute_section(
    section: Section, grammar: Grammar, table: NameTable, *, behind: bool = False
) -> list[Quote]:
    """All quotes of one section in order. `behind`: tags stand behind the quotes, too."""
    chapter = _Chapter(section, grammar, table, behind)
    return [chapter.quote(span) for span in chapter.spans]


class _Chapter:
    """One section while it is read from its first quote to its last."""

    def __init__(
        self, section: Section, grammar: Grammar, table: NameTable, behind: bool = False
    ) -> None:
        self.section = section
        self.text = section.plain
        self.grammar = grammar
        self.names = table.in_chapter(section)
        self.calls = {person.name: person.calls for person in table.people if person.calls}
        self.people = {person.name for person in table.people}
        self.spans = find_quotes(self.text, grammar.narrates, section.body)
        self.turns: list[tuple[int, str, str]] = []  # (end offset, speaker, addressee)
        self.lead_start = section.body
        self.behind = behind
        self.tag: Tag | None = None  # behind the quote before this one

    def quote(self, span: Span) -> Quote:
        """The next quote; the turns so far are what it may refer back to."""
        lead = read_lead(self.text, self.lead_start, span)
        words_said = self.text[span.first : span.last]
        kind = kind_of(self.text, lead, span)
        opens = self.behind and not self.text[: span.start].rstrip(" \u3000").rpartition("\n")[2]
        if opens:
            kind = "speech"
        speaker, confidence, to = "", 0.9, ""
        tag = tag_after(self.text, span.end) if self.behind and kind != "text" else None
        if kind != "text":
            speaker, confidence = self._tagged(lead, span, tag) or self._speaker(lead, span)
        if kind == "speech":
            calls = {
                k: v for name in speaker.split("、") for k, v in self.calls.get(name, {}).items()
            }
            spoken = Spoken(lead, words_said, speaker, calls, self.turns)
            to = addressee(self.text, spoken, self.grammar, self.names)
        to = "、".join(name for name in to.split("、") if name not in speaker.split("、"))
        quote = Quote(
            self.section.number,
            span.start,
            span.end,
            _words(self.section.text[span.first : span.last], span),
            speaker,
            to,
            kind,
            round(confidence * (_REPAIRED if span.repaired == "unopened" else 1), 2),
            span.repaired,
            self.lead_start,
        )
        end = span.end if tag is None else tag.end + 1
        if kind != "text":
            self.turns.append((end, speaker, to))
            self.tag = tag
        # The words around a short inscription belong to one stretch of narration.
        if kind != "text" or span.start - self.lead_start >= 200:
            self.lead_start = end
        return quote

    def _tagged(self, lead: Lead, span: Span, tag: Tag | None) -> tuple[str, float] | None:
        """(speaker, confidence) by the tag behind the quote, or by the one that leads on to it."""
        if not self.behind:
            return None
        before = self.tag
        if (
            before
            and before.leads_on
            and not self.text[before.end : span.start].strip("，, \u3000")
        ):
            return self.turns[-1][1], SUBJECT
        own = self.text[max(lead.start, self.text.rfind("\n", 0, span.start)) : span.start].strip()
        voice = _VOICE.search(own)
        if voice and (whose := [n for n in self.grammar.known if voice["name"].endswith(n)]):
            return self.names.resolve(max(whose, key=len), lead.end), AFTER
        if tag is None or (own and lead.tagged):
            return None
        found = self.grammar.mentions(self.names, self.text, tag.start, tag.end, last=True)
        first = [mention for mention in found if mention.start - tag.start <= 2]
        actor = _actor(self.text, [replace(mention, acts=True) for mention in first[:1]])
        if actor and actor not in groups():
            return actor, AFTER if tag.spoken else EARLIER_SENTENCE
        if tag.spoken and pronoun(self.text[tag.start : tag.end]) and self.turns:
            other = self._other(self.turns[-1][1])
            return (other, ALTERNATION) if other else None
        return None

    def _speaker(self, lead: Lead, span: Span) -> tuple[str, float]:
        """(speaker, confidence); one person alone does not say what all say (都道)."""
        if not lead.sentences:
            return self._reply(span)
        speaker, confidence = self._by_lead(lead, span)
        together = _TOGETHER.search(self.text[slice(*lead.clauses[-1])])
        alone = speaker in self.people and confidence != SUBJECT
        return (UNDECIDED, 0.0) if together and alone else (speaker, confidence)

    def _by_lead(self, lead: Lead, span: Span) -> tuple[str, float]:
        """(speaker, confidence) by the first rule that decides."""
        sure = 1.0 if lead.tagged else _UNTAGGED
        for index, (a, b) in enumerate(reversed(lead.clauses)):
            found = self.grammar.mentions(self.names, self.text, a, b, last=index == 0)
            actor = _actor(self.text, found)
            if actor in groups():
                return self._group(a, actor, span)
            if actor in _NOBODY:
                return UNDECIDED, 0.0
            if actor:
                return actor, sure * (SUBJECT if index == 0 else EARLIER_CLAUSE)
            unknown = "" if found else stranger(self.text, a, b, last=index == 0)
            if unknown:
                return unknown, sure * SUBJECT if unknown != UNDECIDED else 0.0
        for begin, end in reversed(lead.sentences[:-1]):
            for a, b in reversed(cut_clauses(self.text, begin, end)):
                found = self.grammar.mentions(self.names, self.text, a, b, last=False)
                actor = _actor(self.text, [mention for mention in found if mention.firm])
                if actor in groups():
                    return self._group(a, actor, span)
                if actor:
                    return actor, sure * EARLIER_SENTENCE
        if not self.turns or span.start - self.turns[-1][0] >= LONGEST:
            return UNDECIDED, 0.0
        end, before, _ = self.turns[-1]
        if before == UNDECIDED:
            return UNDECIDED, 0.0
        if lead.start == end and _is_he(self.text[slice(*lead.clauses[-1])]):
            other = self._other(before)  # “…”他道：“…”: he answers
            if other:
                return other, ALTERNATION
        return before, sure * SAME_AS_BEFORE

    def _reply(self, span: Span) -> tuple[str, float]:
        """A quote right after another: the one who spoke before the last speaker, in reply."""
        if not self.turns or span.start - self.turns[-1][0] > 20:
            return UNDECIDED, 0.0
        last = self.turns[-1][1]
        other = self._other(last) if last not in ("", UNDECIDED) else ""
        if not other or other == called(self.text[span.first : span.last], self.names):
            return UNDECIDED, 0.0
        two = {name for _, name, _ in self.turns[-4:]} <= {other, last}
        return other, ALTERNATION if two else GUESS

    def _other(self, speaker: str) -> str:
        """Whoever spoke last and is not `speaker`."""
        for _, name, _ in reversed(self.turns[-4:]):
            if name not in (speaker, UNDECIDED, ""):
                return name
        return ""

    def _group(self, at: int, word: str, span: Span) -> tuple[str, float]:
        """Who 二人 or 他三个 are: those of the book's names who acted last."""
        meant = self.names.resolve(word, at)
        if meant != word:
            return meant, GROUP
        size = groups()[word]
        if self.text[max(0, at - 1) : at + 1].strip()[:1] in ("那", "这"):
            size = 0  # 那两人: two whom nobody has named
        spoken_to = called(self.text[span.first : span.last], self.names)
        start = max(self.section.body, at - LONGEST)
        members: dict[str, None] = {}
        for begin, end in reversed(cut_sentences(self.text, start, at)):
            for a, b in reversed(cut_clauses(self.text, begin, end)):
                for mention in reversed(
                    self.grammar.mentions(self.names, self.text, a, b, last=False)
                ):
                    if len(members) == size:
                        break
                    if (
                        mention.acts
                        and mention.known
                        and mention.name != spoken_to
                        and mention.surface not in groups()
                    ):
                        members.setdefault(mention.name)
        if size == 0 or len(members) < size:
            return UNDECIDED, 0.0
        return "、".join(reversed(members)), GROUP


def _words(words_said: str, span: Span) -> str:
    """The words of a quote without line breaks, blanks, and marks that a repair left over."""
    if span.repaired == "unopened":
        words_said = re.sub("[”」』]", "", words_said)
    return without_layout(words_said)


def _is_he(clause: str) -> bool:
    return clause.lstrip("却说只见那").startswith("他")


def _actor(text: str, found: list[Mention]) -> str:
    """Who acts among the persons of one clause; neighbours (八戒沙僧) act together."""
    actors: list[Mention] = []
    for mention in found:
        if mention.acts and (not actors or text[actors[-1].end : mention.start] in ("", "、")):
            actors.append(mention)
    return "、".join(dict.fromkeys(mention.name for mention in actors))
