"""What a shared prefix saves at llama-server: prompt tokens evaluated ÷ new tokens.

    benchmarks/llama_server.sh                                   builds the program
    python -m benchmarks.prefix build/llama-server/bin/llama-server MODEL.gguf
    python -m benchmarks.prefix PROGRAM MODEL.gguf --only pinned,np2 --rooms 4 --turns 5

Rooms talk at the same time, a person and one of three characters in turn, and the bot's own prompts
go through the bot's own client. The ways:

    pinned        two servers; each room belongs to one by a hash of both names, as the bot does it
    round-robin   the same servers and prompts; each reply of a room goes to the other server than
                  its last one, as a load balancer does it
    swapped       pinned, but the speaker's card stands alone at the top, as most front ends do it
    np4, np2, …   one server with all rooms, with the options that `WAYS` names

New tokens are those with which no other prompt goes on alike: cards once, each line and each tail
once. All ways count a talk in the shared form, so that `swapped` is compared with the same words.
llama-server says of each reply how many tokens of its prompt it had and how many it read.

The last line is JSON: for each way the tokens read, taken from a cache and new, read ÷ new, the
seconds to a first token (median, slowest of twenty) and all seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any

from benchmarks.llama_servers import LlamaServer
from bot.engines import open_server
from bot.voice import Voice
from characters.card import Character, load_cast
from characters.turn import Scene, Turn
from engine.remote.engine import RemoteEngine
from engine.remote.pool import Pool
from engine.workload import quantile

CONTEXT = 4096  # tokens a slot
CAST = ("wukong", "bajie", "shaseng")
ASKED = (
    "前面是什么地方，你看见了吗？",
    "师父叫我们今晚在庙里歇，你说好不好？",
    "你饿不饿？我这里有两个馒头。",
    "刚才那个老人家，你觉得是妖怪吗？",
    "明天过河，谁来挑担子？",
    "你小时候住在哪里？",
    "说个笑话听听吧。",
)


@dataclass(frozen=True, slots=True)
class Way:
    """`servers` with `options` each; `balanced`: replies go round robin; `swapped`: only the
    speaker's card is in the prompt."""

    servers: int
    options: tuple[str, ...]
    balanced: bool = False
    swapped: bool = False


def slots(number: int, *options: str) -> tuple[str, ...]:
    return ("-np", str(number), "-c", str(number * CONTEXT), *options)


WAYS = {
    "pinned": Way(2, slots(2)),
    "round-robin": Way(2, slots(2), balanced=True),
    "swapped": Way(2, slots(2), swapped=True),
    "np4": Way(1, slots(4)),
    "np4 swapped": Way(1, slots(4), swapped=True),
    "np4 --kv-unified": Way(1, slots(4, "--kv-unified")),
    "np4 --kv-unified --no-cache-idle-slots": Way(
        1, slots(4, "--kv-unified", "--no-cache-idle-slots")
    ),
    "np4 --slot-prompt-similarity 0": Way(1, slots(4, "--slot-prompt-similarity", "0")),
    "np2": Way(1, slots(2)),
    "np2 --cache-ram 0": Way(1, slots(2, "--cache-ram", "0")),
    "np2 --slot-prompt-similarity 0.9": Way(1, slots(2, "--slot-prompt-similarity", "0.9")),
    "np2 --slot-prompt-similarity 0.9 --cache-ram 0": Way(
        1, slots(2, "--slot-prompt-similarity", "0.9", "--cache-ram", "0")
    ),
    "np4 --kv-unified --slot-prompt-similarity 0.9": Way(
        1, slots(4, "--kv-unified", "--slot-prompt-similarity", "0.9")
    ),
    "round-robin --slot-prompt-similarity 0.9": Way(
        2, slots(2, "--slot-prompt-similarity", "0.9"), balanced=True
    ),
}


@dataclass(slots=True)
class Counted:
    """What one way took. `prompts` are those of the talk in the shared form, in tokens."""

    evaluated: int = 0
    reused: int = 0
    waited: list[float] = field(default_factory=list)
    prompts: list[list[int]] = field(default_factory=list)
    seconds: float = 0.0

    def report(self) -> dict[str, float]:
        new = new_tokens(self.prompts)
        return {
            "evaluated": self.evaluated,
            "reused": self.reused,
            "new": new,
            "ratio": round(self.evaluated / new, 2),
            "first_token_p50_s": round(quantile(self.waited, 0.5), 2),
            "first_token_p95_s": round(quantile(self.waited, 0.95), 2),
            "seconds": round(self.seconds, 1),
        }


def new_tokens(prompts: Sequence[list[int]]) -> int:
    """The nodes of the prompts' prefix tree: what is read when nothing is ever forgotten."""
    ranked = sorted(prompts)
    new = 0
    for before, prompt in zip([[], *ranked], ranked, strict=False):
        pairs = zip(before, prompt, strict=False)
        same = next(
            (at for at, (a, b) in enumerate(pairs) if a != b), min(len(before), len(prompt))
        )
        new += len(prompt) - same
    return new


