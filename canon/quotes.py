"""Where the quotes of a section are, broken ones repaired.

Texts of old novels come with lost, doubled and mistyped quotation marks. The repair follows
one rule: narration never ends up inside speech. Where a closing mark is lost the quote ends
before the first sentence that the narrator must have said; where an opening mark is lost it
begins after the speech tag.
"""

from __future__ import annotations

import re
from collections import Counter
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
_LATIN_GAP = re.compile(r"(?<=[!-~])\s+(?=[!-~])")
_LAYOUT = re.compile(r"(?<![!-~])[\s\u3000]+|[\s\u3000]+(?![!-~])")
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
    marks = list(_MARKS.finditer(text, begin))
    spans: list[Span] = []
    opened: int | None = None
    style = ""
    skip = 0

    def last_end() -> int:
        return spans[-1].end if spans else begin

    def lost_opening(at: int) -> bool:
        """Repair a closing mark at `at` that has no opening one; False if it is only stray."""
        found = _unopened(text, last_end(), at)
        if found is None:
            return False
        if spans and found <= spans[-1].end and text[spans[-1].last - 1] not in _SENTENCE_END:
            # “且莫哭”我问你…”: the mark in the middle is the one too many.
            before = spans.pop()
            spans.append(Span(before.start, at + 1, before.first, at, "unopened"))
        else:
            while text[found] in "，。！？；：”』」 \n\u3000":
                found += 1
            spans.append(Span(found, at + 1, found, at, "unopened"))
        return True

    def close(at: int, repaired: str) -> None:
        nonlocal opened
        assert opened is not None
        last = at
        while last > opened + 1 and text[last - 1].isspace():
            last -= 1
        words = text[opened + 1 : last]
        # A mark of another kind that stood for the lost one (…去。’老妖道) is no word.
        if repaired == "unclosed" and words.endswith("’") and words.count("‘") < words.count("’"):
            last -= 1
        end = at + 1 if repaired in ("", "mistyped") else last
        if last > opened + 1:
            spans.append(Span(opened, end, opened + 1, last, repaired))
        opened = None

    for index, mark in enumerate(marks):
        if skip:
            skip -= 1
            continue
        at, char = mark.start(), mark[0]
        if opened is None:
            if char in _CLOSING:
                lost_opening(at)
                continue
            following = marks[index + 1] if index + 1 < len(marks) else None
            if following is not None and following[0] == char and char in OPENING:
                # “ twice: the first may stand for the ” of a quote whose “ is lost.
                between = text[at + 1 : following.start()]
                if _TAG_END.search(between) and narrates(between) and lost_opening(at):
                    continue
            opened, style = at, char
            continue
        if char == style and style in _STRAIGHT and "\n" in text[opened:at]:
            # The same mark opens and closes: one lost mark must not turn the book inside out.
            close(text.index("\n", opened), "unclosed")
            opened = at
            continue
        if char == OPENING.get(style) or (char == style and style in _STRAIGHT):
            close(at, "")
            continue
        if char != style:
            continue  # another style inside this one: nested
        # A second opening mark while the first is still open.
        after = [m[0] for m in marks[index + 1 : index + 3]]
        closing = OPENING[style]
        if after == [closing, closing]:
            between = text[marks[index + 1].end() : marks[index + 2].start()]
            if len(between) <= _REST_OF_OUTER and not _OPEN_TAG.search(between):
                skip = 1  # a quote within the quote, properly closed
                continue
        before = text[opened + 1 : at].rstrip()
        ended = before[-1:] in _SENTENCE_END or before[-1:] in "’』"
        if ended and (not after or after[0] == style):
            close(at, "mistyped")
            continue
        cut = _cut(text, opened + 1, at, narrates)
        if cut is not None:
            close(cut, "unclosed")
            opened = at
    if opened is not None:
        cut = _cut(text, opened + 1, len(text), narrates)
        if cut is None:
            paragraph = text.find("\n", opened)
            cut = len(text) if paragraph < 0 else paragraph
        close(cut, "unclosed")
    return spans


def without_layout(text: str) -> str:
    """The words without line breaks and layout blanks; between Latin words one blank stays."""
    return _LAYOUT.sub("", _LATIN_GAP.sub(" ", text)).strip()


def styles(text: str) -> Counter[str]:
    """How many opening marks of each style a text has."""
    counts = Counter(char for char in text if char in OPENING)
    straight = sum(char in _STRAIGHT for char in text)
    if straight:
        counts['"'] = straight // 2
    return counts


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
