"""What of a room is stored: turns, requests, lines and state, and how each is written in Redis.

Values only, nothing here talks to Redis. A turn is an entry of a stream, the state a hash; requests
and lines are JSON in hashes (`keys` has the table).
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.memory.keys import stream_order
from bot.memory.unasked import Unasked
from characters.card import Language
from characters.turn import Side, Turn

_SIDES: dict[Side, str] = {"human": "h", "character": "c", "narration": "n"}
_SIDE_OF: dict[str, Side] = {short: side for side, short in _SIDES.items()}


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """A turn with what is stored beside it. `id` is that of its stream entry and orders turns.

    `person` is `platform:id` of a human speaker; "" where several people share the sender. `line`
    is the id of a character's line, or of the request that a person's turn was; `message` the
    platform's id of that. `forwarded`: somebody else wrote it, `person` passed it on.
    """

    id: str
    turn: Turn
    person: str = ""
    broken_off: bool = False
    line: str = ""
    message: str = ""
    forwarded: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """What a person said or ordered, from when it is stored until it is done with.

    `said`: it is a turn already (then `text` is empty). `queue` are the ids of who is still to
    answer, None while that is not decided; `asked` of all who were ever in it, `drawn` of those
    whom a character called in. `step` counts the answers. `owner` is the process that sees to it
    (`bot.portable.process_id`), `at` when it was last touched, in seconds since 1970. `message` is
    the platform's id of it, "" where there is none. Not `personal`: several people share the
    sender. `forwarded`: somebody else wrote it. `moderator`: the person may do in the room what
    cannot be undone. `to`: the id of the character that it is whispered to.
    """

    id: str
    person: str = ""
    name: str = ""
    text: str = ""
    order: bool = False
    reply_to: str = ""
    said: bool = False
    step: int = 0
    queue: tuple[str, ...] | None = None
    asked: tuple[str, ...] = ()
    drawn: tuple[str, ...] = ()
    owner: str = ""
    at: float = 0.0
    message: str = ""
    personal: bool = True
    forwarded: bool = False
    moderator: bool = False
    to: str = ""

    @property
    def individual(self) -> str:
        """Of whom things may be remembered: `person`, "" where several people share the sender."""
        return self.person if self.personal else ""

    @property
    def line(self) -> str:
        """The id of its next answer."""
        return f"{self.id}.{self.step}"

    @property
    def heard(self) -> float:
        """When it was said, in seconds since 1970."""
        return int(self.id[:11], 16) / 1000

    def to_json(self) -> str:
        fields = {n: value for n, usual in _REQUEST if (value := getattr(self, n)) != usual}
        return json.dumps(fields, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Request:
        fields = json.loads(text)
        for key in ("asked", "drawn", "queue"):
            if fields.get(key) is not None:
                fields[key] = tuple(fields[key])
        return cls(**fields)


@dataclass(frozen=True, slots=True)
class StoredLine:
    """What is known of a character's line besides its turn.

    `texts` are its versions, of which `shown` (an index) counts; `places` where it stands;
    `passages` what of the book was before the speaker, as (chapter, quote), `lore` which entries of
    lorebooks, as (book, entry); `person` whom it answered. `to`: the only person who may read it,
    of a whispered one.
    """

    id: str
    speaker: str
    texts: tuple[str, ...]
    shown: int = 0
    places: tuple[str, ...] = ()
    passages: tuple[tuple[int, str], ...] = ()
    person: str = ""
    to: str = ""
    lore: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        return self.texts[self.shown]

    def to_json(self) -> str:
        fields = {name: value for name in _LINE if (value := getattr(self, name))}
        return json.dumps(fields, ensure_ascii=False)

    @classmethod
    def from_json(cls, line_id: str, text: str) -> StoredLine:
        fields = json.loads(text)
        fields["texts"] = tuple(fields["texts"])
        fields["places"] = tuple(fields.get("places", ()))
        fields["passages"] = tuple((int(n), str(q)) for n, q in fields.get("passages", ()))
        fields["lore"] = tuple((str(book), str(name)) for book, name in fields.get("lore", ()))
        return cls(line_id, **fields)


# What of them is written: asdict would copy, and costs more than all else that is done here.
_REQUEST = tuple((part.name, part.default) for part in dataclasses.fields(Request))
_LINE = tuple(part.name for part in dataclasses.fields(StoredLine) if part.name != "id")


@dataclass(frozen=True, slots=True)
class Summary:
    """What happened before the turns that are left, as those with these ids heard it."""

    heard: frozenset[str]
    text: str


Span = tuple[str, str]  # ids of the first and the last turn


@dataclass(frozen=True, slots=True)
class Branch:
    """One way that the talk went: the `spans` of turns that are seen on it, and the scene there.

    `fixed`: a checkpoint, which stays as it is; any other one grows when it is gone on with. `at`
    is when it was left or kept, in seconds since 1970, `turns` how many it had then.
    """

    name: str
    spans: tuple[Span, ...]
    fixed: bool = False
    at: int = 0
    turns: int = 0
    cast: tuple[str, ...] = ()
    place: str = ""
    mood: str = ""
    note: str = ""
    chapter: int = 0

    def to_fields(self) -> dict[str, Any]:
        """For JSON; the texts stand under the names that `erasure` knows."""
        return {part.name: getattr(self, part.name) for part in dataclasses.fields(self)}

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> Branch:
        spans = tuple((str(first), str(last)) for first, last in fields["spans"])
        return cls(**fields | {"spans": spans, "cast": tuple(fields["cast"])})


@dataclass(frozen=True, slots=True)
class RoomState:
    """All that a room is, besides what was said in it. `chapter` 0: the whole book.

    `mark` is the newest turn that is trimmed from prompts, `summed` the newest that `summaries`
    tell of. `choices` are the ways to go on that were offered and not taken. `reserved` are ids of
    characters that speak only when they are called. `branches` are the other ways that the talk
    went, `branch` the one that it is on where that has a name, `hidden` the spans of turns that are
    not on it (`bot.memory.branches`). `unasked`: whether a character may speak first.
    """

    cast: tuple[str, ...] = ()
    place: str = ""
    mood: str = ""
    chapter: int = 0
    note: str = ""
    paused: bool = False
    language: Language | None = None
    aloud: str = ""  # whose lines are read aloud: "on", ids, or ""
    language_chosen: bool = False  # somebody said so; else it follows what is said
    summaries: tuple[Summary, ...] = field(default=())
    mark: str = ""
    summed: str = ""
    choices: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()
    branches: tuple[Branch, ...] = ()
    branch: str = ""
    hidden: tuple[Span, ...] = ()
    unasked: Unasked | None = None
    epoch: int = 0

    def hides(self, turn_id: str) -> bool:
        """Whether a turn is on another branch."""
        if not self.hidden:
            return False
        at = stream_order(turn_id)
        return any(stream_order(a) <= at <= stream_order(z) for a, z in self.hidden)

    def summary(self, character_id: str) -> str:
        """What a character remembers of what was trimmed away."""
        return next((s.text for s in self.summaries if character_id in s.heard), "")


_counter = itertools.count(secrets.randbelow(4096))


def new_id() -> str:
    """An id for a message: later ones are greater, and no two are the same."""
    return f"{int(time.time() * 1000):011x}{next(_counter) % 4096:03x}{secrets.token_hex(2)}"


def turn_to_fields(stored: StoredTurn) -> dict[str, str]:
    """The fields of a turn's stream entry; its id and `line` are the entry's and the script's."""
    turn = stored.turn
    fields = {"s": turn.speaker, "t": turn.text, "k": _SIDES[turn.side]}
    if stored.person:
        fields["p"] = stored.person
    if turn.witnesses is not None:
        fields["w"] = " ".join(sorted(turn.witnesses))
    if turn.whispered:
        fields["q"] = "1"
    if stored.broken_off:
        fields["c"] = "1"
    if stored.message:
        fields["m"] = stored.message
    if stored.forwarded:
        fields["f"] = "1"
    return fields


