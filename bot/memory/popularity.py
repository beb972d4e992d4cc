"""How often characters were summoned, by about how many people, and what people thought of them.

    await popularity.summoned("wukong", "discord:1234", "discord:42", once=line_id)
    await popularity.thumb("wukong", line_id, "discord:42", +1)
    counts = await popularity.counts(["wukong"], place="discord:1234")

People are counted by HyperLogLog (within some 1%): it holds no list of who they were. Of a thumb a
digest of line and person stays for half a year, so that one taken back is taken off again. Each
step is one script, and one that is sent twice counts once. All keys have the hash tag `{cast}`.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.memory.connection import Connection
from bot.memory.keys import PREFIX, tag

_HALF_A_YEAR = 180 * 86_400
_COUNTED = 5000  # of the newest summons it is known that they were counted

_SUMMONED = """
if redis.call('ZADD', KEYS[1], 'NX', ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -ARGV[3] - 1)
redis.call('HINCRBY', KEYS[2], ARGV[4], 1)
redis.call('HINCRBY', KEYS[2], ARGV[5], 1)
redis.call('PFADD', KEYS[3], ARGV[6])
redis.call('PFADD', KEYS[4], ARGV[6])
return 1
"""
_THUMB = """
local before = redis.call('GET', KEYS[1])
if before == '1' then redis.call('HINCRBY', KEYS[2], ARGV[1] .. ' up', -1) end
if before == '-1' then redis.call('HINCRBY', KEYS[2], ARGV[1] .. ' down', -1) end
if ARGV[2] == '1' then redis.call('HINCRBY', KEYS[2], ARGV[1] .. ' up', 1) end
if ARGV[2] == '-1' then redis.call('HINCRBY', KEYS[2], ARGV[1] .. ' down', 1) end
if ARGV[2] == '0' then redis.call('DEL', KEYS[1])
else redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
"""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Popular:
    """Of one character: how often it was summoned and by about how many people, in all and in one
    place; and thumbs of all people."""

    summons: int = 0
    people: int = 0
    summons_here: int = 0
    people_here: int = 0
    up: int = 0
    down: int = 0


class Popularity:
    """The counts of all characters, shipped and stored, in all processes.

    All methods raise MemoryAway when Redis stays away for longer than the patience, and
    MemoryProblem when it refuses for good.
    """

    def __init__(self, memory: Connection) -> None:
        self._memory = memory

    async def summoned(self, character: str, place: str, person: str, *, once: str) -> None:
        """A person brought a character on stage in a place; `once` is the id of its line."""
        here = f"{character} {tag(place)}" if place else f"{character} -"
        keys = [_key("counted"), _key("summons"), _people(character), _people(here)]
        args = [int(time.time()), once, _COUNTED, character, here, _digest(person)]
        await self._step(lambda redis: redis.eval(_SUMMONED, len(keys), *keys, *args))

    async def thumb(self, character: str, line: str, person: str, value: int) -> None:
        """A thumb on one version of a line: 1 up, -1 down, 0 taken back."""
        keys = [_key(f"thumb:{_digest(f'{line} {person}')}"), _key("thumbs")]
        args = [character, max(-1, min(1, value)), _HALF_A_YEAR]
        await self._step(lambda redis: redis.eval(_THUMB, len(keys), *keys, *args))

    async def counts(self, characters: Sequence[str], place: str = "") -> dict[str, Popular]:
        """The counts of these characters, by id."""
        if not characters:
            return {}
        here = [f"{each} {tag(place)}" if place else f"{each} -" for each in characters]

        async def read(redis: Any) -> list[Any]:
            async with redis.pipeline(transaction=False) as pipe:
                pipe.hmget(_key("summons"), [*characters, *here])
                thumbs = [f"{each} {way}" for each in characters for way in ("up", "down")]
                pipe.hmget(_key("thumbs"), thumbs)
                for each in (*characters, *here):
                    pipe.pfcount(_people(each))
                found: list[Any] = await pipe.execute()
                return found

        summons, thumbs, *people = await self._step(read)
        many = len(characters)
        return {
            each: Popular(
                summons=int(summons[n] or 0),
                people=int(people[n]),
                summons_here=int(summons[many + n] or 0),
                people_here=int(people[many + n]),
                up=max(0, int(thumbs[2 * n] or 0)),
                down=max(0, int(thumbs[2 * n + 1] or 0)),
            )
            for n, each in enumerate(characters)
        }

    async def _step(self, step: Callable[[Any], Awaitable[T]]) -> T:
        return await self._memory.lasting(lambda: step(self._memory.redis), None)


def _key(part: str) -> str:
    return f"{PREFIX}{{cast}}:{part}"


def _people(whose: str) -> str:
    return _key(f"people:{whose}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:24]
