"""Characters as values, and the TOML cards that they are read from, checked at the border.

cast = load_cast()                     # the cards that come with the project
cast = load_cast(Path("my-cards"))     # or a folder of your own
wukong = cast.find("齐天大圣")

A card has every text in Chinese and English, unless it says `language = "zh"` (or "en"): then only
name, greeting and one description (`brief` or `persona`) in that language are required, and a text
of that language need be no table:

    id = "xiaobai"
    language = "zh"
    name = "小白龙"
    greeting = "来了！"
    brief = "西海龙王三太子，性急，护短。"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from characters.facts import Fact, FactError, read_facts
from characters.greetings import Greeting, GreetingError, read_greeting
from characters.voices import NO_VOICE, Voice, VoiceError, read_voice
from characters.words import LANGUAGES as LANGUAGES
from characters.words import Language as Language
from characters.words import Lines as Lines
from characters.words import Source as Source
from characters.words import Title as Title
from characters.words import Words as Words
from text.folding import fold
from text.toml import read_toml

CAST_FOLDER = Path(__file__).parent / "cast"


class CardError(ValueError):
    """A card that cannot be used; the message names the file and the key."""

    for_user = True


class UnknownCharacter(LookupError):
    """No character answers to this name."""

    for_user = True


@dataclass(frozen=True, slots=True)
class Earlier:
    """Who a character was until a chapter of the book."""

    until: int
    brief: Words
    persona: Words


_DESCRIBED = ("brief", "persona", "style")
_LISTED = ("aliases", "greeting", "lines", "lookalikes", "refusal")

_NO_LINES = Lines()

PEOPLE = "people"  # in `Title.by`: anybody without a card


@dataclass(frozen=True, slots=True)
class Character:
    """A character as its card describes it.

    `brief` (the short description) is one line for small contexts, `persona` (the long one) and
    `style` a paragraph each for large ones; where one description is missing, the other one is
    read. Only name, greeting and one description are always there. `categories` are words that it
    is found by.
    `titles` mean the character only where it is present, and only from some; `lookalikes` are
    words that hold one of its names and do not mean it (旅行者 holds 行者). With a line of
    `refusal` it turns down what it shall not talk about. `talkativeness` in 0..1 is how readily the
    character speaks unasked; `greetings` are those for a situation (`characters.greetings`);
    `temperature` is its sampling dial; `first_chapter` is where the book
    first shows it (0: not from a book). Texts may hold macros (`characters.macros`). `source` is
    the foreign card that it came from.
    """

    id: str
    name: Words
    aliases: Lines
    brief: Words
    persona: Words
    style: Words
    greeting: Lines
    lines: Lines
    titles: tuple[Title, ...] = ()
    lookalikes: Lines = _NO_LINES
    refusal: Lines = _NO_LINES
    earlier: tuple[Earlier, ...] = ()
    first_chapter: int = 0
    talkativeness: float = 0.5
    temperature: float = 0.8
    colour: str = "white"
    emoji: str = ""
    categories: tuple[str, ...] = ()
    source: Source | None = None
    greetings: tuple[Greeting, ...] = ()
    voice: Voice = NO_VOICE

    @property
    def missing(self) -> tuple[str, ...]:
        """The keys of a full card that this one lacks: `persona.zh`, `lines.en`, …"""
        parts = {key: getattr(self, key) for key in ("name", *_DESCRIBED, "greeting", "lines")}
        return tuple(
            f"{key}.{language}"
            for key, part in parts.items()
            for language in LANGUAGES
            if not getattr(part, language)
        )

    def as_of(self, chapter: int) -> Character:
        """The card as far as the book has happened; 0 is the whole book.

        Example lines are of the whole book, so an earlier card has none.
        """
        for before in self.earlier:
            if 0 < chapter <= before.until:
                return replace(self, brief=before.brief, persona=before.persona, lines=Lines())
        return self

    def __hash__(self) -> int:
        # By its id alone: characters are keys of many small tables, and their texts are long.
        return hash(self.id)

    @property
    def names(self) -> tuple[str, ...]:
        """All that the character answers to: id, names, aliases of both languages."""
        names = (self.id, self.name.zh, self.name.en, *self.aliases.zh, *self.aliases.en)
        return tuple(filter(None, names))


@dataclass(frozen=True, slots=True)
class Cast:
    """All characters that can be summoned, in the order of their files; facts of their story."""

    characters: tuple[Character, ...]
    facts: tuple[Fact, ...] = ()
    # folded name -> whose it is; a name that two hold is the first one's
    _owners: dict[str, Character] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        owners: dict[str, Character] = {}
        for character in self.characters:
            for name in character.names:
                owners.setdefault(fold(name), character)
        object.__setattr__(self, "_owners", owners)

    def __iter__(self) -> Iterator[Character]:
        return iter(self.characters)

    def __len__(self) -> int:
        return len(self.characters)

    def __getitem__(self, character_id: str) -> Character:
        for character in self.characters:
            if character.id == character_id:
                return character
        raise UnknownCharacter(_nobody(character_id, self))

    def find(self, name: str) -> Character:
        """The character with this id, name or alias, compared as people read names (`text.fold`).

        Raises:
            UnknownCharacter: there is none; the message lists who there is.
        """
        found = self.owner(name)
        if found is None:
            raise UnknownCharacter(_nobody(name, self))
        return found

    def owner(self, name: str) -> Character | None:
        """The same; None when nobody has this name."""
        return self._owners.get(fold(name))


def _nobody(name: str, cast: Cast) -> str:
    known = ", ".join(f"{c.name['zh']} ({c.id})" for c in cast)
    return f"nobody here answers to {name!r}; there are: {known}"


def load_cast(folder: Path = CAST_FOLDER) -> Cast:
    """Read every `*.toml` of `folder` as a card, and `facts/ID.toml` beside it.

    Raises:
        CardError: a card or its facts are broken, two cards share a name, or there is none.
    """
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise CardError(f"{folder}: no card (*.toml) in this folder")
    cards = [load_card(file) for file in files]
    owner: dict[str, Path] = {}
    for file, card in zip(files, cards, strict=True):
        for name in {fold(name) for name in card.names}:
            if name in owner:
                raise CardError(
                    f"{file}: aliases: {name!r} already belongs to {owner[name].name}; "
                    "each name may mean one character only"
                )
            owner[name] = file
    # The order of the book, so that lists read naturally; cards from no book come last.
    cards.sort(key=lambda card: (card.first_chapter or 10_000, card.id))
    try:
        return Cast(tuple(cards), read_facts(folder, [card.id for card in cards]))
    except FactError as problem:
        raise CardError(str(problem)) from problem


def load_card(file: Path) -> Character:
    """Read one card.

    Raises:
        CardError: not UTF-8, not TOML, an unknown or missing key, a value of the wrong kind.
    """
    try:
        raw = read_toml(file)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, OSError) as problem:
        raise CardError(f"{file}: cannot be read as a TOML card: {problem}") from problem
    return read_card(raw, str(file))


def read_card(raw: Mapping[str, Any], name: str) -> Character:
    """A character from the table of a card, as TOML or JSON has it; `name` is what errors call it.

    Raises:
        CardError: an unknown or missing key, a value of the wrong kind.
    """
    return _Reader(name, raw).card()


class _Reader:
    """Takes the keys of one card out of its table, and knows which are left over."""

    def __init__(self, file: str, raw: Mapping[str, Any]) -> None:
        self.file = file
        self.raw = dict(raw)
        self.only: Language | None = None  # the language of a card that has not both

    def card(self) -> Character:
        self.only = self._language()
        sampling = self._table("sampling", required=False)
        card = Character(
            id=self._id(),
            name=self._words("name"),
            aliases=self._lines("aliases", required=False),
            brief=self._words("brief", required=not self.only),
            persona=self._words("persona", required=not self.only),
            style=self._words("style", required=not self.only),
            greeting=self._lines("greeting"),
            lines=self._lines("lines", required=False),
            titles=self._titles(),
            lookalikes=self._lines("lookalikes", required=False),
            refusal=self._lines("refusal", required=False),
            earlier=self._earlier(),
            first_chapter=self._whole("first_chapter", 0, 100_000),
            talkativeness=self._number("talkativeness", 0.5, 0.0, 1.0),
            temperature=self._dial(sampling, "temperature", 0.8, 0.0, 2.0, "sampling."),
            colour=self._text("colour", "white"),
            emoji=self._text("emoji", ""),
            categories=self._texts("categories", self.raw.pop("categories", [])),
            source=self._source(),
            greetings=_greetings(self),
            voice=self._voice(),
        )
        self._none_left(self.raw, "")
        self._none_left(sampling, "sampling.")
        if not card.brief and not card.persona:
            raise self._wrong("brief", "is missing: one description, brief or persona, is needed")
        for name in (card.name.zh, card.name.en):
            if any(mark in name for mark in ":：\n<>"):
                raise self._wrong("name", f"{name!r} must not hold colons, line breaks or < >")
        return card

    def _source(self) -> Source | None:
        if "source" not in self.raw:
            return None
        part = _Reader(self.file, self._table("source"))
        source = Source(part._text("card", None), part._text("system", ""), part._text("note", ""))
        part._none_left(part.raw, "source.")
        return source

    def _earlier(self) -> tuple[Earlier, ...]:
        found = []
        for raw in _tables(self, "earlier"):
            part = _Reader(self.file, raw)
            part.only = self.only
            until = part._whole("until", 1, 100_000)
            found.append(Earlier(until, part._words("brief"), part._words("persona")))
            part._none_left(part.raw, "earlier.")
        return tuple(sorted(found, key=lambda each: each.until))

    def _voice(self) -> Voice:
        try:
            return read_voice(self._table("voice", required=False))
        except VoiceError as problem:
            raise self._wrong(problem.key, problem.what) from problem

    def _wrong(self, key: str, what: str) -> CardError:
        return CardError(f"{self.file}: {key}: {what}")

    def _none_left(self, table: Mapping[str, Any], prefix: str) -> None:
        for key in table:
            raise self._wrong(prefix + key, "unknown key")

    def _table(self, key: str, *, required: bool = True) -> dict[str, Any]:
        if key not in self.raw:
            if required:
                raise self._wrong(key, "is missing")
            return {}
        table = self.raw.pop(key)
        if self.only and isinstance(table, str | list):
            lists = key in _LISTED and isinstance(table, str)
            return {self.only: [table] if lists else table}
        if not isinstance(table, dict):
            raise self._wrong(key, f"must be a table, not {table!r}")
        return dict(table)

    def _id(self) -> str:
        name = self._text("id", None)
        if not name.isidentifier() or not name.isascii():
            raise self._wrong("id", f"{name!r} must be ASCII letters, digits and _")
        return name

    def _text(self, key: str, default: str | None) -> str:
        if key not in self.raw:
            if default is None:
                raise self._wrong(key, "is missing")
            return default
        return self._string(key, self.raw.pop(key))

    def _string(self, key: str, text: object) -> str:
        if not isinstance(text, str):
            raise self._wrong(key, f"must be a text, not {text!r}")
        return text.strip()

    def _whole(self, key: str, low: int, high: int) -> int:
        number = self._number(key, 0, low, high)
        if number != int(number):
            raise self._wrong(key, f"must be a whole number, not {number:g}")
        return int(number)

    def _number(self, key: str, default: float, low: float, high: float) -> float:
        return self._dial(self.raw, key, default, low, high)

    def _dial(
        self,
        table: dict[str, Any],
        key: str,
        default: float,
        low: float,
        high: float,
        prefix: str = "",
    ) -> float:
        number = table.pop(key, default)
        key = prefix + key
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise self._wrong(key, f"must be a number, not {number!r}")
        if not low <= number <= high:
            raise self._wrong(key, f"must lie in {low:g}..{high:g}, not {number:g}")
        return float(number)

    def _language(self) -> Language | None:
        """What `language` says: the one that the card is written in, when it has not both."""
        match self._text("language", ""):
            case "zh":
                return "zh"
            case "en":
                return "en"
            case "":
                return None
            case other:
                raise self._wrong("language", f"must be zh or en, not {other!r}")

    def _words(self, key: str, *, required: bool = True) -> Words:
        table = self._table(key, required=required)
        texts = {}
        for language in LANGUAGES:
            text = self._string(f"{key}.{language}", table.pop(language, ""))
            if not text and required and self.only in (None, language):
                raise self._wrong(f"{key}.{language}", "is missing")
            texts[language] = text
        self._none_left(table, f"{key}.")
        return Words(**texts)

    def _titles(self) -> tuple[Title, ...]:
        titles = []
        for table in map(dict, _tables(self, "titles")):
            by = table.pop("by", [])
            if not isinstance(by, list) or not all(isinstance(who, str) for who in by):
                raise self._wrong("titles.by", f"must be a list of ids, not {by!r}")
            words = self._lines_of(table, "titles", required=False)
            if not words.zh and not words.en:
                raise self._wrong("titles", "a table without zh or en")
            titles.append(Title(words, frozenset(by)))
        return tuple(titles)

    def _lines(self, key: str, *, required: bool = True) -> Lines:
        return self._lines_of(self._table(key, required=required), key, required=required)

    def _lines_of(self, table: dict[str, Any], key: str, *, required: bool) -> Lines:
        lines = {}
        for language in LANGUAGES:
            listed = table.pop(language, [])
            texts = self._texts(f"{key}.{language}", listed)
            if required and not texts and self.only in (None, language):
                raise self._wrong(f"{key}.{language}", "is missing or holds an empty text")
            lines[language] = texts
        self._none_left(table, f"{key}.")
        return Lines(**lines)

    def _texts(self, key: str, listed: object) -> tuple[str, ...]:
        if not isinstance(listed, list):
            raise self._wrong(key, "must be a list of texts")
        texts = tuple(self._string(key, text) for text in listed)
        if not all(texts):
            raise self._wrong(key, "is missing or holds an empty text")
        return texts


def _tables(reader: _Reader, key: str) -> list[dict[str, Any]]:
    """A list of tables that a card may have."""
    listed = reader.raw.pop(key, [])
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise reader._wrong(key, f"must be tables: [[{key}]]")
    return listed


def _greetings(reader: _Reader) -> tuple[Greeting, ...]:
    try:
        return tuple(read_greeting(raw, reader.only) for raw in _tables(reader, "greetings"))
    except GreetingError as problem:
        raise reader._wrong(problem.key, problem.what) from problem
