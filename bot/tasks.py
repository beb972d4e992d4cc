"""What a chat model is asked beside talk, by its size and by how it was taught.

facts      in idle time: what somebody told about themselves, as sentences to remember
bonds      in idle time: one sentence on how somebody and a character stand
summaries  in idle time: what no longer fits the context
turns      before a reply that nobody was named for: how likely each character is to speak next
drafts     when somebody asks: what a card that is being made lacks (`/character draft`)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

Task = Literal["facts", "bonds", "summaries", "turns", "drafts"]

# Billions of parameters from which a model is asked; `python -m benchmarks.obeys` measures it, and
# docs/models.md has the figures.
LEAST: Mapping[Task, float] = {
    "facts": 0.5,  # the smallest that was measured
    "bonds": 1.5,  # of eight sentences the 0.5B had two right
    "summaries": 3.0,  # 0.5B and 1.5B mix up who said what, which the lines' beginnings never do
    "turns": 1.5,  # 0.5B: as often right as the rules
    "drafts": 0.0,  # not measured; whoever asks sees what comes, and keeps it or not
}

# A model that was taught with short rows only plays. Ours (8.5M parameters, rows of 768 tokens)
# took 16 to 19 seconds of CPU for an idle hour's questions, and none of its answers could be kept.
LEAST_ROW = 2048  # tokens

_SIZE = re.compile(r"(?<![\w.])(?:(\d+)x)?(\d+(?:\.\d+)?)([MBT])(?![A-Za-z])", re.IGNORECASE)
_BILLIONS = {"M": 1e-3, "B": 1.0, "T": 1e3}


def tasks_of(metadata: Mapping[str, str], row: int | None = None) -> frozenset[Task]:
    """What the model is asked whose file carries this metadata, and which was taught with rows of
    `row` tokens (None: it does not say). A model of unknown size is asked everything."""
    if 0 < (row or 0) < LEAST_ROW:
        return frozenset({"turns"})
    size = billions(metadata)
    return frozenset(task for task, least in LEAST.items() if size is None or size >= least)


def billions(metadata: Mapping[str, str]) -> float | None:
    """The parameters of a model by the size in its file's label or name ("0.5B", "135M", "8x7B");
    None where neither tells."""
    for key in ("general.size_label", "general.name"):
        if found := _SIZE.search(metadata.get(key, "")):
            return int(found[1] or 1) * float(found[2]) * _BILLIONS[found[3].upper()]
    return None
