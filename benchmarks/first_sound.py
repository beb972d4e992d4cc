"""How soon a line is heard: when its first sentence is ready, and when its note is there.

    python -m benchmarks.first_sound [--speech espeak] [--lines 10] [--pace 12]

A room with a scripted model that writes `--pace` characters a second, a real Redis of its own, and
/voice on. For each line of the cast: seconds from when its first sentence stands in the chat until
that sentence is synthesized, and from the line's end until its note is handed to the platform (all
sentences but the last were made while it grew). CPU is of this process and of those that it starts,
for a second of sound, model and Redis left out; memory is this process' growth. The last line is
JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.bot_rooms import Nobody
from bot.memory import open_memory
from bot.room import Room, Shared
from bot.stage import Line, Message
from bot.voice import Voice as Model
from characters.card import load_cast
from characters.prompt import Style
from characters.style import Serving
from characters.voices import Voice
from engine.echo import EchoEngine
from speech.reading import sentences
from speech.settings import open_speaker
from speech.sound import Samples, Sound
from speech.speaker import Backend, Speaker


class Timed:
    """A backend that notes when a sentence was ready."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.name = backend.name
        self.ready: dict[str, float] = {}

    @property
    def key(self) -> str:
        return self._backend.key

    def missing(self) -> str:
        return self._backend.missing()

    async def synthesize(self, sentence: str, voice: Voice) -> tuple[Samples, int]:
        found = await self._backend.synthesize(sentence, voice)
        self.ready.setdefault(sentence, time.monotonic())
        return found

    async def close(self) -> None:
        await self._backend.close()


class Watched(Nobody):
    """A stage that notes when the first sentence, the whole line and its note were there."""

    def __init__(self) -> None:
        self.first, self.done, self.played = 0.0, 0.0, 0.0
        self.sentence, self.seconds = "", 0.0

    async def show(self, line: Line) -> tuple[str, ...]:
        found = sentences(line.text, growing=not line.done)
        if found and not self.first:
            self.first, self.sentence = time.monotonic(), found[0]
        if line.done:
            self.done = time.monotonic()
        return await super().show(line)

    async def play(self, line: Line, sound: Sound) -> None:
        self.played, self.seconds = time.monotonic(), sound.seconds


def cpu() -> float:
    """CPU seconds of this process and of those that it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


async def measure(options: argparse.Namespace) -> dict[str, object]:
    """Play the lines, one after the other, and print a row for each."""
    opened = open_speaker(options.speech)
    if opened is None:
        raise SystemExit("nothing speaks here: --speech NAME")
    timed = Timed(opened.backend)
    cast = load_cast()
    texts = [line for one in cast for line in (" ".join(one.lines.zh[:3]),)][: options.lines]
    said = iter(texts)
    engine = EchoEngine(
        lambda prompt: next(said), context=2**20, delay=1 / options.pace / 3
    )  # a token is a byte
    model = Model(engine, Serving(style=Style(cards="brief")), name="echo")
    ready, note, seconds = [], [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        memory = await open_memory(None, folder=Path(folder) / "mrp")
        shared = Shared(cast, model, memory)
        shared.speaker = Speaker(timed)
        stage = Watched()
        room = Room("benchmark", "1", shared, stage, limited=False)
        for text in ("/summon wukong", "/voice on"):
            await room.hear(Message("benchmark:1", "小明", text, moderator=True))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in range(len(texts)):
            stage.__init__()  # type: ignore[misc]
            await room.hear(Message("benchmark:1", "小明", f"悟空，第{number}件事？"))
            await room.settle()
            if not stage.played:
                continue
            ready.append(max(0.0, timed.ready[stage.sentence] - stage.first))
            note.append(stage.played - stage.done)
            seconds += stage.seconds
            print(f"{ready[-1]:.2f} s  {note[-1]:.2f} s  ({stage.seconds:.1f} s)  {texts[number]}")
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        await room.close()
        await memory.close()
    started = cpu()
    alone = Speaker(opened.backend)
    sound = sum([(await alone.say(text, cast["wukong"].voice)).seconds for text in texts])
    spent = cpu() - started
    await alone.close()
    return {
        "speech": timed.name,
        "lines": len(note),
        "first_sentence_s": {
            "p50": round(statistics.median(ready), 3),
            "max": round(max(ready), 3),
        },
        "note_after_line_s": {"p50": round(statistics.median(note), 3), "max": round(max(note), 3)},
        "sound_s": round(seconds, 1),
        "cpu_s_per_s_of_sound": round(spent / sound, 3),
        "grown_mib": round(grown / 1024, 1),
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How soon a line is heard.")
    parser.add_argument("--speech", default="espeak", metavar="NAME")
    parser.add_argument("--lines", type=int, default=9, help="(9)")
    parser.add_argument("--pace", type=float, default=12.0, help="characters a second (12)")
    print(json.dumps(asyncio.run(measure(parser.parse_args())), ensure_ascii=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
