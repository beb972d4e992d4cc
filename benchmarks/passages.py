"""Whether replies use the passage of the book that is before their speaker.

    python -m benchmarks.passages --canon DIR --model GGUF [--asks FILE] [--first N] [--without]

Each question of evaluation/questions/passages.toml is asked in a room of its own with the passage
that answers it in the tail, in the very prompt that the bot would build. By key words a reply
answers from the passage, contradicts it, or ignores it (docs/canon.md has the figures). `--without`
leaves the passages out: what the model knows by itself. The last line is JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from bot.grounding import budget_of, within
from bot.voice import Voice, open_voice
from canon import Canon
from characters.card import Character, Language, load_cast
from characters.prompt import Tail
from characters.turn import Scene, Turn

ASKS = Path(__file__).resolve().parents[1] / "evaluation" / "questions" / "passages.toml"
ASKER: dict[Language, str] = {"zh": "小明", "en": "Tom"}


@dataclass(frozen=True)
class Ask:
    """A question, words of the passage that answers it, and patterns of what may be said."""

    character: str
    language: Language
    question: str
    quote: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]

    def verdict(self, reply: str) -> str:
        """ "answered" from the passage, "contradicted" it, or "ignored" it."""
        if any(re.search(pattern, reply) for pattern in self.right):
            return "answered"
        return "contradicted" if any(re.search(p, reply) for p in self.wrong) else "ignored"


def read_asks(path: Path) -> list[Ask]:
    """The questions of a file."""
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["ask"]
    return [
        Ask(**{**row, "right": tuple(row["right"]), "wrong": tuple(row["wrong"])}) for row in rows
    ]


def passage(canon: Canon, quote: str) -> str:
    """The passage of the book that holds these words. Raises LookupError: another edition."""
    # A quote without names is not always among the first few of its own search.
    for hit in canon.search(quote, k=100).passages:
        if quote in "".join(hit.text.split()):
            return hit.text
    raise LookupError(f"no passage holds {quote}: is it another edition?")


async def reply(
    voice: Voice, speaker: Character, ask: Ask, text: str, number: int
) -> tuple[str, int]:
    """What the speaker answers with the passage before it, and the prompt's length in tokens."""
    scene = Scene(
        language=ask.language, cast=(speaker,), turns=(Turn(ASKER[ask.language], ask.question),)
    )
    tail = Tail((within(text, budget_of(voice.context), voice.length),)) if text else None
    read = voice.read(scene, speaker, tail)
    sampling = voice.sampling(scene, speaker, number)
    stream = voice.begin(read, sampling, room=f"ask-{number}", person="bench")
    try:
        return "".join([piece async for piece in stream]).strip(), len(read.tokens)
    finally:
        await stream.aclose()


async def ask_all(args: argparse.Namespace) -> dict[str, object]:
    """Ask every question, some at once, and count the verdicts by language."""
    canon, cast = Canon.open(args.canon), load_cast()
    voice = open_voice(str(args.model), context=args.context, seed=args.seed, threads=args.threads)
    asks = read_asks(args.asks)[:: args.every][: args.first]
    # Looked up before anything is asked: a quote of another edition ends it here.
    texts = ["" if args.without else passage(canon, ask.quote) for ask in asks]
    together = asyncio.Semaphore(args.together)
    counts: dict[str, Counter[str]] = {"zh": Counter(), "en": Counter()}
    tokens: list[int] = []

    async def one(number: int, ask: Ask) -> None:
        async with together:
            said, length = await reply(voice, cast[ask.character], ask, texts[number], number)
        verdict = ask.verdict(said)
        counts[ask.language][verdict] += 1
        tokens.append(length)
        print(f"{verdict:13} {ask.question}\n              {' '.join(said.split())}", flush=True)

    began = time.monotonic()
    try:
        await asyncio.gather(*(one(number, ask) for number, ask in enumerate(asks)))
    finally:
        await voice.close()
    return {
        "model": voice.name,
        "passages": not args.without,
        "asks": len(asks),
        **{language: dict(count) for language, count in counts.items() if count},
        "prompt_tokens": round(sum(tokens) / max(len(tokens), 1)),
        "seconds": round(time.monotonic() - began, 1),
    }


def main() -> None:
    """Ask, print every answer, and the figures as JSON on the last line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--canon", type=Path, required=True, metavar="DIR")
    parser.add_argument("--model", type=Path, required=True, metavar="GGUF")
    parser.add_argument("--asks", type=Path, default=ASKS, metavar="FILE")
    parser.add_argument("--first", type=int, default=None, metavar="N", help="only so many")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every so many")
    parser.add_argument("--without", action="store_true", help="no passages before the speaker")
    parser.add_argument("--together", type=int, default=4, metavar="N", help="at once (default: 4)")
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--seed", type=int, default=1)
    print(json.dumps(asyncio.run(ask_all(parser.parse_args())), ensure_ascii=False))


if __name__ == "__main__":
    main()
