"""The options of every verb that can use a model server in place of a file."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from engine.remote.fleet import Wish

Group = argparse.ArgumentParser | argparse._ArgumentGroup


def add_options(parser: Group, among: Group | None = None) -> None:
    """`--engine URL` and `--engine-model NAME`; the former into `among`, where only one of several
    options may be given."""
    (among or parser).add_argument(
        "--engine",
        metavar="URL",
        action="append",
        default=[],
        help="a model server in place of a file: llama-server, mrp engine serve, vLLM, Ollama, or "
        "any OpenAI-compatible API; several times (or with commas) for several of one model "
        "(default: MRP_ENGINE; its key: MRP_ENGINE_KEY)",
    )
    parser.add_argument(
        "--engine-model",
        metavar="NAME",
        default="",
        help="which of the server's models (default: MRP_ENGINE_MODEL, or its only one)",
    )


def urls(options: argparse.Namespace, environment: Mapping[str, str]) -> list[str]:
    """The servers that are named; [] where a file is to be opened. With `options.engine` None the
    environment is not asked."""
    named = getattr(options, "engine", ())
    if named is None:
        return []
    return [text for text in named or [environment.get("MRP_ENGINE", "")] if text.strip()]


def wish(
    options: argparse.Namespace,
    environment: Mapping[str, str],
    *,
    text: bool = False,
    chat: bool = False,
    context: int | None = None,
) -> Wish:
    """What is asked of them; see `Wish`."""
    model = getattr(options, "engine_model", "") or environment.get("MRP_ENGINE_MODEL", "").strip()
    return Wish(model, text=text, chat=chat, context=context)
