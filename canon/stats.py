"""How many lines each character has, and in which chapters."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from canon.canon import Canon
from canon.error import CanonError
from canon.speakers import UNDECIDED

_DRAWN = 12  # characters in the plot


def count_lines(canon: Canon, *, least_confidence: float = 0.85) -> dict[str, Counter[int]]:
    """Canonical name → chapter → number of lines said or thought; most lines first.

    Only lines of one speaker at or above the confidence count.
    """
    lines: dict[str, Counter[int]] = {}
    for name, chapter, _ in _lines(canon, least_confidence):
        lines.setdefault(name, Counter())[chapter] += 1
    return dict(sorted(lines.items(), key=lambda item: (-item[1].total(), item[0])))


def sample_lines(
    canon: Canon, count: int, least_confidence: float, seed: int
) -> list[tuple[str, int, str]]:
    """`count` random lines as (speaker, chapter, text), for a person to read, in book order."""
    lines = list(enumerate(_lines(canon, least_confidence)))
    chosen = random.Random(seed).sample(lines, min(count, len(lines)))
    return [line for _, line in sorted(chosen)]


def draw(canon: Canon, lines: Mapping[str, Counter[int]], path: Path) -> None:
    """A picture of lines by character (rows) and chapter (columns).

    Raises CanonError when matplotlib is not installed, or cannot write such a file.
    """
    try:
        import matplotlib as mpl  # a large library for one optional picture

        mpl.use("Agg")
        from matplotlib import font_manager  # after the backend is chosen
        from matplotlib import pyplot as plt  # after the backend is chosen
    except ImportError:
        raise CanonError(
            "the plot needs matplotlib, which is not installed: pip install matplotlib"
        ) from None
    names = list(lines)[:_DRAWN]
    people = {person.name: person for person in canon.names.people}
    english = [(people[n].en[:1] or (people[n].id,))[0] if n in people else "" for n in names]
    grid = [[lines[name][chapter] for chapter in range(1, canon.last + 1)] for name in names]
    installed = {font.name for font in font_manager.fontManager.ttflist}
    chinese = [name for name in _CHINESE_FONTS if name in installed]
    # Without a Chinese font names would be drawn as boxes: English ones, or the rank.
    labels = names if chinese else [e or f"no. {i}" for i, e in enumerate(english, 1)]
    title = f"{canon.title}: " if chinese else ""
    plt.rcParams["font.sans-serif"] = [*chinese, "DejaVu Sans"]
    figure, axes = plt.subplots(figsize=(12, 0.45 * len(names) + 1.6))
    picture = axes.imshow(
        grid,
        aspect="auto",
        cmap="Greens",
        interpolation="nearest",
        extent=(0.5, canon.last + 0.5, len(names) - 0.5, -0.5),
    )
    axes.set_yticks(range(len(names)), labels)
    axes.set_xlabel("chapter")
    axes.set_title(f"{title}lines by character and chapter")
    figure.colorbar(picture, ax=axes, label="lines")
    figure.tight_layout()
    try:
        figure.savefig(path, dpi=120)
    except (OSError, ValueError) as problem:
        raise CanonError(f"cannot draw to {path}: {problem}") from None
    finally:
        plt.close(figure)


_CHINESE_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Microsoft YaHei",
    "SimHei",
    "PingFang SC",
)


def _lines(canon: Canon, least_confidence: float) -> list[tuple[str, int, str]]:
    return [
        (turn.speaker, scene.chapter, turn.text)
        for scene in canon.scenes()
        for turn in scene.turns
        if turn.kind != "narration"
        and turn.confidence >= least_confidence
        and turn.speaker not in ("", UNDECIDED)
        and "、" not in turn.speaker
    ]