def rooms_of(servers: Sequence[str], number: int) -> list[str]:
    """Names of rooms of which each server has as many, by the bot's own hash."""
    pool, found = Pool(tuple(servers)), dict[str, list[str]]()
    most = -(-number // len(servers))
    for at in range(1000):
        room = f"room {at}"
        rooms = found.setdefault(pool.order(room, 0.0)[0], [])
        if len(rooms) < most:
            rooms.append(room)
    return [room for turn in zip(*found.values(), strict=False) for room in turn][:number]


class Talk:
    """Rooms that talk at the same time, in one way."""

    def __init__(self, way: Way, voices: Sequence[Voice], reply: int) -> None:
        self._way, self._voices, self._reply = way, voices, reply
        self._cast = tuple(load_cast()[one] for one in CAST)
        self.counted = Counted()

    async def room(self, name: str, number: int, turns: int) -> None:
        """One room from its first message to its last answer."""
        said: list[Turn] = []
        for turn in range(turns):
            speaker = self._cast[(number + turn) % len(self._cast)]
            said.append(Turn("小明", ASKED[(number + 3 * turn) % len(ASKED)]))
            voice = self._voices[(number + turn) % len(self._voices)]
            line = await self._line(name, tuple(said), speaker, voice)
            said.append(Turn(speaker.id, line, "character"))

    async def _line(
        self, room: str, turns: tuple[Turn, ...], speaker: Character, voice: Voice
    ) -> str:
        whole = Scene(self._cast, turns, language="zh")
        # Whoever has no card in the prompt is one who speaks without: a name before a colon.
        names = {one.id: one.name["zh"] for one in self._cast if one != speaker}
        others = tuple(
            replace(turn, speaker=names[turn.speaker], side="human")
            if turn.speaker in names
            else turn
            for turn in turns
        )
        scene = Scene((speaker,), others, language="zh") if self._way.swapped else whole
        sampling = replace(
            voice.sampling(scene, speaker, len(turns)), temperature=0.0, max_tokens=self._reply
        )
        reply = voice.begin(voice.read(scene, speaker), sampling, room=room, person=room)
        line = "".join([piece async for piece in reply])
        self.counted.evaluated += reply.usage.evaluated
        self.counted.reused += reply.usage.reused
        self.counted.waited.append(reply.usage.first_token_s)
        assert isinstance(voice.engine, RemoteEngine)
        ids = await voice.engine.fleet.first.prompt(voice.read(whole, speaker).tokens)
        self.counted.prompts.append([one for one in ids if isinstance(one, int)])
        return line.strip() or "……"


async def measured(way: Way, given: argparse.Namespace) -> dict[str, float]:
    """One way, on fresh servers."""
    async with AsyncExitStack() as stack:
        running = [
            await stack.enter_async_context(
                LlamaServer(given.program, given.model, "-t", str(given.threads), *way.options)
            )
            for _ in range(way.servers)
        ]
        urls = [server.url for server in running]
        groups = [[url] for url in urls] if way.balanced else [urls]
        options = argparse.Namespace(context=None)
        voices = [await open_server(group, options, {}) for group in groups]
        for voice in voices:
            stack.push_async_callback(voice.close)
        names = [url.removeprefix("http://") for url in urls]
        talk, began = Talk(way, voices, given.reply), monotonic()
        rooms = rooms_of(names, given.rooms)
        await asyncio.gather(*(talk.room(name, n, given.turns) for n, name in enumerate(rooms)))
        talk.counted.seconds = monotonic() - began
        return talk.counted.report()


async def run(given: argparse.Namespace) -> dict[str, Any]:
    told: dict[str, Any] = {"model": given.model.name, "rooms": given.rooms, "turns": given.turns}
    told |= {"reply": given.reply, "threads": given.threads, "ways": {}}
    for name in given.only.split(","):
        told["ways"][name] = found = await measured(WAYS[name], given)
        print(name, json.dumps(found), file=sys.stderr, flush=True)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description="What a shared prefix saves at llama-server.")
    parser.add_argument("program", type=Path, help="llama-server")
    parser.add_argument("model", type=Path, help="a chat GGUF")
    parser.add_argument("--rooms", type=int, default=4, help="at the same time (4)")
    parser.add_argument("--turns", type=int, default=5, help="replies a room (5)")
    parser.add_argument("--reply", type=int, default=12, help="tokens of a reply, at most (12)")
    parser.add_argument("--threads", type=int, default=1, help="of each server (1)")
    parser.add_argument("--only", default=",".join(WAYS), help="ways, with commas between (all)")
    given = parser.parse_args()
    for name in given.only.split(","):
        if name not in WAYS:
            parser.error(f"no way {name!r}; there are: {', '.join(WAYS)}")
    print(json.dumps(asyncio.run(run(given)), ensure_ascii=False))


if __name__ == "__main__":
    main()
