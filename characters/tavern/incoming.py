"""A foreign card's table becomes a character: V1, V2, V3, and what older programs wrote.

| a card's field                                     | becomes                                     |
|----------------------------------------------------|---------------------------------------------|
| nickname, else name                                | name; the other one an alias                |
| description and scenario                           | persona                                     |
| personality                                        | style                                       |
| first_mes, alternate_greetings                     | greeting                                    |
| {{char}}'s lines of mes_example                    | lines                                       |
| tags                                               | categories                                  |
| system_prompt                                      | source.system: read below the house rules   |
| post_history_instructions, extensions.depth_prompt | source.note: read before each reply         |
| extensions.talkativeness                           | talkativeness                               |
| extensions.mrp                                     | all that only our cards have                |
| everything                                         | source.card, for the way out                |
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from characters.card import CardError, Character, Language, Lines, Source, Words, read_card
from characters.fields import as_table
from characters.tavern.fields import Fields, plain, wrong
from characters.tavern.values import compact
from text.folding import invisible

OURS = "mrp"  # the key of `extensions` that holds what only our cards have
LONGEST_NAME = 40  # characters, as all below
LONGEST_TEXT = 40_000
LONGEST_GREETING = 20_000
MOST_GREETINGS = 200
MOST_LINES, LONGEST_LINE = 12, 400  # of the examples, that the model reads
NOD: dict[Language, str] = {"zh": "（点了点头）", "en": "(nods)"}  # of a card without a greeting
SCENE: dict[Language, str] = {"zh": "\n情境：", "en": "\nScenario: "}  # before the scenario
MOST_OURS = 256 << 10  # characters of `extensions.mrp`


@dataclass(frozen=True, slots=True)
class Shape:
    """How a kind of card calls its fields; `inside` is the table that they stand in."""

    title: str
    inside: str
    keys: Mapping[str, str]

    @property
    def rich(self) -> bool:
        """Whether it has what V2 added: tags, extensions, a lorebook."""
        return "tags" in self.keys

    def fields(self, raw: Mapping[str, Any], where: str) -> Fields:
        fields = Fields(where, raw)
        return fields.table(self.inside) if self.inside else fields


_TAVERN = ("name", "description", "personality", "scenario", "first_mes", "mes_example")
_MORE = ("alternate_greetings", "system_prompt", "post_history_instructions", "tags", "nickname")
_V1 = {key: key for key in _TAVERN}
_V2 = {key: key for key in (*_TAVERN, *_MORE)}
V1 = Shape("V1", "", _V1)
V2 = Shape("V2", "data", _V2)
V3 = Shape("V3", "data", _V2)
_FLAT = Shape("V2 (flat)", "", _V2)  # as some programs write it: V2's fields where V1's are
_PYGMALION = Shape(
    "Pygmalion",
    "",
    {
        "name": "char_name",
        "description": "char_persona",
        "scenario": "world_scenario",
        "first_mes": "char_greeting",
        "mes_example": "example_dialogue",
    },
)
_WEBUI = Shape(
    "text-generation-webui", "", {"name": "name", "description": "context", "first_mes": "greeting"}
)


def shape_of(raw: object, where: str) -> Shape:
    """Which kind of card a table is.

    Raises:
        CardError: it is none.
    """
    if not isinstance(raw, dict):
        raise wrong(where, "", "is no character card: it is not a table")
    inside = raw.get("data")
    if isinstance(inside, dict) and ("name" in inside or "name" not in raw):
        spec = raw.get("spec")
        if not isinstance(spec, str) and spec is not None:
            raise wrong(where, "spec", "must be a text")
        return V3 if spec and "v2" not in spec else V2
    if "char_name" in raw:
        return _PYGMALION
    if "name" in raw and "context" in raw and "description" not in raw:
        return _WEBUI
    if "name" in raw:
        added = {*_MORE, "character_book", "extensions"} & raw.keys()
        return _FLAT if added or "chara_card" in str(raw.get("spec", "")) else V1
    if inside is not None and not isinstance(inside, dict):
        raise wrong(where, "data", "must be a table")
    raise wrong(where, "name", "is missing: this is no character card")


def read_character(raw: Mapping[str, Any], where: str) -> Character:
    """The character of a card's table.

    Raises:
        CardError: a field is of the wrong kind or too long, or there is no name.
    """
    shape = shape_of(raw, where)
    fields = shape.fields(raw, where)
    parts = expressed_in(shape, fields)
    own = fields.table("extensions").raw.get(OURS) if shape.rich else None
    if own is not None:
        return _with_ours(own, parts, raw, fields)
    return foreign(parts, fields, source=_source(parts, fields, raw))


Parts = dict[str, Any]  # what a card can express: by Tavern's names, texts and tuples of texts


def expressed_in(shape: Shape, fields: Fields) -> Parts:
    """The texts of a card by their V2 names, checked and clean."""
    parts: Parts = {}
    for key in (*_TAVERN, "nickname", "system_prompt", "post_history_instructions"):
        most = LONGEST_GREETING if key == "first_mes" else LONGEST_TEXT
        parts[key] = fields.text(shape.keys[key], most).strip() if key in shape.keys else ""
    for key in ("alternate_greetings", "tags"):
        listed = fields.texts(key, LONGEST_GREETING, MOST_GREETINGS) if key in shape.keys else ()
        parts[key] = tuple(text.strip() for text in listed if text.strip())
    more = fields.table("extensions") if shape.rich else fields
    try:
        parts["talkativeness"] = more.number("talkativeness", 0.5, 0.0, 1.0)
    except CardError:
        if shape.rich:
            raise
        parts["talkativeness"] = 0.5  # nothing that a V1 card is bound to
    return parts


def foreign(parts: Parts, fields: Fields, *, source: Source | None = None) -> Character:
    """A character made of what a Tavern card expresses."""
    full = safe_name(parts["name"])
    name = safe_name(parts["nickname"]) or full
    if not name:
        raise fields.wrong("name", "is missing or holds no letter")
    language = language_of(
        " ".join((parts["description"], parts["first_mes"], parts["personality"])), name
    )

    def words(text: str) -> Words:
        return Words(**{language: text})

    def lines(texts: tuple[str, ...]) -> Lines:
        return Lines(**{language: texts})

    greetings = tuple(filter(None, (parts["first_mes"], *parts["alternate_greetings"])))
    persona = parts["description"]
    if parts["scenario"]:
        persona = f"{persona}{SCENE[language]}{parts['scenario']}".strip()
    return Character(
        id=id_of(name, parts["description"]),
        name=words(name),
        aliases=lines((full,) if full not in ("", name) else ()),
        brief=words("" if persona else parts["personality"][:200] or name),
        persona=words(persona),
        style=words(parts["personality"]),
        greeting=lines(greetings or (NOD[language],)),
        lines=lines(example_lines(parts["mes_example"], (parts["name"], name))),
        talkativeness=parts["talkativeness"],
        categories=tuple(dict.fromkeys(tag[:24] for tag in parts["tags"]))[:8],
        source=source,
    )


def _source(parts: Parts, fields: Fields, raw: Mapping[str, Any]) -> Source:
    depth = ""
    if isinstance(fields.raw.get("extensions"), dict):
        prompt = fields.table("extensions").raw.get("depth_prompt")
        if isinstance(prompt, dict):
            where = f"{fields.path}extensions.depth_prompt."
            depth = Fields(fields.where, prompt, where).text("prompt", LONGEST_TEXT).strip()
    notes = (depth, parts["post_history_instructions"])
    return Source(
        compact(raw),
        system=_without_original(parts["system_prompt"]),
        note="\n".join(filter(None, map(_without_original, notes))),
    )


def _without_original(text: str) -> str:
    """Without {{original}}, which stands for the program's own instructions: ours always stand."""
    return re.sub(r"\{\{original\}\}", "", text, flags=re.IGNORECASE).strip()


