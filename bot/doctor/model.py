"""The model: can it be opened, and does it fit into the memory that is left?"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping

from bot.doctor.engine import check_engine
from bot.doctor.finding import Finding
from bot.doctor.machine import Machine
from bot.voice import open_voice
from characters.style import StyleError
from engine.header import size_of
from engine.remote import options as remote
from engine.resources import GiB, needs, plan
from engine.sequence import EngineError
from hub.choice import ECHO, choose
from hub.error import HubError

REPLIES = 4  # at once, as the bot opens its engine


async def check_model(
    options: argparse.Namespace, environment: Mapping[str, str], machine: Machine
) -> list[Finding]:
    """Open the model once, as the bot would, and close it again."""
    if urls := remote.urls(options, environment):
        return await check_engine(urls, options, environment)
    try:
        chosen = choose(options.model, environment=environment)
    except HubError as problem:
        return [Finding("fault", "model", str(problem), "name another with --model or MRP_MODEL")]
    path, adapter = chosen.path, getattr(options, "voice", None) or chosen.adapter
    if str(path) == ECHO:
        return [Finding("warning", "model", "echo repeats what it hears", "name a GGUF: --model")]
    left = machine.memory()
    try:
        size = size_of(path) if path.is_file() else 0
        if left and size > left:
            return [_does_not_fit(size, left)]
        voice = await asyncio.to_thread(
            open_voice,
            str(path),
            adapter=adapter,
            context=options.context,
            markup=getattr(options, "markup", "") or chosen.markup,
        )
    except (EngineError, StyleError) as problem:
        do = "name another with --model or MRP_MODEL, or fetch this one again"
        return [Finding("fault", "model", str(problem), do)]
    try:
        metadata = voice.engine.metadata
        context = voice.engine.context
        layout = plan(metadata, size, context=context, replies=REPLIES)
        total = needs(metadata, size, layout, REPLIES).total
        if left and total > left:
            return [_does_not_fit(total, left)]
        says = (
            f"{voice.name}, {size / GiB:.2f} GiB, takes {total / GiB:.2f} GiB with {context} tokens"
        )
        says = f"{says}, on {voice.placement}"
        well = f"{says}; {left / GiB:.1f} GiB were free" if left else says
        return [
            Finding("well", "model", well),
            *_idle(voice.placement),
            *(
                Finding("warning", "model", note, "name another with --model or MRP_MODEL")
                for note in getattr(voice.engine, "notes", ())  # the fake has none
            ),
        ]
    finally:
        await voice.close()


def _idle(placement: str) -> list[Finding]:
    """A warning where a card could compute and does not."""
    if "lies idle" not in placement:
        return []
    do = "build llama.cpp for the card (make try GPU=…, docs/gpu.md), or take a smaller model"
    return [Finding("warning", "card", placement, do)]


def _does_not_fit(total: int, left: int) -> Finding:
    return Finding(
        "fault",
        "model memory",
        f"it takes {total / GiB:.2f} GiB and {left / GiB:.2f} GiB are free",
        "take a smaller quantization (mrp shrink), a shorter --context, or raise the memory limit",
    )
