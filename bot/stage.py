"""Between a room and its platform: what is said to the room, and what the room wants shown.

A platform turns its events into `Message`s, `Order`s and votes for a `bot.room.Room`, and is a
`Stage` for it. Nothing past these values knows which platform it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from bot.drafts import Pace
from characters.card import Character, Language
from speech.sound import Sound


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody says: `person` is `platform:id`, `name` how they are shown.

    `id` is the platform's own id of the message: the same id is heard once, however often it is
    delivered; "" where a platform has none. `reply_to` is the place (see `Line.places`) of the line
    that this one replies to.

    `moderator`: the person may do here what cannot be undone. `personal` is false when several
    people share the account (an anonymous administrator, a channel): then nothing personal is kept
    or recalled. `forwarded`: somebody else wrote the text: it is heard as quoted talk, never as an
    order, and is no source of facts about whoever delivered it.
    """

    person: str
    name: str
    text: str
    id: str = ""
    reply_to: str = ""
    moderator: bool = False
    personal: bool = True
    forwarded: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A character's line as far as it is written.

    All snapshots of a line carry the same `id`, and so do all its versions: another `version` takes
    the place of the one before it. `places` are where the line stood until now, as `Stage.show`
    returned them; empty while it was never shown as done. Where a place cannot be written any more,
    a stage shows the line anew.
    """

    id: str
    speaker: Character
    text: str
    language: Language
    done: bool = False
    version: int = 1
    versions: int = 1
    places: tuple[str, ...] = ()


class Stage(Protocol):
    """What a platform does for a room.

    One line is written at a time. Its snapshots only grow, and the last one has `done`; a line that
    comes to nothing ends with `withdraw`. A stage raises nothing but what ends the process: it
    retries, degrades, and logs what is lost.
    """

    def pace(self) -> Pace:
        """How often a snapshot is worth showing."""
        ...

    async def notice(self, text: str, *, to: str = "", secret: bool = False) -> None:
        """Show something that the house says; to one person alone where `to` names one and the
        platform can. What is `secret` nobody else may see, however it is done."""
        ...

    async def show(self, line: Line) -> tuple[str, ...]:
        """Show a line as far as it is written. Returns its places (the platform's message ids, in
        order) once it is done, and () before.

        Showing a done line of the same id, version and text again shows nothing twice as far as the
        platform can tell (after a crash between showing and remembering, it is asked to).
        """
        ...

    async def attach(self, name: str, data: bytes) -> str:
        """Show a file. Returns where it is, for people to read: a path in a terminal, "" where it
        stands in the chat."""
        ...

    async def withdraw(self, line_id: str, places: Sequence[str]) -> None:
        """Take back a line, done or being written."""
        ...


@runtime_checkable
class Audible(Protocol):
    """What a stage has besides where its platform can play sounds."""

    async def play(self, line: Line, sound: Sound) -> None:
        """Play a done line that stands at its places, as a note beside it; another version's note
        takes the place of the one before. Raises nothing, as all that a stage does."""
        ...
