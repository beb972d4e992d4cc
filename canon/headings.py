"""Chapter headings of a novel: where they stand, and which chapter each says it begins.

    for head in find_headings(text): head.start, head.text, head.number

Chinese (第 1 章, 【第一章】, 第壹回, 正文 第3章, 卷一, 楔子, 番外 …), English (Chapter I, CHAPTER
1., Chapter One, Prologue …), Markdown (# …) and, where nothing else is there, bare numbers (001
渡口). A book's own numbers count, so that "as of chapter 40" means its chapter 40; where they begin
anew in each volume, chapters are counted through.
"""

from __future__ import annotations

import bisect
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

_DIGITS = "0-9０-９一二三四五六七八九十百千万零〇○Ｏ两廿卅壹贰貳叁參肆伍陆陸柒捌玖拾佰仟"
_COUNT = rf"[{_DIGITS}](?:[ \u3000]?[{_DIGITS}]){{0,8}}"
_SEPARATED = r"[ \t\u3000：:、.．·—\-]+"
_VOLUME = "卷部集篇冊册"
_CHAPTER = "章回話话節节折幕"
# Words before a chapter's own heading in one line: 正文 第一章, 第二卷 夜渡 第三章.
_BEFORE = (
    rf"(?:(?:正文|VIP卷|V[Ii][Pp])[ \t\u3000：:]*"
    rf"|(?:第{_COUNT}[{_VOLUME}]|卷[{_DIGITS}]{{1,4}})[^\n，。]{{0,16}}?[ \t\u3000·]+)?"
)
_OPEN, _CLOSE = r"[【\[〔［〖《<＜(（]?", r"[】\]〕］〗》>＞)）]?"

_NUMBERED = re.compile(
    rf"^{_OPEN}{_BEFORE}第[ \t\u3000]?(?P<count>{_COUNT})[ \t\u3000]?"
    rf"(?P<unit>[{_CHAPTER}{_VOLUME}]){_CLOSE}(?P<title>.*)$"
)
_VOLUME_FIRST = re.compile(
    rf"^{_OPEN}(?P<unit>[卷章回])[ \t\u3000]?(?P<count>{_COUNT}){_CLOSE}"
    rf"(?P<title>$|{_SEPARATED}.*)$"
)
_ENGLISH_UNITS = {
    **dict.fromkeys(("chapter", "chap", "ch", "letter", "canto", "stave"), "章"),
    **dict.fromkeys(("book", "part", "volume", "act"), "卷"),
}
_CARDINALS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
)
_WORDS = _CARDINALS.split()
_COUNTED = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
)
_ORDINALS = _COUNTED.split()
_SPELLED = rf"(?:{'|'.join(_WORDS)})(?:[- ](?:{'|'.join(_WORDS[:9])}))?"
_LATIN = re.compile(
    r"^\W{0,3}(?P<unit>chapter|chap\.?|ch\.|letter|canto|stave|book|part|volume|act)[ \t]+"
    r"(?:the[ \t]+)?"
    rf"(?P<count>[0-9]+|[IVXLCDM]+|[ivxlcdm]+|{_SPELLED}|{'|'.join(_ORDINALS)})\b(?P<title>.*)$",
    re.IGNORECASE,
)
# Story without a number. What stands before the first chapter is its prologue.
_STORY = re.compile(
    r"^[【\[〔《]?(?:楔子|引子|引言|序章|序幕|序曲|序|前传|前傳|尾声|尾聲|终章|終章|大结局|大結局"
    r"|后记|後記|番外|外传|外傳|附录|附錄)[】\]〕》]?(?:[（(]?[一二三四五六七八九十0-9]{1,3}[）)]?|篇|之[^\s，。]{1,12}){0,3}"
    rf"(?:{_SEPARATED}.{{0,40}})?$"
    r"|^(?:prologue|epilogue|interlude|afterword|appendix)\b[.:—-]?[^.!?]{0,60}$",
    re.IGNORECASE,
)
_BARE = re.compile(
    rf"^(?P<count>[0-9]{{1,4}}|[{_DIGITS}]{{1,5}}|[IVXLC]{{1,7}})"
    r"(?:[ \t\u3000、.．：:]+(?P<title>.{1,40})?)?$"
)
_MARKDOWN = re.compile(r"(?P<mark>#{1,6}[ \t\u3000]+)(?P<heading>\S.*)")
_LINE = re.compile(r"[^\n]*")
_BLANK = " \t\u3000\ufeff\r\xa0\u200b"
# A heading is short; a sentence that mentions a chapter goes on, or ends with a full stop.
_LONGEST_TITLE = 60
_SENTENCE = re.compile(r"[。；;]|[，,].*[，,].*[，,]")
_GLUED = re.compile(r"^(?:[的里中上下是在了有说写讲和与]|[分门队]|合|节|目|来|头|题|后)|[，,。；]")
_ENGLISH_TITLE = re.compile(
    r"[ \t]*(?:$|[.:—–,\-)\]][^\n]*$|[A-Z0-9“\"‘'(\[][^\n]*$|[a-z][^\n.,;]{0,40}$)"
)
# A volume's own lines before its first chapter; what is longer is story.
_ONLY_A_TITLE = 200


