"""Where the quotes of a section are, broken ones repaired.

Texts of old novels come with lost, doubled and mistyped quotation marks. The repair follows
one rule: narration never ends up inside speech. Where a closing mark is lost the quote ends
before the first sentence that the narrator must have said; where an opening mark is lost it
begins after the speech tag.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

OPENING = {"“": "”", "「": "」", "『": "』", "〝": "〞"}
_CLOSING = {close: mark for mark, close in OPENING.items()}
_STRAIGHT = '"＂'
_MARKS = re.compile("[" + "".join(OPENING) + "".join(_CLOSING) + _STRAIGHT + "]")

_SENTENCE_END = "。！？!?…；"
_FIRST_OR_SECOND = re.compile("[我你您吾俺咱汝]|老孙|老猪|贫僧|小生|小人|末将")
_NARRATORS_YOU = re.compile("你看他|你看那|你道他|你看这|说不尽")
# How much of an outer quote may follow an inner one.
_REST_OF_OUTER = 240
# "…道：" without an opening mark after it.
_OPEN_TAG = re.compile(r"(?:道|曰|云|叫|问|说|喝|骂|声)[：；:][\s\u3000]*(?=[^\s\u3000“「『‘])")
_TAG_END = re.compile(r"(?:道|曰|云|叫|问|说|喝|骂|念|着)[：:][\s\u3000]*$")
# Between Latin words, and between one and a mark around another (said ‘never’ to).
_LATIN_GAP = re.compile(r"(?<=[!-~])\s+(?=[!-~‘’“”])|(?<=[‘’“”—…])\s+(?=[!-~])")
_KEPT_GAP = "\x00"
_LAYOUT = re.compile(r"[\s\u3000]+")
_SENTENCE_START = re.compile(rf"[{_SENTENCE_END}][’”』]*[\s\u3000]*|’|\n[\s\u3000]*")
_STOP = re.compile(rf"[{_SENTENCE_END}]")


@dataclass(frozen=True)
class Span:
    """One quote of a section, in characters of the section's text.

    start: the opening mark, or the first word where the mark was lost.
    end: just after the closing mark, or after the last word where it was lost.
    first, last: the words between the marks are `text[first:last]`.
    repaired: "" or what was wrong: "unclosed", "unopened", "mistyped".
    """

    start: int
    end: int
    first: int
    last: int
    repaired: str = ""


def find_quotes(text: str, narrates: Callable[[str], bool], begin: int = 0) -> list[Span]:
    """All quotes of a section outside one another, in order; nested ones stay inside.

    narrates: tells whether a sentence is the narrator's (it names the speaker, it opens with
        却说, 只见 …); see `grammar.Grammar.narrates`.
    begin: where to start (after the heading).
    """
    return _Reader(text, narrates, begin).read()


class _Reader:
    """Goes through a section's marks once, outside or inside a quote."""

    def __init__(self, text: str, narrates: Callable[[str], bool], begin: int) -> None:
        self.text = text
        self.narrates = narrates
        self.begin = begin
        self.marks = [(match.start(), match[0]) for match in _MARKS.finditer(text, begin)]
        self.spans: list[Span] = []
        self.opened = -1  # where the quote that is being read was opened; -1 outside
        self.style = ""

    def read(self) -> list[Span]:
        index = 0
        while index < len(self.marks):
            index += self._outside(index) if self.opened < 0 else self._inside(index)
        if self.opened >= 0:
            cut = _cut(self.text, self.opened + 1, len(self.text), self.narrates)
            if cut is None:
                paragraph = self.text.find("\n", self.opened)
                cut = len(self.text) if paragraph < 0 else paragraph
            self._close(cut, "unclosed")
        return self.spans

    def _outside(self, index: int) -> int:
        """Read a mark outside any quote; returns how many marks are done."""
        at, char = self.marks[index]
        if char in _CLOSING:
            self._lost_opening(at)
            return 1
        if char in OPENING and self._following(index, 1) == [char]:
            # “ twice: the first may stand for the ” of a quote whose “ is lost.
            between = self.text[at + 1 : self.marks[index + 1][0]]
            told = _TAG_END.search(between) and self.narrates(between)
            if told and self._lost_opening(at):
                return 1
        self.opened, self.style = at, char
        return 1

    def _inside(self, index: int) -> int:
        """Read a mark inside a quote; returns how many marks are done."""
        at, char = self.marks[index]
        text, opened = self.text, self.opened
        if self.style in _STRAIGHT and char == self.style:
            if "\n" not in text[opened:at]:
                self._close(at, "")
            else:
                # The same mark opens and closes: one lost mark must not turn the book inside out.
                self._close(text.index("\n", opened), "unclosed")
                self.opened = at
            return 1
        if char == OPENING.get(self.style):
            self._close(at, "")
            return 1
        if char != self.style:
            return 1  # another style inside this one: nested
        # A second opening mark while the first is still open.
        closing = OPENING[self.style]
        if self._following(index, 2) == [closing, closing]:
            inner, outer = self.marks[index + 1][0], self.marks[index + 2][0]
            rest = text[inner + 1 : outer]
            if len(rest) <= _REST_OF_OUTER and not _OPEN_TAG.search(rest):
                return 2  # a quote within the quote, properly closed
        ended = text[opened + 1 : at].rstrip()[-1:] in tuple(_SENTENCE_END + "’』")
        if ended and self._following(index, 1) in ([], [self.style]):
            self._close(at, "mistyped")
            return 1
        cut = _cut(text, opened + 1, at, self.narrates)
        if cut is not None:
            self._close(cut, "unclosed")
            self.opened = at
        return 1

    def _following(self, index: int, count: int) -> list[str]:
        return [char for _, char in self.marks[index + 1 : index + 1 + count]]

    def _lost_opening(self, at: int) -> bool:
        """Repair a closing mark at `at` that has no opening one; False if it is only stray."""
        last_end = self.spans[-1].end if self.spans else self.begin
        found = _unopened(self.text, last_end, at)
        if found is None:
            return False
        if self.spans and found <= last_end:
            before = self.spans[-1]
            if self.text[before.last - 1] not in _SENTENCE_END:
                # “且莫哭”我问你…”: the mark in the middle is the one too many.
                self.spans[-1] = Span(before.start, at + 1, before.first, at, "unopened")
                return True
        while self.text[found] in "，。！？；：”』」 \n\u3000":
            found += 1
        if found < at:
            self.spans.append(Span(found, at + 1, found, at, "unopened"))
        return True

    def _close(self, at: int, repaired: str) -> None:
        text, first, last = self.text, self.opened + 1, at
        while last > first and text[last - 1].isspace():
            last -= 1
        words = text[first:last]
        # A mark of another kind that stood for the lost one (…去。’老妖道) is no word.
        if repaired == "unclosed" and words.endswith("’") and words.count("‘") < words.count("’"):
            last -= 1
        end = at + 1 if repaired in ("", "mistyped") else last
        if last > first:
            self.spans.append(Span(self.opened, end, first, last, repaired))
        self.opened = -1


