"""Opens the model that the options name: a file in this process, or a server's (`--engine URL`).

voice = await open_chosen(options, os.environ)
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.secrets import secret
from bot.voice import Voice, open_voice
from characters.markup import MESSAGES
from characters.prompt import Style
from characters.style import KEY, TEMPLATE, Serving, StyleError, serving
from engine.remote import options as remote
from engine.remote.engine import RemoteEngine
from engine.sequence import EngineError
from hub.choice import chosen

KEY_VARIABLE = "MRP_ENGINE_KEY"


async def open_chosen(options: argparse.Namespace, environment: Mapping[str, str]) -> Voice:
    """The voice of `--engine` or MRP_ENGINE, else of the file that `--model` names.

    Raises:
        HubError, EngineError, StyleError, SecretProblem: the message says why.
    """
    if urls := remote.urls(options, environment):
        return await open_server(urls, options, environment)
    model = chosen(options)
    return open_voice(
        str(model.path),
        adapter=model.adapter,
        context=options.context,
        seed=getattr(options, "seed", None),
        threads=getattr(options, "threads", None),
        markup=model.markup,
    )


async def open_server(
    urls: Sequence[str], options: argparse.Namespace, environment: Mapping[str, str]
) -> Voice:
    """The voice of a model server.

    Exact tokens or text are sent where the model's markup is known: the server tells its chat
    template, or `--markup` names it. Else the turns go as chat messages.

    Raises:
        EngineError, StyleError, SecretProblem: the message says why.
    """
    if getattr(options, "voice", None):
        raise EngineError("--voice goes onto a file: give the adapter to the server of --engine")
    key = secret(environment, KEY_VARIABLE) or ""
    markup = getattr(options, "markup", "")
    wish = remote.wish(options, environment, text=bool(markup), context=options.context)
    engine = await RemoteEngine.open(urls, key=key, wish=wish)
    try:
        if not markup and engine.offer.native and not _known(engine):
            await engine.close()
            engine = await RemoteEngine.open(urls, key=key, wish=replace(wish, chat=True))
            engine.notes.append(
                "its chat template is of no family known here, so turns are sent as messages; "
                "--markup names one"
            )
        served = _serving(engine, markup)
        await engine.check_fences(served.style.markup.fences)
        return Voice(engine, served, name=engine.name, seed=getattr(options, "seed", None))
    except BaseException:
        await engine.close()
        raise


def _known(engine: RemoteEngine) -> bool:
    try:
        serving({k: v for k, v in engine.metadata.items() if k in (KEY, TEMPLATE)})
    except StyleError:
        return False
    return True


def _serving(engine: RemoteEngine, markup: str) -> Serving:
    kind = engine.offer.kind
    if kind == "chat":
        return Serving(style=Style(markup=MESSAGES))
    metadata = dict(engine.metadata)
    if markup:
        metadata[KEY] = json.dumps(json.loads(metadata.get(KEY, "{}")) | {"markup": markup})
    if kind == "completions":
        # The server puts the model's BOS before a text itself.
        found = serving(metadata)
        style = found.style
        return replace(found, style=replace(style, markup=replace(style.markup, begin="")))
    found = serving(metadata, engine)
    if markup and engine.begin:
        bare = replace(found.style.markup, begin=engine.begin)
        found = replace(found, style=replace(found.style, markup=bare))
    return found
