"""The model server of `--engine`: does it answer, what does it serve, and what can it not do?"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from bot.doctor.finding import Finding
from bot.engines import open_server
from bot.secrets import SecretProblem
from characters.style import StyleError
from engine.remote.engine import RemoteEngine
from engine.remote.server import Offer
from engine.sequence import EngineError

_FORMS = {
    "mrp": "the model's own tokens, exact probabilities, rooms served fairly",
    "llama-server": "the model's own tokens",
    "completions": "exact text",
    "chat": "chat messages",
}


async def check_engine(
    urls: Sequence[str], options: argparse.Namespace, environment: Mapping[str, str]
) -> list[Finding]:
    """Ask the servers what they are, as the bot would."""
    try:
        voice = await open_server(urls, options, environment)
    except (EngineError, StyleError, SecretProblem) as problem:
        do = "start the server, or correct --engine (MRP_ENGINE) and MRP_ENGINE_KEY"
        return [Finding("fault", "engine", str(problem), do)]
    engine = voice.engine
    try:
        assert isinstance(engine, RemoteEngine)
        says = f"{engine.name}: {_what(engine.offer)}, {engine.limit} tokens of context"
        do = "docs/engine.md says what each kind of server can do"
        absent = sorted(engine.fleet.absent)
        return [
            Finding("well", "engine", says),
            *(
                Finding("warning", "engine", f"{name} does not answer", "start it")
                for name in absent
            ),
            *(Finding("warning", "engine", note, do) for note in engine.notes),
        ]
    finally:
        await voice.close()


def _what(offer: Offer) -> str:
    return f"{offer.software or 'an OpenAI-compatible server'}, {_FORMS[offer.kind]}"