def _with_ours(own: object, parts: Parts, raw: Mapping[str, Any], fields: Fields) -> Character:
    """A card that was exported here. What another program changed since counts for more."""
    path = f"{fields.path}extensions.{OURS}"
    card = own.get("card") if isinstance(own, dict) else None
    if not isinstance(own, dict) or not isinstance(card, dict):
        raise wrong(fields.where, path, "must be a table with a table `card`")
    if len(compact(own)) > MOST_OURS:
        raise wrong(fields.where, path, f"has more than {MOST_OURS} characters")
    card = {key: _clean(value) for key, value in card.items() if key != "source"}
    ours = read_card(card, f"{fields.where}: {path}.card")
    if any(name and safe_name(name) != name for name in (ours.name.zh, ours.name.en)):
        raise wrong(fields.where, f"{path}.card.name", "holds characters that no name may hold")
    language: Language = "en" if own.get("language") == "en" else "zh"
    changed = {
        key: parts[key] for key, value in expressed(ours, language).items() if parts[key] != value
    }
    if not changed and raw == fresh_card(ours, language):
        return ours
    return replace(changed_by(ours, changed, language), source=_source(parts, fields, raw))


def _clean(value: Any) -> Any:
    match value:
        case str():
            return plain(value)
        case list():
            return [_clean(each) for each in value]
        case dict():
            return {key: _clean(each) for key, each in value.items()}
        case _:
            return value


