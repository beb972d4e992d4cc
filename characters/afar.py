"""How a model behind a server wants to be asked: its own markup where that is known, else messages.

The server tells the metadata of its model (llama-server its chat template, `mrp engine serve` the
whole style), or somebody names the markup.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from characters.markup import MESSAGES
from characters.style import KEY, TEMPLATE, UNTAUGHT, Serving, StyleError, Vocabulary, serving


def knows_itself(metadata: Mapping[str, str]) -> bool:
    """Whether a model's markup follows from its metadata.

    Raises:
        StyleError: its own style is broken.
    """
    if KEY in metadata:
        serving(metadata)
        return True
    try:
        serving({TEMPLATE: metadata.get(TEMPLATE, "")})
    except StyleError:
        return False
    return True


def serving_afar(
    kind: str, metadata: Mapping[str, str], vocabulary: Vocabulary, *, markup: str = ""
) -> Serving:
    """How to ask a server of this `kind` (see `engine.remote.server.Offer`).

    Raises:
        StyleError: `markup` is no family, or none is known.
    """
    if kind == "chat":
        return replace(UNTAUGHT, style=replace(UNTAUGHT.style, markup=MESSAGES))
    if kind == "completions":
        # The server puts the model's BOS before a text itself.
        found = serving(metadata, markup=markup)
        bare = replace(found.style.markup, begin="")
        return replace(found, style=replace(found.style, markup=bare))
    return serving(metadata, vocabulary, markup=markup)
