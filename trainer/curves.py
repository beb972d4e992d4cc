"""Loss curves of a run as one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot


def plot(stages: dict[str, dict[str, Any]], file: Path) -> None:
    """Draw training and held-out loss (nats a token) over tokens read, one panel a stage.

    `stages` maps a stage's name to its report: `history` (the trainer's log), `tokens`, `steps`.
    """
    figure, panels = pyplot.subplots(1, len(stages), figsize=(5 * len(stages), 4), squeeze=False)
    for panel, (name, report) in zip(panels[0], stages.items(), strict=True):
        each = report["tokens"] / max(1, report["steps"]) / 1e6
        for key, label in (("loss", "training"), ("eval_loss", "held out")):
            points = [(row["step"] * each, row[key]) for row in report["history"] if key in row]
            if not points:  # nothing was held out
                continue
            marker = "o" if key == "eval_loss" else None
            panel.plot(*zip(*points, strict=True), label=label, marker=marker, markersize=3)
        panel.set(title=name, xlabel="tokens read (millions)", ylabel="loss (nats a token)")
        panel.grid(alpha=0.3)
        panel.legend()
    figure.tight_layout()
    figure.savefig(file, dpi=120)
    pyplot.close(figure)
