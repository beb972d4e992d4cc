"""A model opened for a measure that asks the engine itself: options, and opening and closing."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

from characters.afar import knows_itself, serving_afar
from characters.card import CAST_FOLDER
from characters.style import Serving, serving
from engine.llama import LlamaEngine
from engine.remote import opening
from engine.remote import options as remote
from engine.sequence import Engine, EngineError
from hub.choice import add_markup, model_file


def model_options(verb: argparse.ArgumentParser) -> None:
    """`--model` (default: MRP_MODEL, what `mrp model use` chose, or the shipped one), `--voice`,
    `--markup`, `--engine`, `--cast`."""
    verb.add_argument("--model", type=model_file, default="", help="a name, or a GGUF")
    verb.add_argument("--voice", type=Path, metavar="FILE", help="a LoRA adapter (GGUF) on it")
    add_markup(verb)
    remote.add_options(verb)
    verb.add_argument("--cast", type=Path, default=CAST_FOLDER)


@contextlib.asynccontextmanager
async def opened_for(args: argparse.Namespace) -> AsyncIterator[tuple[Engine, Serving]]:
    """What the options of `model_options` name: a server of --engine or MRP_ENGINE, else a file.

    Raises:
        EngineError, StyleError: the message says why.
    """
    urls = remote.urls(args, os.environ)
    if not urls:
        async with opened(args.model, args.voice, args.markup) as found:
            yield found
        return
    if args.voice:
        raise EngineError("--voice goes onto a file: give the adapter to the server of --engine")
    engine, served = await opening.open_served(
        urls,
        remote.wish(args, os.environ, text=bool(args.markup)),
        key=opening.key_of(),
        knows=knows_itself,
        serving=lambda engine: serving_afar(
            engine.offer.kind, engine.metadata, engine, markup=args.markup
        ),
        fences=lambda served: served.style.markup.fences,
    )
    try:
        yield engine, served
    finally:
        await engine.close()


@contextlib.asynccontextmanager
async def opened(
    model: Path, adapter: Path | None = None, markup: str = ""
) -> AsyncIterator[tuple[Engine, Serving]]:
    """The engine, and how the model wants to be asked. Raises ModelError and StyleError."""
    engine = LlamaEngine.open(model, replies=8, adapter=adapter)
    try:
        yield engine, serving(engine.metadata, engine, markup=markup)
    finally:
        await engine.close()


def show(result: dict[str, object]) -> None:
    """Print a result: a line for each figure, indented within a group; lists are left out."""
    for key, value in result.items():
        if isinstance(value, dict):
            print(f"{key}:")
            for name, part in value.items():
                print(f"  {name:<10} {part}")
        elif not isinstance(value, list):
            print(f"{key:<14} {value}")