def without_layout(text: str) -> str:
    """The words without line breaks and layout blanks; between Latin words one blank stays."""
    return _LAYOUT.sub("", _LATIN_GAP.sub(_KEPT_GAP, text)).replace(_KEPT_GAP, " ").strip()


def _cut(text: str, begin: int, end: int, narrates: Callable[[str], bool]) -> int | None:
    """Where the speech in text[begin:end] stops and narration takes over, if it does.

    After the last sentence with 我 or 你 in it (that is speech still), the first that the
    narrator must have said is the place; else the last sentence, if it is a speech tag.
    """
    starts = [match.end() for match in _SENTENCE_START.finditer(text, begin, end)]
    starts = [start for start in starts if start < end]
    found: int | None = None
    tail: int | None = None
    for start in reversed(starts):
        stop = _STOP.search(text, start, end)
        sentence = text[start : stop.end() if stop else end]
        if _FIRST_OR_SECOND.search(_NARRATORS_YOU.sub("", sentence)):
            break
        if narrates(sentence):
            found = start
        if stop is None and _TAG_END.search(sentence):
            tail = start
    return tail if found is None else found


def _unopened(text: str, begin: int, end: int) -> int | None:
    """Where a quote begins whose opening mark is lost and whose closing mark is at `end`."""
    gap = text[begin:end]
    tags = list(_OPEN_TAG.finditer(gap))
    if tags:
        return begin + tags[-1].end()
    stripped = gap.strip()
    # "“快走！”你等等。”": the speech went on after a mark too many.
    if 2 <= len(stripped) <= 80 and _FIRST_OR_SECOND.search(_NARRATORS_YOU.sub("", gap)):
        return begin
    return None
