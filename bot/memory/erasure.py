"""Taking one person out of a room, as if they had never been there.

Gone are what they said and what characters answered to it. In what is left, said by others, their
names and whatever tells one of their facts are struck out; sentences of the summary that hold one
go. A stream cannot be written over, so a room with such lines is written anew, with the same ids,
in one transaction; whoever holds the room sees by its epoch that it must be read again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from typing import Any

import redis

from bot.memory.keys import room_key
from bot.memory.server import Connection
from characters.turn import GUEST

Row = tuple[str, dict[str, str]]

# Names that say nothing about who it is.
_ANYBODY = {"客人", "guest", "某人", "someone"}
# Fields of a turn and of a room's state that are no text.
_TURN_MARKS = {"s", "k", "w", "c", "n"}
_STATE_MARKS = {"cast", "language", "mark", "epoch"}
# Characters in a row that tell a fact; shorter ones are in what anybody might say.
_CJK, _LATIN = 7, 24
_SHORTEST = 4


async def erase(
    memory: Connection,
    room: str,
    accounts: Collection[str],
    names: Iterable[str],
    facts: Iterable[str],
    *,
    before: int = 0,
) -> tuple[int, set[str]]:
    """Take the person with these accounts out of the room with this tag. Returns how many turns
    went, and the names they were said under. With `before` (ms) only turns until then.

    Raises:
        redis.RedisError: and nothing has changed.
    """
    turns, state, asked = (room_key(room, part) for part in ("turns", "state", "asked"))
    client: Any = memory.redis
    async with client.pipeline(transaction=True) as pipe:
        while True:
            try:
                await pipe.watch(turns, state)
                rows = await pipe.xrange(turns)
                fields = await pipe.hgetall(state)
                kept, said = without(rows, accounts, before)
                strike = striker({*names, *said}, facts, bool(before))
                left = [(row_id, _struck(row, strike, before, row_id)) for row_id, row in kept]
                told = _struck_state(fields, strike)
                if left == list(rows) and told == fields:
                    return 0, said
                pipe.multi()
                pipe.delete(asked)  # prompts hold what was said
                if [row for _, row in left] == [row for _, row in kept]:
                    gone = {row_id for row_id, _ in rows} - {row_id for row_id, _ in left}
                    if gone:
                        pipe.xdel(turns, *gone)
                else:
                    pipe.delete(turns)
                    for row_id, row in left:
                        pipe.xadd(turns, row, id=row_id)
                for key in fields.keys() - told.keys():
                    pipe.hdel(state, key)
                if told:
                    pipe.hset(state, mapping=told)
                pipe.hincrby(state, "epoch", 1)
                await pipe.execute()
                return len(rows) - len(left), said
            except redis.WatchError:
                continue


def without(
    rows: Iterable[Row], accounts: Collection[str], before: int = 0
) -> tuple[list[Row], set[str]]:
    """The turns that are left, and the names the person spoke under.

    What characters say until somebody else speaks is an answer to the person.
    """
    left: list[Row] = []
    names: set[str] = set()
    answering = False
    for row_id, row in rows:
        if row.get("k") != "c":
            answering = row.get("p") in accounts and not _later(row_id, before)
            if answering:
                names.add(row.get("s", ""))
                continue
        elif answering:
            continue
        left.append((row_id, row))
    return left, names


def striker(
    names: Iterable[str], facts: Iterable[str], names_only: bool = False
) -> Callable[[str], str]:
    """A function that strikes out names, and runs of characters that tell one of the facts."""
    pattern = re.compile("|".join(map(_whole, telling(names))) or r"(?!)", re.IGNORECASE)
    runs = set() if names_only else {run for fact in facts for run in _runs(fact)}
    sizes = {len(run) for run in runs}

    def strike(text: str) -> str:
        text = pattern.sub(lambda _: "某人" if _is_cjk(text) else "someone", text)
        small = text.lower()
        hidden = [False] * len(text)
        for size in sizes:
            for at in range(len(text) - size + 1):
                if small[at : at + size] in runs:
                    hidden[at : at + size] = [True] * size
        out: list[str] = []
        for letter, hide in zip(text, hidden, strict=True):
            if not hide:
                out.append(letter)
            elif not out or out[-1] != "……":
                out.append("……")
        return "".join(out)

    return strike


def telling(names: Iterable[str]) -> list[str]:
    """The names that say who it is, longest first."""
    bare = {name.removesuffix(GUEST) for name in names}
    worth = (name for name in bare if len(name) > 1 and name.casefold() not in _ANYBODY)
    return sorted(worth, key=len, reverse=True)


def _struck(
    row: dict[str, str], strike: Callable[[str], str], before: int, row_id: str
) -> dict[str, str]:
    if _later(row_id, before):
        return row
    return {key: text if key in _TURN_MARKS else strike(text) for key, text in row.items()}


def _struck_state(fields: dict[str, str], strike: Callable[[str], str]) -> dict[str, str]:
    left = {}
    for key, text in fields.items():
        if key == "summary":
            sentences = re.findall(r"[^。！？!?.\n]*[。！？!?.\n]*", text)
            text = "".join(each for each in sentences if strike(each) == each)
        elif key not in _STATE_MARKS:
            text = strike(text)
        left[key] = text
    return left


def _later(row_id: str, before: int) -> bool:
    return bool(before) and int(row_id.partition("-")[0]) > before


def _whole(name: str) -> str:
    """A name as a pattern: Latin names as whole words."""
    first = r"(?<![A-Za-z0-9_])" if name[0].isascii() and name[0].isalnum() else ""
    last = r"(?![A-Za-z0-9_])" if name[-1].isascii() and name[-1].isalnum() else ""
    return first + re.escape(name) + last


def _runs(fact: str) -> Iterable[str]:
    small = fact.lower().strip("。！？!?.,， ")
    size = _CJK if _is_cjk(small) else _LATIN
    if _SHORTEST <= len(small) <= size:
        yield small
    yield from (small[at : at + size] for at in range(len(small) - size + 1))


def _is_cjk(text: str) -> bool:
    return any("\u3400" <= c <= "\u9fff" for c in text)
