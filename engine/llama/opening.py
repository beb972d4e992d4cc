"""Opens a model where it fits: on the card as a whole, else in part, at last on the processor.

model = open_model(Path("models/qwen3-8b.gguf"), context=4096, replies=4)

Without a bound the plan is made for the memory that the cards have free now. What does not fit all
the same (drivers tell less than the truth, other programs take some) is tried again with less.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Unpack

from engine.llama.devices import devices
from engine.llama.model import LlamaModel, ModelOptions
from engine.resources import GiB
from engine.sequence import ModelError, OutOfMemory

log = logging.getLogger(__name__)
_LESS = (1.0, 0.75, 0.5, 0.25)  # of the memory that was planned with


def open_model(path: Path, **options: Unpack[ModelOptions]) -> LlamaModel:
    """Load a model, with as much of it on the cards as fits. A smaller plan than the first is
    written to the log.

    Raises:
        ModelError: it cannot be served, also not on the processor with the smallest cache.
    """
    problem: ModelError | None = None
    for plan in _plans(options):
        try:
            model = LlamaModel(path, **plan)
        except OutOfMemory as refused:
            problem = refused
            continue
        if problem is not None:
            log.warning("%s: out of memory (%s); now on %s", path.name, problem, model.placement)
        return model
    assert problem is not None
    raise problem


def _plans(options: ModelOptions) -> Iterator[ModelOptions]:
    """Ever smaller wishes: less of the card, then none of it, then a smaller cache."""
    vram, here = options.get("vram"), devices()
    if here and vram is None:
        vram = sum(device.free for device in here) / GiB or None
    if here and vram != 0:
        for part in _LESS:
            yield {**options, "vram": None if vram is None else vram * part}
            if vram is None:  # no driver tells how much there is
                break
        yield {**options, "vram": 0}
    else:
        yield options
    context = options.get("context") or 4096
    for contexts in (2, 1):
        least: ModelOptions = {**options, "cells": contexts * context}
        yield {**least, "vram": 0} if here else least
