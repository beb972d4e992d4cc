"""How the next token is chosen, as the links of llama.cpp's sampler chain, in their order.

A link is a name and its arguments; `engine.llama` builds the C object for each. The order is
llama.cpp's own: constraints on the whole vocabulary first, then cuts from the cheapest (top-k) on,
temperature last, so that no link sees more candidates than it must.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from engine.sequence import BadRequest, Sampling


@dataclass(frozen=True, slots=True)
class Link:
    """One sampler of the chain. `history`: tokens of the prompt that it must have seen."""

    name: str
    values: tuple[float | int | str, ...] = ()
    history: int = 0


def chain(sampling: Sampling) -> tuple[Link, ...]:
    """The links for a sampling, without those that are off.

    Raises:
        BadRequest: a value that means nothing; the message names it.
    """
    check(sampling)
    links: list[Link] = []
    if sampling.grammar:
        links.append(Link("grammar", (sampling.grammar,)))
    if sampling.bias:
        flat = tuple(value for pair in sampling.bias for value in pair)
        links.append(Link("bias", flat))
    penalties = (sampling.repeat_penalty, sampling.frequency_penalty, sampling.presence_penalty)
    if sampling.repeat_last and penalties != (1.0, 0.0, 0.0):
        links.append(Link("penalties", (sampling.repeat_last, *penalties), sampling.repeat_last))
    if sampling.dry > 0:
        # A passage repeats over more than the last few words: DRY looks back 1,024 tokens.
        values = (sampling.dry, sampling.dry_base, sampling.dry_length, 1024)
        links.append(Link("dry", values, 1024))
    if sampling.temperature <= 0:
        return (*links, Link("greedy"))
    if sampling.top_k > 0:
        links.append(Link("top_k", (sampling.top_k,)))
    if sampling.top_p < 1:
        links.append(Link("top_p", (sampling.top_p,)))
    if sampling.min_p > 0:
        links.append(Link("min_p", (sampling.min_p,)))
    links.append(Link("temperature", (sampling.temperature,)))
    seed = random.getrandbits(31) if sampling.seed is None else sampling.seed & 0x7FFFFFFF
    return (*links, Link("draw", (seed,)))


def check(sampling: Sampling) -> None:
    """Refuse values that mean nothing.

    Raises:
        BadRequest: with the field's name.
    """
    if isinstance(sampling.stop, str) or not all(
        isinstance(text, str) and text for text in sampling.stop
    ):
        raise BadRequest(f"stop must be a tuple of texts that are not empty: {sampling.stop!r}")
    ranges = {
        "temperature": (0.0, math.inf),
        "top_k": (0, math.inf),
        "top_p": (0.0, 1.0),
        "min_p": (0.0, 1.0),
        "repeat_penalty": (1e-6, math.inf),
        "repeat_last": (0, math.inf),
        "max_tokens": (1, math.inf),
        "presence_penalty": (-math.inf, math.inf),
        "frequency_penalty": (-math.inf, math.inf),
        "dry": (0.0, math.inf),
        "dry_base": (1.0, math.inf),
        "dry_length": (1, math.inf),
    }
    for name, (low, high) in ranges.items():
        value = getattr(sampling, name)
        if not isinstance(value, int | float) or not low <= value <= high or abs(value) == math.inf:
            raise BadRequest(f"{name} must be between {low} and {high}, not {value!r}")
    for pair in sampling.bias:
        if len(pair) != 2 or not isinstance(pair[0], int) or math.isnan(pair[1]):
            raise BadRequest(f"bias must be pairs of a token id and a number: {pair!r}")
