"""A picture of what `mrp measure` found: what was lost against what the file weighs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

from quantize.aside import aside
from quantize.error import MeasureError
from quantize.losses import Measured


def draw(found: Sequence[Measured], path: Path) -> None:
    """Mean divergence (logarithmic) over megabytes, on the first text, as a PNG."""
    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    plain = [one for one in found[1:] if not one.imatrix and one.type != "mix"]
    matrix = [one for one in found[1:] if one.imatrix and one.type != "mix"]
    mixes = [one for one in found[1:] if one.type == "mix"]
    for label, marker, group in (
        ("without importance matrix", "o", plain),
        ("with importance matrix", "^", matrix),
        ("best mix under a size", "s", mixes),
    ):
        if not group:
            continue
        group.sort(key=lambda one: one.bytes)
        sizes = [one.bytes / 1e6 for one in group]
        axes.plot(sizes, [one.losses[0].kl for one in group], marker=marker, label=label)
        if group is (plain or matrix):  # the others lie beside them
            for size, one in zip(sizes, group, strict=True):
                axes.annotate(
                    one.type, (size, one.losses[0].kl), xytext=(6, 5), textcoords="offset points"
                )
    axes.set_yscale("log")
    axes.set_xlabel("MB on disk")
    axes.set_ylabel("KL divergence from the base, nats a token")
    axes.set_title(f"{Path(found[0].path).name} on {found[0].losses[0].text}")
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    with aside(path, 1 << 20, MeasureError) as unfinished:
        figure.savefig(unfinished, format="png", dpi=120)
    pyplot.close(figure)
