from __future__ import annotations

from pathlib import Path

import pytest

from canon import Canon
from canon.error import CanonError
from canon.stats import count_lines, draw, sample_lines


def test_lines_are_counted_by_character_and_chapter(canon: Canon) -> None:
    lines = count_lines(canon)
    assert lines["阿青"][1] == 4
    assert next(iter(lines)) in ("阿青", "石伯", "白鹿")


def test_unsure_lines_do_not_count(canon: Canon) -> None:
    sure = count_lines(canon, least_confidence=0.97)
    everything = count_lines(canon, least_confidence=0)
    assert sum(c.total() for c in sure.values()) < sum(c.total() for c in everything.values())


def test_a_sample_is_the_same_for_the_same_seed(canon: Canon) -> None:
    assert sample_lines(canon, 4, 0.8, 7) == sample_lines(canon, 4, 0.8, 7)
    assert len(sample_lines(canon, 1000, 0.8, 7)) <= 23


def test_the_plot_is_drawn(canon: Canon, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the plot is optional")
    draw(canon, count_lines(canon), tmp_path / "lines.png")
    assert (tmp_path / "lines.png").stat().st_size > 1000
    with pytest.raises(CanonError, match="cannot draw"):
        draw(canon, count_lines(canon), tmp_path / "no" / "where.png")
