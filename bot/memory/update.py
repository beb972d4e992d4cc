"""One atomic change of a room, and the Lua script that makes it on the server.

    update = RoomUpdate(id=request.id, opens=(request.id, request.to_json()))
    result, found, *now = await update.send(redis, keys, known)

All that is done to a room goes through this one script: Redis runs it whole or not at all, and its
answer brings what other processes wrote meanwhile, so that a change is one round trip.
"""

from __future__ import annotations

import dataclasses
import json
import secrets
from dataclasses import dataclass
from importlib import resources
from typing import Any

from bot.memory.keys import MARGIN_DAYS

# A room keeps about this many turns. A turn of 100 characters takes some 500 bytes, so a room
# takes at most a few MB; the prompt never reaches further back than the model's context anyway.
KEPT_TURNS = 4000
KEPT_LINES = 50  # of which it is known where they stand, what else was said and what they lean on
KEPT_HEARD = 500  # ids of messages
ERASED_LIFE = 60  # seconds for which an erased room can be brought back

_SCRIPT = resources.files(__package__).joinpath("room.lua").read_text("utf-8")


@dataclass(frozen=True, slots=True)
class RoomUpdate:
    """What the script is to do; what is None or False is not done.

    Pairs and longer tuples of strings are fields and values in turn, as HSET and XADD take them.
    The order in which the script does them is that of the fields here.
    """

    id: str = ""  # of the line or request that a new turn is; writing it twice is impossible
    heard: str | None = None  # the platform's id of a message, refused when it was heard before
    now: int = 0  # seconds since 1970, for `heard`
    expect: tuple[str, str] | None = None  # id and JSON of a request that must stand as it is here
    state: tuple[str, ...] | None = None
    before: tuple[str, ...] | None = None  # a turn that comes before `turn`
    turn: tuple[str, ...] | None = None
    side: str = ""  # of `turn`: h, c or n
    drops: tuple[str, ...] | None = None  # ids of turns to delete
    texts: dict[str, str] | None = None  # with `stale`: id of a turn -> what it says from now on
    unlines: tuple[str, ...] | None = None  # ids of lines to delete
    closes: tuple[str, ...] | None = None  # ids of requests that are done, of lines that are shown
    opens: tuple[str, ...] | None = None
    lines: tuple[str, ...] | None = None
    erase: bool = False  # all that was said
    undoable: bool = False  # what is erased stays for a minute, for `restore`
    restore: bool = False  # what was erased a moment ago
    stale: bool = False  # nothing may be left of what turns said: no prompts that were kept either
    epoch: bool = False  # whoever has read the room before must read it anew
    epoch_now: str | None = None  # refuse unless the room's epoch is this one

    def to_json(self, *, after: str, epoch: int, again: bool) -> str:
        """The script's argument.

        `after` is where the answer's turns begin, as XRANGE takes it; `epoch` that of the room as
        the caller knows it; `again`: an attempt was made whose answer may have been lost.
        """
        ask: dict[str, Any] = {
            part.name: value
            for part in dataclasses.fields(self)
            if (value := getattr(self, part.name)) is not None and value is not False
        }
        ask |= {
            "after": after,
            "again": again,
            "epoch_known": str(epoch),
            # A room that is made anew must not be taken for the one that was erased.
            "birth": str(secrets.randbelow(2**31) + 1),
            "turns_kept": KEPT_TURNS,
            "lines_kept": KEPT_LINES,
            "heard_kept": KEPT_HEARD,
            "life": MARGIN_DAYS * 86_400,
            "gone_life": ERASED_LIFE,
        }
        return json.dumps(ask, ensure_ascii=False)

    async def send(
        self, client: Any, keys: list[str], *, after: str, epoch: int, again: bool
    ) -> list[Any]:
        """Have it done. Returns the script's answer, as room.lua says.

        Raises:
            redis.RedisError: it may have been done or not; send it `again`.
        """
        text = self.to_json(after=after, epoch=epoch, again=again)
        answer: list[Any] = await client.eval(_SCRIPT, len(keys), *keys, text)
        return answer


def flat(fields: dict[str, str]) -> tuple[str, ...]:
    """Fields and values in turn."""
    return tuple(part for pair in fields.items() for part in pair)


def pairs(flat: list[str]) -> dict[str, str]:
    """The inverse of `flat`."""
    return dict(zip(flat[::2], flat[1::2], strict=True))
