"""Opens the servers that the options name, as well as they can be asked.

engine, served = await open_served(urls, wish, key=…, knows=…, serving=…, fences=…)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from engine.remote.engine import RemoteEngine
from engine.remote.fleet import Wish
from engine.sequence import EngineError

KEY_VARIABLE = "MRP_ENGINE_KEY"
Served = TypeVar("Served")


async def open_served(
    urls: Sequence[str],
    wish: Wish,
    *,
    key: str,
    knows: Callable[[Mapping[str, str]], bool],
    serving: Callable[[RemoteEngine], Served],
    fences: Callable[[Served], Sequence[str]],
) -> tuple[RemoteEngine, Served]:
    """The engine, and how it wants to be asked.

    `knows` says whether a prompt can be written for a model with this metadata (else the turns go
    as messages, unless `wish.text` says that the markup is known), `serving` how it is asked,
    `fences` which control tokens that needs; these are tried out.

    Raises:
        EngineError: no server answers, or one refuses; and what `serving` raises.
    """
    engine = await RemoteEngine.open(urls, key=key, wish=wish)
    try:
        if not wish.text and engine.offer.native and not knows(engine.metadata):
            await engine.close()
            engine = await RemoteEngine.open(urls, key=key, wish=replace(wish, chat=True))
            engine.notes.append(
                "its chat template is of no family known here, so turns are sent as messages; "
                "--markup names one"
            )
        served = serving(engine)
        await engine.check_fences(fences(served))
    except BaseException:
        await engine.close()
        raise
    return engine, served


def key_of(environment: Mapping[str, str] = os.environ) -> str:
    """The servers' key: MRP_ENGINE_KEY, or the file that MRP_ENGINE_KEY_FILE names; "" for none.

    Raises:
        EngineError: the file cannot be read.
    """
    if value := environment.get(KEY_VARIABLE, "").strip():
        return value
    file = environment.get(f"{KEY_VARIABLE}_FILE", "").strip()
    if not file:
        return ""
    try:
        return Path(file).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        why = getattr(problem, "strerror", None) or "it is no text"
        raise EngineError(f"{KEY_VARIABLE}_FILE cannot be read: {why}: {file}") from None
