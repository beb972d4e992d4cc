"""Taking one person out of a room, as if they had never been there.

Gone are what they said and what characters answered to it. In what is left, said by others, their
names and whatever tells one of their facts are struck out; sentences of the summary that hold one
go. A stream cannot be written over, so a room with such lines is written anew, with the same ids,
in one transaction; whoever holds the room sees by its epoch that it must be read again.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import redis

from bot.memory.connection import Connection
from bot.memory.keys import MARGIN_DAYS, PREFIX, gone_keys, room_keys, set_up_keys
from characters.turn import GUEST

Row = tuple[str, dict[str, str]]

REDELIVERED = 900  # seconds, within which a platform delivers messages again

# Names that say nothing about who it is.
_ANYBODY = {"客人", "guest", "某人", "someone"}
# Fields of a turn and of a room's state that are no text.
_TURN_MARKS = {"s", "k", "p", "w", "c", "n", "m", "f", "q"}
_STATE_TEXTS = {"place", "mood", "note"}
_STATE_JSON = {"choices", "branches"}
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
    client: Any = memory.redis
    turns, state, open_, lines, _, asked, _ = keys = room_keys(room)
    await client.delete(*gone_keys(room))  # what was erased is not brought back with them
    async with client.pipeline(transaction=True) as pipe:
        while True:
            try:
                await pipe.watch(*keys)
                rows = await pipe.xrange(turns)
                fields = await pipe.hgetall(state)
                works = await pipe.hgetall(open_)
                known = await pipe.hgetall(lines)
                # In a thread: a long room takes a second, for which no other room may wait.
                found = await asyncio.to_thread(
                    _found, rows, fields, (works, known), accounts, names, facts, before
                )
                left, gone, said, told, waiting, lined = found
                if left == list(rows) and told == fields and not waiting and lined == known:
                    return 0, said
                pipe.multi()
                pipe.delete(asked)  # prompts hold what was said
                if left != list(rows):
                    # What XDEL deletes stays in the server as long as a neighbour is there.
                    pipe.delete(turns)
                    for row_id, row in left:
                        pipe.xadd(turns, row, id=row_id)
                    pipe.expire(turns, MARGIN_DAYS * 86_400)
                if waiting:
                    pipe.hdel(open_, *waiting)
                if fresh := {key: text for key, text in told.items() if fields.get(key) != text}:
                    pipe.hset(state, mapping=fresh)
                if stale := known.keys() - lined.keys():
                    pipe.hdel(lines, *stale)
                if lined:
                    pipe.hset(lines, mapping=lined)
                pipe.hincrby(state, "epoch", 1)
                await pipe.execute()
                return len(gone), said
            except redis.WatchError:
                continue


def _found(
    rows: list[Row],
    fields: Mapping[str, str],
    more: tuple[Mapping[str, str], Mapping[str, str]],
    accounts: Collection[str],
    names: Iterable[str],
    facts: Iterable[str],
    before: int,
) -> tuple[list[Row], list[Row], set[str], dict[str, str], set[str], dict[str, str]]:
    """What of a room is left, the turns that go, the names they were said under, the state as it is
    then, the requests that go, and the lines that are left. `more`: requests and lines."""
    works, known = more
    kept, gone, said = without(rows, accounts, before)
    spoken = {row.get("n", "") for _, row in gone}
    strike = striker({*names, *said}, () if before else facts)
    left = [
        (row_id, row if _later(row_id, before) else _struck(row, strike)) for row_id, row in kept
    ]
    told = cleaned_state(fields, strike, said, [row.get("t", "") for _, row in gone])
    waiting = set() if before else _waiting(works, accounts, spoken)
    lined = _lined(known, accounts, spoken, strike, before)
    return left, gone, said, told, waiting, lined


async def erase_all(memory: Connection, room: str, accounts: Collection[str]) -> int:
    """Take away a room that only this person was in, name and all. Returns how many turns went.

    What it is ordered to do just now stays until that is done.

    Raises:
        redis.RedisError: and nothing has changed.
    """
    client: Any = memory.redis
    turns, _, open_, _, heard, *_ = keys = room_keys(room)
    await client.delete(*gone_keys(room), *set_up_keys(room))
    platform, _, name = room.partition(":")
    async with client.pipeline(transaction=True) as pipe:
        while True:
            try:
                await pipe.watch(*keys)
                works = await pipe.hgetall(open_)
                count = int(await pipe.xlen(turns))
                pipe.multi()
                pipe.delete(*(key for key in keys if key not in (open_, heard)))
                # Ids of messages, without a word of them: a platform that delivers the last ten
                # minutes again after a restart must not bring back what was erased.
                pipe.expire(heard, REDELIVERED)
                if waiting := works.keys() - _ordered(works):
                    pipe.hdel(open_, *waiting)
                await pipe.execute()
                break
            except redis.WatchError:
                continue
    await client.zrem(f"{PREFIX}rooms:{platform}", name)
    return count


def without(
    rows: Iterable[Row], accounts: Collection[str], before: int = 0
) -> tuple[list[Row], list[Row], set[str]]:
    """The turns that are left, those that go, and the names the person spoke under.

    What characters say until somebody else speaks is an answer to the person.
    """
    left: list[Row] = []
    gone: list[Row] = []
    names: set[str] = set()
    answering = False
    for row_id, row in rows:
        if row.get("k") != "c":
            answering = row.get("p") in accounts and not _later(row_id, before)
            if answering and row.get("k") == "h":
                names.add(row.get("s", ""))
        (gone if answering else left).append((row_id, row))
    return left, gone, names - {""}


def striker(
    names: Iterable[str], facts: Iterable[str], *, numbers_only: bool = False
) -> Callable[[str], str]:
    """A function that strikes out names, and runs of characters that tell one of the facts; with
    `numbers_only` runs with digits, or an @: what belongs to one person, whoever says it."""
    pattern = re.compile("|".join(map(_whole, telling(names))) or r"(?!)", re.IGNORECASE)
    runs = {run for fact in facts for run in _runs(fact)}
    if numbers_only:
        runs = {run for run in runs if re.search(r"\d\D{0,2}\d|@", run)}
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


def speaks_of_oneself(text: str) -> bool:
    """Whether a fact begins with who says it: 「我怕水」, "I live in York"."""
    return bool(re.match(r"\s*(?:[我俺咱吾]|i\b|i['’]|my\b)", text, re.IGNORECASE))


def telling(names: Iterable[str]) -> list[str]:
    """The names that say who it is, longest first."""
    bare = {name.removesuffix(GUEST) for name in names}
    worth = (name for name in bare if len(name) > 1 and name.casefold() not in _ANYBODY)
    return sorted(worth, key=len, reverse=True)


def _struck(row: dict[str, str], strike: Callable[[str], str]) -> dict[str, str]:
    return {key: text if key in _TURN_MARKS else strike(text) for key, text in row.items()}


def cleaned_state(
    fields: Mapping[str, str],
    strike: Callable[[str], str],
    names: Collection[str],
    said: Collection[str],
) -> dict[str, str]:
    """The room's state: summaries lose every part that names the person, or repeats them."""
    left = {key: strike(text) if key in _STATE_TEXTS else text for key, text in fields.items()}
    for key in _STATE_JSON & fields.keys():
        if fields[key]:
            value = json.loads(fields[key])
            left[key] = json.dumps(_struck_in(value, strike, key == "choices"), ensure_ascii=False)
    if fields.get("summaries"):
        repeats = striker((), said)
        summaries = []
        for heard, text in json.loads(fields["summaries"]):
            parts = re.findall(r"[^。！？!?.；;\n]*[。！？!?.；;\n]*", text)
            clean = (
                part
                for part in parts
                if strike(part) == part == repeats(part)
                and not any(part.lstrip().startswith((f"{n}：", f"{n}:")) for n in names)
            )
            summaries.append([heard, "".join(clean)])
        left["summaries"] = json.dumps(summaries, ensure_ascii=False)
    return left