def expressed(character: Character, language: Language) -> Parts:
    """What a Tavern card can say of a character, by its V2 names, as `expressed_in` reads it."""
    greetings = [plain(text).strip() for text in character.greeting.either(language)]
    first, *rest = list(filter(None, greetings)) or [""]
    persona = character.persona[language] or character.brief[language]
    lines = [plain(line).strip() for line in character.lines[language]]
    return {
        "name": character.name[language],
        "description": plain(persona).strip(),
        "personality": plain(character.style[language]).strip(),
        "first_mes": first,
        "alternate_greetings": tuple(rest),
        "mes_example": "\n".join(f"<START>\n{{{{char}}}}: {line}" for line in lines if line),
        "tags": tuple(filter(None, (plain(tag).strip() for tag in character.categories))),
        "talkativeness": character.talkativeness,
    }


def fresh_card(character: Character, language: Language) -> dict[str, Any]:
    """The V3 card of a character that no other program made."""
    parts = expressed(character, language)
    talkativeness = parts.pop("talkativeness")
    table = as_table(replace(character, source=None))
    return {
        "spec": "chara_card_v3",
        "spec_version": "3.0",
        "data": {
            **{
                key: list(value) if isinstance(value, tuple) else value
                for key, value in parts.items()
            },
            "scenario": "",
            "creator": "",
            "character_version": "",
            "creator_notes": "",
            "system_prompt": "",
            "post_history_instructions": "",
            "group_only_greetings": [],
            "extensions": {
                "talkativeness": talkativeness,
                OURS: {"language": language, "card": table},
            },
        },
    }


def changed_by(character: Character, changed: Mapping[str, Any], language: Language) -> Character:
    """The character with texts of a card in the place of its own, in one language."""

    def words(old: Words, text: str) -> Words:
        return replace(old, **{language: text})

    def lines(old: Lines, texts: tuple[str, ...]) -> Lines:
        return replace(old, **{language: texts})

    new: dict[str, Any] = {}
    if name := safe_name(str(changed.get("name", ""))):
        new["name"] = words(character.name, name)
    if "description" in changed:
        new["persona"] = words(character.persona, changed["description"])
    if "personality" in changed:
        new["style"] = words(character.style, changed["personality"])
    if "first_mes" in changed or "alternate_greetings" in changed:
        old = character.greeting[language]
        first = changed.get("first_mes", old[0] if old else "")
        rest = changed.get("alternate_greetings", old[1:])
        new["greeting"] = lines(character.greeting, tuple(filter(None, (first, *rest))) or old)
    if "mes_example" in changed:
        found = example_lines(changed["mes_example"], (character.name[language],))
        new["lines"] = lines(character.lines, found)
    if "talkativeness" in changed:
        new["talkativeness"] = changed["talkativeness"]
    if "tags" in changed:
        new["categories"] = tuple(dict.fromkeys(tag[:24] for tag in changed["tags"]))[:8]
    return replace(character, **new)


def example_lines(written: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """What the character says in the example dialogues of a card: at most `MOST_LINES`."""
    speaks = "|".join(re.escape(name) for name in names if name.strip())
    own = re.compile(
        rf"(?:\{{\{{char\}}\}}|<bot>|<char>{'|' + speaks if speaks else ''})\s?[:：]\s*",
        re.IGNORECASE,
    )
    other = re.compile(r"(?:\{\{user\}\}|<user>|<START>|[^\s:：]{1,24}[:：]\s|$)", re.IGNORECASE)
    found: list[str] = []
    current: list[str] | None = None
    for row in [*written.split("\n"), "<START>"]:
        row = row.strip()
        if begin := own.match(row):
            if current:
                found.append("\n".join(current))
            current = [row[begin.end() :]]
        elif current is not None and other.match(row):
            found.append("\n".join(current))
            current = None
        elif current is not None:
            current.append(row)
    lines = (line.strip() for line in found)
    return tuple(line for line in lines if line and len(line) <= LONGEST_LINE)[:MOST_LINES]


def safe_name(name: str) -> str:
    """A name as it may stand before a colon: emoji and spaces stay; colons, braces, breaks go."""
    text = unicodedata.normalize("NFC", re.sub(r"[\s:：<>{}]+", " ", name))
    if all(invisible(letter) or letter == " " for letter in text):
        return ""
    return text.strip()[:LONGEST_NAME].strip()


def id_of(name: str, text: str) -> str:
    """An id made of a name, the same each time; a name without Latin letters gives a number."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")[:32]
    if slug and slug[0].isalpha():
        return slug
    digest = hashlib.blake2b(
        f"{name}\n{text}".encode("utf-8", "replace"), digest_size=4
    ).hexdigest()
    return f"c_{digest}"


def language_of(text: str, name: str) -> Language:
    """The language that a card is written in: Chinese where a good part of its letters is."""
    letters = [c for c in text if c.isalpha()] or [c for c in name if c.isalpha()]
    chinese = sum("\u3400" <= c <= "\u9fff" for c in letters)
    return "zh" if letters and chinese * 4 >= len(letters) else "en"