def turn_from_fields(entry_id: str, fields: Mapping[str, str]) -> StoredTurn:
    """The inverse of `turn_to_fields`."""
    witnesses = frozenset(fields["w"].split()) if "w" in fields else None
    return StoredTurn(
        id=entry_id,
        turn=Turn(fields["s"], fields["t"], _SIDE_OF[fields["k"]], witnesses, "q" in fields),
        person=fields.get("p", ""),
        broken_off="c" in fields,
        line=fields.get("n", ""),
        message=fields.get("m", ""),
        forwarded="f" in fields,
    )


def as_shown(stored: StoredTurn, line: StoredLine | None) -> StoredTurn:
    """A character's turn with the text of the version that is shown."""
    if line is None or len(line.texts) < 2:
        return stored
    return replace(stored, turn=replace(stored.turn, text=line.text))


def state_to_fields(changes: Mapping[str, Any]) -> tuple[str, ...]:
    """Changes of a `RoomState` as fields and values of its hash, in turn.

    Raises:
        TypeError: a name that no field of the state has.
    """
    fields: list[str] = []
    for key, value in changes.items():
        match key:
            case "cast" | "reserved":
                text = " ".join(value)
            case "summaries":
                text = json.dumps([[sorted(s.heard), s.text] for s in value], ensure_ascii=False)
            case "branches":
                rows = [branch.to_fields() for branch in value]
                text = json.dumps(rows, ensure_ascii=False) if rows else ""
            case "unasked":
                text = value.to_json() if value else ""
            case "hidden":
                text = " ".join(f"{first} {last}" for first, last in value)
            case "choices":
                text = json.dumps(value, ensure_ascii=False) if value else ""
            case "chapter":
                text = str(value or "")
            case "paused" | "language_chosen":
                text = "1" if value else ""
            case "place" | "mood" | "note" | "aloud" | "language" | "mark" | "summed" | "branch":
                text = value or ""
            case _:
                raise TypeError(f"a room's state has no {key!r}")
        fields += [key, text]
    return tuple(fields)


def state_from_fields(fields: Mapping[str, str]) -> RoomState:
    """The state as its hash holds it."""
    language: Language | None = None
    match fields.get("language"):
        case "zh":
            language = "zh"
        case "en":
            language = "en"
    hidden = fields.get("hidden", "").split()
    return RoomState(
        cast=tuple(fields.get("cast", "").split()),
        place=fields.get("place", ""),
        mood=fields.get("mood", ""),
        chapter=int(fields.get("chapter") or 0),
        note=fields.get("note", ""),
        aloud=fields.get("aloud", ""),
        paused=bool(fields.get("paused")),
        language=language,
        language_chosen=bool(fields.get("language_chosen")),
        summaries=tuple(_summaries(fields.get("summaries") or "[]")),
        mark=fields.get("mark", ""),
        summed=fields.get("summed", ""),
        choices=tuple(json.loads(fields.get("choices") or "[]")),
        branches=tuple(map(Branch.from_fields, json.loads(fields.get("branches") or "[]"))),
        branch=fields.get("branch", ""),
        unasked=Unasked.from_json(fields.get("unasked", "")),
        reserved=tuple(fields.get("reserved", "").split()),
        hidden=tuple(zip(hidden[::2], hidden[1::2], strict=True)),
        epoch=int(fields.get("epoch", 0)),
    )


def _summaries(text: str) -> Iterable[Summary]:
    return (Summary(frozenset(heard), told) for heard, told in json.loads(text))