@dataclass(frozen=True)
class Heading:
    """One heading line.

    line: offset of the line. start: of the heading without marks and blanks before it. end: after
    the line. number: what it says, None where it says none. unit: 章 for a chapter in any wording,
    节, 卷 for a volume, "" for story without a number (楔子), # for any other Markdown line.
    """

    line: int
    start: int
    end: int
    text: str
    unit: str
    number: int | None


def find_headings(text: str) -> list[Heading]:
    """The headings at which the text is to be cut, in order; none where there is but one, unless
    the text begins with it.

    Each cut has a number that no other has, rising from 0 (a prologue) or 1. Tables of contents,
    repeated heads, and lines that only look like a heading are left out.
    """
    found = list(_lines(text))
    units = Counter(head.unit for head in found)
    cut = [head for head in found if head.unit in _level(units)]
    if len(cut) < 2 or not any(head.unit for head in cut):
        cut = list(_bare(text)) or cut
    if len(cut) == 1 and not text[: cut[0].line].strip(_BLANK + "\n"):
        return [replace(cut[0], number=cut[0].number or 1)]  # a book of one chapter
    if len(cut) < 2:
        return []
    cut = _without_contents(text, cut)
    return _numbered(cut) if len(cut) > 1 else []


def volumes_between(text: str, begin: int, end: int) -> int:
    """Where a chapter's text ends before the heading of the volume that follows it."""
    for head in _lines(text, begin, end):
        if head.unit == "卷" and end - head.line <= _ONLY_A_TITLE:
            return head.line
    return end


def number_of(line: str) -> int | None:
    """The chapter number that a heading line says, if it says one."""
    head = _heading(0, line)
    return head.number if head else None


def _lines(text: str, begin: int = 0, end: int | None = None) -> Iterable[Heading]:
    for match in _LINE.finditer(text, begin, len(text) if end is None else end):
        if match.end() - match.start() <= _LONGEST_TITLE + 30:
            head = _heading(match.start(), match.group())
            if head is not None:
                yield head


def _heading(at: int, raw: str) -> Heading | None:
    line = raw.lstrip(_BLANK)
    marked = _MARKDOWN.match(line)
    start = at + len(raw) - len(line) + (len(marked["mark"]) if marked else 0)
    line = (marked["heading"] if marked else line).rstrip(_BLANK)
    plain = line.strip("*_ ")
    if not plain:
        return None
    for pattern in (_NUMBERED, _VOLUME_FIRST, _LATIN):
        match = pattern.match(plain)
        titled = match and (
            _ENGLISH_TITLE.match(match["title"]) if pattern is _LATIN else _is_title(match["title"])
        )
        if match and (marked or titled):
            unit = _ENGLISH_UNITS.get(match["unit"].casefold().rstrip("."), match["unit"])
            unit = "卷" if unit in _VOLUME else "节" if unit in "節节折幕" else "章"
            return Heading(at, start, at + len(raw), line, unit, value_of(match["count"]))
    if _STORY.match(plain):
        return Heading(at, start, at + len(raw), line, "", None)
    return Heading(at, start, at + len(raw), line, "#", None) if marked else None


def _is_title(title: str) -> bool:
    """Whether what follows the number is a title, not the rest of a sentence."""
    if len(title) > _LONGEST_TITLE or _SENTENCE.search(title):
        return False
    glued = bool(title) and not re.match(rf"{_SEPARATED}|[【\[(（《「『“\"'？！?!]", title)
    return not (glued and (len(title) > 30 or _GLUED.search(title)))


def _level(units: Counter[str]) -> set[str]:
    """The kinds of heading that cut this book: the chapters, and story without a number."""
    for unit in ("章", "节", "卷"):
        # A table of front matter in Markdown hides no chapters, and two chapters that are only
        # mentioned hide no Markdown.
        if units[unit] >= 2 and units[unit] * 2 >= units["#"]:
            return {unit, ""}
        if units[unit] and units[unit] + units[""] >= 2 and units[unit] >= units["#"]:
            return {unit, ""}
    return {"#", "", "章"} if units["#"] else {"章", "节", "卷", ""}


def _bare(text: str) -> Iterable[Heading]:
    """Lines of a number and perhaps a title, where they count 1, 2, 3 …; three at least."""
    found: list[Heading] = []
    for match in _LINE.finditer(text):
        line = match.group().strip(_BLANK)
        numbered = _BARE.match(line) if len(line) <= _LONGEST_TITLE else None
        if numbered and value_of(numbered["count"]) == len(found) + 1:
            start = match.start() + match.group().index(line)
            head = Heading(match.start(), start, match.end(), line, "章", len(found) + 1)
            found.append(head)
    return found if len(found) >= 3 else []


