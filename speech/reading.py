"""A chat message as sentences to be read aloud: what a person would read, and nothing else.

    sentences("（挠头）**莫慌**！见 https://example.org 😀 花了 3.5 元。")
        ->  ("莫慌！", "见网址，花了三点五元。")

Stage directions, emoji, markdown, mentions and addresses are not spoken; Chinese numbers become
words; punctuation becomes the few marks that mean a pause. What is left holds letters, digits,
spaces and `,.!?;:，。！？；：'-` only: no option, markup or phoneme code of any engine.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator

from speech.numbers import read_numbers

LONGEST = 4096  # characters of a message; what is longer is read so far
LONGEST_SENTENCE = 120  # characters; longer ones are cut at a comma, or at a space
SHORTEST = 6  # characters: shorter sentences are read together with the next

_HANS = r"㐀-鿿豈-﫿\U00020000-\U0003ffff〇"
_HAN = re.compile(f"[{_HANS}]")
_LATIN = re.compile(r"[A-Za-zÀ-ɏ]+")
# What ends a sentence. A full stop does where a space follows, but not after an initial or a title.
_END = re.compile(
    r"[。！？!?；;]+|(?<![ .][A-Za-z])(?<!\.[A-Za-z])(?<!\bMr)(?<!\bMs)(?<!\bDr)(?<!\bSt)(?<!\bvs)"
    r"(?<!\bMrs)(?<!\betc)\.(?=\s|$)"
)

# Markdown and what chat programs make of it, in this order.
_MARKUP: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.MULTILINE), what)
    for pattern, what in (
        (r"```[\s\S]*?(?:```|\Z)", "\n"),  # code is not read
        (r"~~~[\s\S]*?(?:~~~|\Z)", "\n"),
        (r"<(?:@[!&]?|#|a?:\w+:|t:|/[\w -]+:)\d+(?::\w)?>", " "),  # mentions, emoji, times
        (r"<!--.*?-->", " "),
        (r"</?[A-Za-z][^<>\n]{0,200}>", " "),
        (r"!?\[([^\[\]\n]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)", r"\1"),
        (r"!?\[([^\[\]\n]*)\]\[[^\[\]\n]*\]", r"\1"),
        (r"^[ \t]*\[[^\]\n]+\]:\s*\S+.*$", ""),
        (r"^[ \t]{0,3}(?:[-*_][ \t]*){3,}$", "\n"),
        (
            r"^[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)*\|?[ \t]*$",
            "",
        ),  # under a table's head
        (r"^[ \t]{0,3}#{1,6}\s+", ""),
        (r"[ \t]#{1,6}[ \t]*$", ""),
        (r"^-#\s+", ""),
        (r"^(?:[ \t]*>)+[ \t]?", ""),
        (r"^[ \t]*[-*+•·]\s+(?:\[[ xX]\]\s+)?", ""),
        (r"^[ \t]*(\d{1,3})[.)、]\s+", r"\1，"),
        (r"\|\|([^|\n]+)\|\|", r"\1"),
        (r"`{1,2}([^`\n]{1,300})`{1,2}", r"\1"),
        (r"~~([^~\n]+)~~", r"\1"),
        (r"(\*\*\*|\*\*|___|__)(?=\S)(.+?)(?<=\S)\1", r"\2"),
        (r"(?<![\w])_(?=\S)([^_\n]+)(?<=\S)_(?![\w])", r"\1"),
    )
)
_ADDRESS = re.compile(
    r"(?:https?|ftp)://[^\s，。！？；、）)】」』\"'<>]+|\bwww\.[^\s，。！？；、）)】」』\"'<>]+"
)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]*\w")
_ACTION = re.compile(r"\*(?=\S)([^*\n]+?)(?<=\S)\*")
_OPEN, _CLOSE = "（(【[〔{", "）)】]〕}"
_QUOTES = '『』「」“”‘’"《》〈〉«»＂′″`'
_PAUSES = str.maketrans("、,;!?:", "，，；！？：")
_ENGLISH = str.maketrans({"，": ", ", "。": ". ", "！": "! ", "？": "? ", "；": "; ", "：": ": "})
# What English reads of signs.
_SIGNS: tuple[tuple[str, str], ...] = (
    (r"(?<=\d),(?=\d{3})", ""),
    (r"\$\s?(\d[\d.]*\d|\d)", r"\1 dollars"),
    (r"€\s?(\d[\d.]*\d|\d)", r"\1 euros"),
    (r"£\s?(\d[\d.]*\d|\d)", r"\1 pounds"),
    (r"(?<=\d)\s?%", " percent"),
    (r"(?<=\d)\s?(?:℃|°C)", " degrees"),
    (r"(?<=\d)\s?\+\s?(?=\d)", " plus "),
    (r"(?<=\d)\s?=\s?(?=\d)", " equals "),
    (r"(?<![\w)])-(?=\d)", "minus "),
)


def is_chinese(text: str) -> bool:
    """Whether a text is read as Chinese: with half as many characters as foreign words, or more."""
    return len(_HAN.findall(text)) * 2 >= len(_LATIN.findall(text)) and bool(_HAN.search(text))


def sentences(text: str, *, growing: bool = False) -> tuple[str, ...]:
    """What is read of a message, sentence by sentence.

    `growing`: the message is still being written; only what no further character can change is
    returned, so that what is ready can be spoken meanwhile.
    """
    text = text[:LONGEST]
    if growing:
        text = _settled(text)
    said = tuple(_joined(_spoken(plain(text))))
    return said[:-1] if growing else said


def plain(text: str) -> str:
    """The message without markup, addresses, directions and emoji; numbers and marks as written."""
    text = html.unescape(text).replace("\r\n", "\n")
    text = "".join(c for c in text if c in "\n\t" or unicodedata.category(c)[0] != "C")
    text = re.sub(r"\\([\\`*_{}\[\]()#+.!|~>-])", r"\1​", text)  # an escaped mark is none
    for pattern, what in _MARKUP:
        text = pattern.sub(what, text)
    text = _ADDRESS.sub(lambda found: _instead(found, " 网址 ", " a link "), text)
    text = _MAIL.sub(lambda found: _instead(found, " 邮箱 ", " an e-mail address "), text)
    text = _ACTION.sub(_action, text)
    text = _without_directions(text)
    return text.replace("​", "")


def _instead(found: re.Match[str], chinese: str, english: str) -> str:
    """In the language of the word before it, or else of the next."""
    before = [c for c in found.string[: found.start()] if c.isalpha()]
    after = [c for c in found.string[found.end() :] if c.isalpha()]
    near = before[-1:] or after[:1]
    return chinese if near and _HAN.match(near[0]) else english


def _settled(text: str) -> str:
    """The part of a growing message that ends before what may still be opened or closed."""
    for mark in ("```", "**", "||", "~~"):
        if text.count(mark) % 2:
            text = text[: text.rindex(mark)]
    if text.count("*") % 2:
        text = text[: text.rindex("*")]
    depth, since = 0, 0
    for at, c in enumerate(text):
        if c in _OPEN:
            since = since if depth else at
            depth += 1
        elif c in _CLOSE and depth:
            depth -= 1
    return text[:since] if depth else text


def _action(found: re.Match[str]) -> str:
    """`*smiles*` beside a sentence is what somebody does; inside of one it is only stress."""
    before = found.string[: found.start()].rstrip()[-1:]
    after = found.string[found.end() :].lstrip()[:1]
    stressed = before.isalnum() and after != ""
    return found[1] if stressed or (before in ("，", ",", "、") and after.isalnum()) else " "


def _without_directions(text: str) -> str:
    """Without what stands in brackets; brackets without a partner are only left out themselves."""
    pairs: dict[int, int] = {}
    opened: list[int] = []
    for at, c in enumerate(text):
        if c in _OPEN:
            opened.append(at)
        elif c in _CLOSE and opened:
            pairs[opened.pop()] = at
    kept, at = [], 0
    while at < len(text):
        c = text[at]
        if at in pairs:
            inside = text[at + 1 : pairs[at]]
            if any(ch.isalpha() for ch in inside) or not any(ch.isdigit() for ch in inside):
                kept.append(" ")
                at = pairs[at] + 1
                continue
            kept.append(" ")  # (1+2): no direction
        elif c not in _OPEN + _CLOSE:
            kept.append(c)
        at += 1
    return "".join(kept)


def _spoken(text: str) -> Iterator[str]:
    """Sentences of a text without markup, as they are read."""
    for piece in _pieces(_marks(text)):
        chinese = is_chinese(piece) or not _LATIN.search(piece)
        said = read_numbers(piece) if chinese else _in_english(piece)
        said = re.sub(r"\.(?![A-Za-z0-9])", "。", said)
        said = re.sub(r"(?<![A-Za-z0-9])[-'.]+|[-'.]+(?![A-Za-z0-9\u4e00-\u9fff])", " ", said)
        said = re.sub(r"\s+", " ", "".join(map(_letter, said)))
        said = re.sub(r"\s*([，。！？；：])[，。！？；：\s]*", _one_mark, said)
        said = re.sub(rf"(?<=[{_HANS}，。！？；：]) (?=[{_HANS}])", "", said).strip("， ；：")
        said = said.lstrip("。！？")
        if any(c.isalnum() for c in said):
            yield from _short(said if chinese else _spaced(said))


def _in_english(text: str) -> str:
    for pattern, what in _SIGNS:
        text = re.sub(pattern, what, text)
    return text


def _spaced(sentence: str) -> str:
    """With the marks of an English sentence."""
    return re.sub(r"\s+", " ", sentence.translate(_ENGLISH)).strip()


def _marks(text: str) -> str:
    """The marks that mean a pause, and no others."""
    text = unicodedata.normalize("NFKC", text.replace("…", "。").replace("～", "~"))
    text = re.sub(r"\.{3,}|。{2,}", "。", text)
    text = re.sub(r"—+|–{2,}|-{2,}|(?<=\w)\s+-\s+(?=\w)", "，", text)
    text = re.sub(r"[~∼〜]+(?!\d)", " ", text)
    text = re.sub(f"[{re.escape(_QUOTES)}]", "", text.replace("’", "'"))
    text = re.sub(r"(?<=[A-Za-z])\s*&\s*(?=[A-Za-z])", " and ", text)
    return text.replace("|", "，")


def _pieces(text: str) -> Iterator[str]:
    """Cut after what ends a sentence: a full stop between letters or digits does not."""
    for line in text.split("\n"):
        begun = 0
        for found in _END.finditer(line):
            yield line[begun : found.end()]
            begun = found.end()
        yield line[begun:]


def _letter(c: str) -> str:
    """A character as it may reach an engine."""
    if _HAN.match(c) or (c.isalnum() and ord(c) < 0x250) or c in " ，。！？；：'-.":
        return c
    if c in ",;!?:、":
        return c.translate(_PAUSES)
    return c if c.isalpha() and unicodedata.category(c) in ("Lo", "Ll", "Lu") else " "


def _one_mark(found: re.Match[str]) -> str:
    """Of several marks in a row the strongest counts."""
    return min(found[0].strip().replace(" ", ""), key="？！。；：，".index)


def _short(sentence: str) -> Iterator[str]:
    while len(sentence) > LONGEST_SENTENCE:
        cut = max(sentence.rfind(mark, 20, LONGEST_SENTENCE) for mark in "，；：") + 1
        cut = cut or sentence.rfind(" ", 20, LONGEST_SENTENCE) + 1 or LONGEST_SENTENCE
        yield sentence[:cut].strip()
        sentence = sentence[cut:].lstrip()
    if any(c.isalnum() for c in sentence):
        yield sentence


def _joined(pieces: Iterator[str]) -> Iterator[str]:
    """Very short sentences go with the next: an engine reads 「呔！」 better with what follows."""
    held = ""
    for piece in pieces:
        held = _after(held, piece)
        if len(held) >= SHORTEST:
            yield held
            held = ""
    if held:
        yield held


def _after(before: str, piece: str) -> str:
    if not before:
        return piece
    if before[-1].isalnum():  # a line that ends without a mark: a heading, a list
        return f"{before}，{piece}" if _HAN.search(before) else f"{before}, {piece}"
    return (
        before + piece
        if _HAN.match(before[-1]) or before[-1] in "，。！？；："
        else f"{before} {piece}"
    )


def runs(sentence: str) -> Iterator[tuple[str, str]]:
    """A sentence as stretches of one language ("zh" or "en"), marks with what they follow."""
    language, begun = "", 0
    for at, c in enumerate(sentence):
        own = "zh" if _HAN.match(c) else "en" if c.isalnum() else ""
        if own and language and own != language:
            yield language, sentence[begun:at].strip()
            begun = at
        language = own or language
    if language:
        yield language, sentence[begun:].strip()
