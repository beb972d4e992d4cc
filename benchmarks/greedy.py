"""Greedy text of one model on two builds of llama.cpp, or of a voice and the model that it was
merged into: equal, but for ties?

    python -m benchmarks.greedy MODEL -o cpu.json          on this build
    python -m benchmarks.greedy MODEL --against cpu.json   on the other: compares, last line is JSON

    python -m benchmarks.greedy BASE --voice VOICE -o voice.json
    python -m benchmarks.greedy MERGED --against voice.json

Backends add up in different orders, so logits differ in the last digits. A difference counts as
a tie where this build itself finds the other's token within 0.1 (natural log) of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from pathlib import Path
from typing import Any

from characters.card import load_cast
from characters.prompt import encode, prompt
from characters.style import serving
from characters.turn import Scene, Turn
from engine.llama import LlamaEngine
from engine.sequence import Sampling

TIE = 0.1
ASKED = ("你怕不怕紧箍咒？", "你师父是谁？", "Who are you?", "今晚吃什么？", "What do you fear?")


async def texts(engine: LlamaEngine, tokens: int) -> list[dict[str, Any]]:
    """Prompt and greedy reply, as token ids, of every question to four of the cast."""
    cast, style = load_cast(), serving(engine.metadata, engine).style
    speakers = [cast[id] for id in ("wukong", "bajie", "tangseng", "shaseng")]
    found = []
    for asked in ASKED:
        for speaker in speakers:
            scene = Scene(cast=tuple(speakers), turns=(Turn("小明", asked),))
            ids = encode(prompt(scene, speaker, style=style), engine.encode)
            reply = engine.stream(ids, Sampling(temperature=0.0, max_tokens=tokens))
            async for _ in reply:
                pass
            found.append({"prompt": ids, "reply": reply.tokens})
    return found


async def compared(engine: LlamaEngine, ours: list[Any], theirs: list[Any]) -> dict[str, int]:
    """How many replies are equal, part at a tie, or differ."""
    counts = {"equal": 0, "tie": 0, "different": 0}
    for one, other in zip(ours, theirs, strict=True):
        if one["prompt"] != other["prompt"]:
            raise SystemExit("the two runs read different prompts: not the same model or code")
        a, b = one["reply"], other["reply"]
        at = next((n for n, pair in enumerate(zip(a, b, strict=False)) if pair[0] != pair[1]), None)
        if at is None:
            counts["equal" if len(a) == len(b) else "different"] += 1
            continue
        read = one["prompt"] + a[:at]
        first, second = await engine.score(read, [[a[at]], [b[at]]])
        counts["tie" if abs(first - second) <= TIE else "different"] += 1
    return counts


async def run(chosen: argparse.Namespace) -> dict[str, Any]:
    engine = LlamaEngine.open(chosen.model, context=2048, replies=2, adapter=chosen.voice)
    try:
        began = time.monotonic()
        found = await texts(engine, chosen.tokens)
        seconds = time.monotonic() - began
        written = sum(len(one["reply"]) for one in found)
        told: dict[str, Any] = {"on": engine.placement, "tokens_s": round(written / seconds, 2)}
        if chosen.output:
            chosen.output.write_text(json.dumps(found), encoding="utf-8")
        if chosen.against:
            theirs = json.loads(chosen.against.read_text(encoding="utf-8"))
            told |= await compared(engine, found, theirs)
        return told
    finally:
        await engine.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Greedy text of two builds, or of a voice and its merge."
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--voice", type=Path, help="a LoRA adapter as GGUF, on its base")
    parser.add_argument("-o", "--output", type=Path, help="for the texts of this build")
    parser.add_argument("--against", type=Path, help="the texts of the other build")
    parser.add_argument("--tokens", type=int, default=32, help="of a reply, at most (32)")
    print(json.dumps(asyncio.run(run(parser.parse_args())), ensure_ascii=False))


if __name__ == "__main__":
    main()