def _struck_in(value: Any, strike: Callable[[str], str], texts: bool) -> Any:
    """A value of JSON with its texts struck: all strings in it, or those under names of texts."""
    match value:
        case str():
            return strike(value) if texts else value
        case list():
            return [_struck_in(one, strike, texts) for one in value]
        case dict():
            return {
                key: _struck_in(one, strike, key in _STATE_TEXTS or key == "name")
                for key, one in value.items()
            }
        case _:
            return value


def _ordered(works: Mapping[str, str]) -> set[str]:
    return {key for key, text in works.items() if "." not in key and json.loads(text).get("order")}


def _waiting(works: Mapping[str, str], accounts: Collection[str], spoken: set[str]) -> set[str]:
    """What of the person waits for an answer, or to be shown; orders are done with anyway."""
    theirs = {
        key
        for key, text in works.items()
        if "." not in key and json.loads(text).get("person") in accounts
    }
    return (theirs - _ordered(works)) | (works.keys() & spoken)


def _lined(
    lines: Mapping[str, str],
    accounts: Collection[str],
    spoken: set[str],
    strike: Callable[[str], str],
    before: int,
) -> dict[str, str]:
    """What is known of lines besides their turns, without those that answered the person."""
    left = {}
    for key, text in lines.items():
        line = json.loads(text)
        if key in spoken or (line.get("person") in accounts and not before):
            continue
        texts = [strike(each) for each in line["texts"]]
        if texts != line["texts"]:
            text = json.dumps(line | {"texts": texts}, ensure_ascii=False)
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
