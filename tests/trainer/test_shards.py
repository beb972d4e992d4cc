"""Weights on disk: sizes, room, and a folder that appears whole or not at all."""

from functools import partial

import pytest
import torch

from trainer import shards
from trainer.shards import Planned, Weights, WeightsError


@pytest.mark.parametrize(
    ("text", "size"), [("2GB", 2 * 10**9), ("8GiB", 2**33), ("500 kb", 500_000), ("7", 7)]
)
def test_sizes(text, size):
    assert shards.size(text) == size


@pytest.mark.parametrize("text", ["", "many", "-2GB", "2 parsecs", "0"])
def test_what_is_no_size_is_said(text):
    with pytest.raises(WeightsError, match="is not a size"):
        shards.size(text)


def test_shards_are_cut_at_the_limit_and_read_back(tmp_path):
    made = {f"w{n}": torch.full((4, 8), float(n)) for n in range(5)}
    planned = [Planned(k, v.dtype, (4, 8), partial(torch.clone, v)) for k, v in made.items()]
    names = shards.write(tmp_path, planned, 256, what="writing")
    assert len(names) == 3
    there = Weights(tmp_path)
    assert all(torch.equal(there[name], value) for name, value in made.items())


def broken_off(folder):
    with shards.aside(folder) as part:
        (part / "half").write_text("x")
        raise ZeroDivisionError


def test_a_folder_is_whole_or_not_there(tmp_path):
    with pytest.raises(ZeroDivisionError):
        broken_off(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
    with shards.aside(tmp_path / "out") as part:
        (part / "whole").write_text("x")
    assert [file.name for file in tmp_path.iterdir()] == ["out"]