def _without_contents(text: str, heads: Sequence[Heading]) -> list[Heading]:
    """Without headings that have nothing behind them, and the last line of a table of contents."""
    ends = [head.line for head in heads[1:]] + [len(text)]
    empty = [not text[h.end : end].strip(_BLANK + "\n") for h, end in zip(heads, ends, strict=True)]
    if all(empty):
        return list(heads)
    kept: list[Heading] = []
    for index, head in enumerate(heads):
        if empty[index]:
            continue
        after = heads[index + 1] if index + 1 < len(heads) else None
        restarts = (
            head.number is not None
            and after is not None
            and after.number is not None
            and after.number < head.number
        )
        if restarts and index >= 2 and empty[index - 1] and empty[index - 2]:
            continue
        kept.append(head)
    return kept


def _numbered(heads: Sequence[Heading]) -> list[Heading]:
    """The cuts with rising numbers; what belongs to the chapter before it is no cut."""
    said = [head.number for head in heads if head.number is not None]
    if not said or any(head.unit == "#" for head in heads):
        return [replace(head, number=place) for place, head in enumerate(heads, 1)]
    rising = _longest_rising(said)
    if len(rising) < 0.8 * len(set(said)) or len(rising) < 0.6 * len(said):
        return _counted_through(heads)
    trusted = iter(rising)
    following = next(trusted, None)
    last = max(said)
    found: list[Heading] = []
    at = 0
    for head in heads:
        before = found[-1].number if found else None
        before = -1 if before is None else before
        if head.number is None:
            # A prologue is chapter 0, an epilogue comes after the last; one between two chapters
            # belongs to the chapter before it.
            if not found:
                found.append(replace(head, number=0))
            elif before >= last:
                found.append(replace(head, number=before + 1))
            continue
        if at == following:
            found.append(head)
            following = next(trusted, None)
        elif head.number > before and (following is None or head.number < said[following]):
            found.append(head)
        elif (
            found
            and following is not None
            and before + 1 < said[following]
            and head.number not in said[:at]
        ):
            found.append(replace(head, number=before + 1))  # a misprinted number
        at += 1
    return found


def _counted_through(heads: Sequence[Heading]) -> list[Heading]:
    """Numbers that begin anew in each volume: counted through, repeated heads left out."""
    found: list[Heading] = []
    before: Heading | None = None
    for head in heads:
        if before and head.number is not None and head.number == before.number:
            continue
        first = 0 if head.number is None and not found else 1
        number = found[-1].number + 1 if found and found[-1].number is not None else first
        found.append(replace(head, number=number))
        before = head
    return found


def _longest_rising(numbers: Sequence[int]) -> list[int]:
    """Places of the longest strictly rising run of numbers, gaps allowed (patience sorting)."""
    tails: list[int] = []
    places: list[int] = []
    before: list[int] = []
    for place, number in enumerate(numbers):
        at = bisect.bisect_left(tails, number)
        before.append(places[at - 1] if at else -1)
        if at == len(tails):
            tails.append(number)
            places.append(place)
        elif tails[at] != number:  # of the same number the first counts
            tails[at], places[at] = number, place
    found: list[int] = []
    at = places[-1] if places else -1
    while at >= 0:
        found.append(at)
        at = before[at]
    return found[::-1]


_CHINESE = {
    char: value
    for value, chars in enumerate(
        ("零〇○Ｏ", "一壹", "二贰貳两", "三叁參", "四肆", "五伍", "六陆陸", "七柒", "八捌", "九玖")
    )
    for char in chars
}
_SCALES = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000, "万": 10_000}
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def value_of(count: str) -> int:
    """A number in digits, Chinese numerals (plain or formal), Roman numerals or English words."""
    count = count.strip()
    if not re.search("[A-Za-z]", count):
        count = re.sub(r"[ \t\u3000]", "", count)
    if all(char.isdecimal() for char in count):
        return int(count)
    low = count.casefold()
    if low in _ORDINALS:
        return _ORDINALS.index(low) + 1
    words = re.split(r"[- ]", low)
    if all(word in _WORDS for word in words):
        return sum(_word(word) for word in words)
    if count.isascii():
        values = [_ROMAN[char] for char in count.upper()]
        following = [*values[1:], 0]
        return sum(-v if v < after else v for v, after in zip(values, following, strict=True))
    count = count.replace("廿", "二十").replace("卅", "三十")
    if not any(char in _SCALES for char in count):
        digits = (str(_CHINESE.get(char, char)) for char in count)
        return int("".join(digits))
    total, part = 0, 0
    for char in count:
        if char in _SCALES:
            scale = _SCALES[char]
            if scale == 10_000:
                total, part = (total + part) * scale, 0
            else:
                total, part = total + (part or 1) * scale, 0
        else:
            part = part * 10 + (int(char) if char.isdecimal() else _CHINESE[char])
    return total + part


def _word(word: str) -> int:
    place = _WORDS.index(word)
    return place + 1 if place < 20 else 10 * (place - 17)
