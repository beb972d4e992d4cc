"""Opens the model that the options name: a file in this process, or a server's (`--engine URL`).

voice = await open_chosen(options, os.environ)
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from bot.secrets import secret
from bot.voice import Voice, open_voice
from characters.afar import knows_itself, serving_afar
from characters.style import Serving
from engine.remote import options as remote
from engine.remote.engine import RemoteEngine
from engine.remote.opening import KEY_VARIABLE, open_served
from engine.sequence import EngineError
from hub.choice import chosen


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
    """The voice of a model server; see `engine.remote.opening` and `characters.afar`.

    Raises:
        EngineError, StyleError, SecretProblem: the message says why.
    """
    if getattr(options, "voice", None):
        raise EngineError("--voice goes onto a file: give the adapter to the server of --engine")
    markup = getattr(options, "markup", "")
    wish = remote.wish(options, environment, text=bool(markup), context=options.context)

    def asked(engine: RemoteEngine) -> Serving:
        served = serving_afar(engine.offer.kind, engine.metadata, engine, markup=markup)
        engine.bound(served.context)
        return served

    engine, served = await open_served(
        urls,
        wish,
        key=secret(environment, KEY_VARIABLE) or "",
        knows=knows_itself,
        serving=asked,
        fences=lambda served: served.style.markup.fences,
    )
    return Voice(engine, served, name=engine.name, seed=getattr(options, "seed", None))
