"""The words in front of a quote: cut into sentences and clauses, and what they announce."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from canon.grammar import words
from canon.names import alternation
from canon.quotes import Span

# A line break ends a sentence only after a full stop: many e-texts break lines anywhere.
_SENTENCE = re.compile(r"[。！？!?；;…]+[’”』]*|\n(?<=[。！？”]\n)")
_COMMA = re.compile(r"[，,：:]")
_BLANK = "，,：: \n\u3000"
# 绣着二十二个大字，云：
_LETTERS = re.compile("(?:大字|金字|真字|篆字|对联|楷书)[^。“”]{0,8}$")
# Further back nothing tells who speaks now.
LONGEST = 600


@dataclass(frozen=True)
class Lead:
    """The narration from the last quote's end to a quote, in characters of the section's text.

    start, end: the whole stretch without the colon at its end.
    sentences: their (start, end), in order, none empty. clauses: those of the last sentence.
    tagged: whether it announces speech, by a colon or a verb of speaking.
    """

    start: int
    end: int
    sentences: tuple[tuple[int, int], ...]
    clauses: tuple[tuple[int, int], ...]
    tagged: bool


def read_lead(text: str, start: int, span: Span) -> Lead:
    """The lead of a quote whose predecessor ended at `start`."""
    start = max(start, span.start - LONGEST)
    end = span.start
    while end > start and text[end - 1] in _BLANK + "；。":
        end -= 1
    colon = text[end : span.start].strip() not in ("。", "")
    tagged = colon or bool(_ends("speech_verbs").search(text[max(start, end - 8) : end]))
    sentences = cut_sentences(text, start, end)
    clauses = cut_clauses(text, *sentences[-1]) if sentences else []
    return Lead(start, end, tuple(sentences), tuple(clauses), tagged)


def cut_sentences(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """(start, end) of the sentences in text[start:end], none empty."""
    cuts = [start, *(m.end() for m in _SENTENCE.finditer(text, start, end)), end]
    pairs = pairwise(cuts)
    return [(a, b) for a, b in pairs if text[a:b].strip(_BLANK + "；。！？!?;…’”』")]


def cut_clauses(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """(start, end) of the comma clauses in text[start:end], none empty."""
    cuts = [start, *(m.end() for m in _COMMA.finditer(text, start, end)), end]
    pairs = pairwise(cuts)
    return [(a, b) for a, b in pairs if text[a:b].strip(_BLANK)]


def kind_of(text: str, lead: Lead, span: Span) -> str:
    """What a quote is: "speech", "thought", or "text" (an inscription, a name, a cited line)."""
    before = text[lead.start : span.start].rstrip()
    if not before:
        return "speech"
    inside = text[span.first : span.last].strip()
    tail = before.rstrip("：:；，,。、 ")
    clause = re.split(r"[，。！？；：“”’\n\u3000]", tail)[-1]
    if _ends("cited").search(tail) or _ends("writing").search(tail):
        return "text"
    if _LETTERS.search(tail):
        return "text"
    if _anywhere("thought").search(clause) and re.search("[道想思忖揣量疑度]$", clause):
        return "thought"
    if before[-1] in "：:；":
        return "speech"
    if _ends("speech_verbs").search(clause):
        # 念声“唵”字真言: a spell's name.
        spell = clause.endswith(("念声", "念一声", "念一口")) and len(inside) <= 4
        return "text" if spell else "speech"
    if _ends("naming").search(clause) or clause.endswith("□") or len(inside) <= 12:
        sentence = inside[-1:] in "。！？" and len(inside) > 4
        return "speech" if sentence and before[-1] in "。！？，”" else "text"
    return "speech"


@cache
def _ends(key: str) -> re.Pattern[str]:
    return re.compile(f"(?:{alternation(words()[key])})$")


@cache
def _anywhere(key: str) -> re.Pattern[str]:
    return re.compile(f"(?:{alternation(words()[key])})")
