"""Content filter: words and patterns of a deployment, and how a character declines.

    filter = load_filter(Path("filter.toml"))
    filter.check("…", "zh", speaker=wukong)           None, or 「去去去！这等话休在老孙面前说……」
    filter.check(line, "zh", side="output")

A file holds rules, each with any of these keys:

    [[rule]]
    name = "money"                  how logs and counters call it
    words = ["赌博", "casino"]       whatever case and width, and whatever marks or blanks stand
                                    between Chinese characters (赌 博); Latin words as whole words
    patterns = ['\\d{11}']            regular expressions on the text as it is, whatever the case
    sides = ["input", "output"]     what it looks at; both by default
    say.zh = ["莫谈钱财。"]           how it declines; by default with a `refusal` line of the
    say.en = ["Not of money."]      speaker's card, and where nobody speaks with one of the house

What a person wrote is checked before it is answered, and what the model wrote before it is shown.
Texts are cut at `LONGEST` characters and a pattern has `PATIENCE` seconds: one that takes longer on
a text does not match it, and is named in the log. Patterns are tried on awkward texts when they are
read, so that one that would need long is refused there.
"""

from __future__ import annotations

import logging
import tomllib
import unicodedata
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import regex

from characters.card import LANGUAGES, Character, Language, Lines
from text.toml import read_toml

Side = Literal["input", "output"]
SIDES: tuple[Side, ...] = ("input", "output")

LONGEST = 4096  # characters of a text that are looked at
PATIENCE = 0.05  # seconds a pattern has for one text

_CARDS_OWN = Lines()
# When neither the rule nor a card says how.
_HOUSE = Lines(zh=("这话不便在此说，换个话题罢。",), en=("Let us talk of something else here.",))

_log = logging.getLogger(__name__)


class FilterError(ValueError):
    """A filter file that cannot be used; the message names the file and the rule."""

    for_user = True


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is not talked about. `words` are folded, `latin` are whole folded words."""

    name: str
    words: tuple[str, ...] = ()
    latin: tuple[str, ...] = ()
    patterns: tuple[regex.Pattern[str], ...] = ()
    sides: tuple[Side, ...] = SIDES
    say: Lines = _CARDS_OWN


@dataclass(frozen=True, slots=True)
class Filter:
    """The rules of a deployment, in their order. Without any, everything may be said."""

    rules: tuple[Rule, ...] = ()

    def broken(self, text: str, side: Side = "input") -> Rule | None:
        """The first rule that the text breaks."""
        text = text[:LONGEST]
        if not self.rules or not text:
            return None
        dense, spaced = _dense(text), _spaced(text)
        for rule in self.rules:
            if side in rule.sides and (
                any(word in dense for word in rule.words)
                or any(f" {word} " in spaced for word in rule.latin)
                or any(_matches(pattern, text, rule.name) for pattern in rule.patterns)
            ):
                return rule
        return None

    def check(
        self,
        text: str,
        language: Language,
        *,
        side: Side = "input",
        speaker: Character | None = None,
    ) -> str | None:
        """None where the text may stand; else what is said in its place, in character.

        The same text is declined with the same line.
        """
        rule = self.broken(text, side)
        if rule is None:
            return None
        lines = rule.say[language] or (speaker.refusal[language] if speaker else ())
        lines = lines or _HOUSE[language]
        return lines[zlib.crc32(text.encode("utf-8", "replace")) % len(lines)]


def load_filter(file: Path) -> Filter:
    """Read a filter file.

    Raises:
        FilterError: it cannot be read, has an unknown key, or a pattern that does not compile or
            takes too long.
    """
    try:
        raw = read_toml(file)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise FilterError(f"{file}: cannot be read as a filter: {problem}") from problem
    listed = raw.pop("rule", [])
    if raw:
        raise FilterError(
            f"{file}: unknown key {next(iter(raw))!r}; a filter holds [[rule]] tables"
        )
    if not isinstance(listed, list) or not all(isinstance(rule, dict) for rule in listed):
        raise FilterError(f"{file}: rule: must be tables: [[rule]]")
    return Filter(tuple(_rule(file, number, dict(rule)) for number, rule in enumerate(listed, 1)))


def _rule(file: Path, number: int, raw: dict[str, Any]) -> Rule:
    name = raw.pop("name", f"rule {number}")
    where = f"{file}: {name}"
    words = _texts(where, "words", raw.pop("words", []))
    patterns = _texts(where, "patterns", raw.pop("patterns", []))
    sides = _texts(where, "sides", raw.pop("sides", list(SIDES)))
    say = raw.pop("say", {})
    if raw:
        raise FilterError(f"{where}: unknown key {next(iter(raw))!r}")
    if not words and not patterns:
        raise FilterError(f"{where}: neither words nor patterns, so it would never hold")
    if not sides or not set(sides) <= set(SIDES):
        raise FilterError(f"{where}: sides: must be of {', '.join(SIDES)}, not {sides!r}")
    if not isinstance(say, Mapping) or not set(say) <= set(LANGUAGES):
        raise FilterError(f"{where}: say: must be say.zh and say.en")
    for word in words:
        if not _dense(word):
            raise FilterError(f"{where}: words: {word!r} holds no letter")
    said = {language: _texts(where, f"say.{language}", say.get(language, [])) for language in say}
    return Rule(
        name=str(name),
        words=tuple(_dense(word) for word in words if not _is_latin(word)),
        latin=tuple(_spaced(word).strip() for word in words if _is_latin(word)),
        patterns=tuple(_pattern(where, pattern) for pattern in patterns),
        sides=tuple(side for side in SIDES if side in sides),
        say=Lines(**said),
    )


def _texts(where: str, key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) and text for text in value):
        raise FilterError(f"{where}: {key}: must be a list of texts, not {value!r}")
    return tuple(value)


def _pattern(where: str, written: str) -> regex.Pattern[str]:
    try:
        pattern = regex.compile(written, regex.IGNORECASE)
    except regex.error as problem:
        raise FilterError(
            f"{where}: patterns: {written!r} does not compile: {problem}"
        ) from problem
    if pattern.search(""):
        raise FilterError(f"{where}: patterns: {written!r} holds for every text, even an empty one")
    for piece in _AWKWARD:
        try:
            pattern.search((piece * LONGEST)[: LONGEST - 1] + "\0", timeout=PATIENCE * 4)
        except TimeoutError as problem:
            raise FilterError(
                f"{where}: patterns: {written!r} takes too long on some texts; "
                "avoid repeats within repeats, as in (a+)+"
            ) from problem
    return pattern


# What nested repeats choke on.
_AWKWARD = ("a", "0", " ", "中", "a ", "a1", "aA-", "<a", "a.", "/")


def _matches(pattern: regex.Pattern[str], text: str, name: str) -> bool:
    try:
        return pattern.search(text, timeout=PATIENCE) is not None
    except TimeoutError:
        _log.warning("filter: a pattern of %r took too long on %d characters", name, len(text))
        return False


def _is_latin(word: str) -> bool:
    return all(ord(c) < 0x250 for c in word)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _dense(text: str) -> str:
    """Letters and digits only: what stands between the characters of a word hides it no more."""
    return "".join(c for c in _folded(text) if c.isalnum())


def _spaced(text: str) -> str:
    """Words with one blank around each, without marks."""
    visible = (c for c in _folded(text) if unicodedata.category(c) != "Cf")
    return f" {' '.join(''.join(c if c.isalnum() else ' ' for c in visible).split())} "
