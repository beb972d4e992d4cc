"""The weights of a search's evidence: a linear model, learned from questions and kept as data.

`ranking.toml` holds two sets, for books with notes on what happens and for books without. A set has
one weight for each field of the index and each kind of token of a question (`canon.lexicon.KINDS`),
and one for passages in which the character asked is (`python -m evaluation.ranking` learns these),
and the weights by which "nothing fits" is said (`python -m evaluation.answerable`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

RANKING = Path(__file__).with_name("ranking.toml")

# A token for the character asked, which stands beside the question's own.
ASKED = "asked"


@dataclass(frozen=True)
class Ranking:
    """The weights of one kind of book.

    fields: field → kind of token → weight. here: for a passage with the character asked in it.
    fits, holds: of the signs that a question has an answer (`canon.nothing.FITS` and `HOLDS`, in
        that order); without `holds` no premise is doubted.
    """

    fields: Mapping[str, Mapping[str, float]]
    here: float
    fits: tuple[float, ...] = ()
    holds: tuple[float, ...] = ()


@lru_cache(maxsize=2)
def ranking(*, noted: bool) -> Ranking:
    """The shipped weights. noted: for a book that has notes."""
    data = tomllib.loads(RANKING.read_text(encoding="utf-8"))["noted" if noted else "plain"]
    fields = {name: row for name, row in data.items() if isinstance(row, dict)}
    return Ranking(fields, data["here"], tuple(data["fits"]), tuple(data.get("holds", ())))


def write_ranking(sets: Mapping[str, Ranking], path: Path, *, comment: str) -> None:
    """Write both sets in the format that `ranking` reads."""
    lines = [f"# {line}" for line in comment.splitlines()]
    for name, one in sets.items():
        lines += ["", f"[{name}]", f"here = {one.here:.2f}"]
        for model, values in (("fits", one.fits), ("holds", one.holds)):
            lines.append(f"{model} = [{', '.join(f'{weight:.2f}' for weight in values)}]")
        for field, weights in one.fields.items():
            row = ", ".join(f"{kind} = {weight:.2f}" for kind, weight in weights.items())
            lines.append(f"{field} = {{ {row} }}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
