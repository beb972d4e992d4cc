"""A mix stays under its size, and spends bytes where an error would be heard most."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGUFReader
from hypothesis import given
from hypothesis import strategies as st

from quantize import shrink as verb
from quantize.convert import convert
from quantize.error import ShrinkError
from quantize.mix import Choice, choices, mix, size_of
from quantize.shrink import shrink


@pytest.fixture
def f16(folder: Any, tmp_path: Path) -> Path:
    path, _, _ = folder("llama", hidden_size=256, intermediate_size=96)
    convert(path, tmp_path / "f16.gguf", "f16")
    return tmp_path / "f16.gguf"


def kinds(path: Path) -> dict[str, str]:
    return {tensor.name: tensor.tensor_type.name for tensor in GGUFReader(path).tensors}


@pytest.mark.parametrize("share", [0.3, 0.4, 0.5])
def test_the_file_is_below_the_size_and_near_it(f16: Path, share: float) -> None:
    size = int(f16.stat().st_size * share)
    done = shrink(f16, f16.with_name("mix.gguf"), size=size, threads=1)
    assert 0.9 * size < done.bytes <= size
    assert not done.fallbacks


def test_what_was_asked_for_a_tensor_stays(f16: Path) -> None:
    output = f16.with_name("mix.gguf")
    size = int(f16.stat().st_size * 0.45)
    shrink(f16, output, size=size, threads=1, tensors=[(r"blk\.1\.attn_k", "Q3_K")])
    assert kinds(output)["blk.1.attn_k.weight"] == "Q3_K"


def test_single_tensors_overrule_a_type(f16: Path) -> None:
    output = f16.with_name("small.gguf")
    shrink(f16, output, "Q4_K_M", threads=1, tensors=[("attn_v", "q8_0"), ("token_embd", "Q4_K")])
    found = kinds(output)
    assert found["blk.0.attn_v.weight"] == found["blk.1.attn_v.weight"] == "Q8_0"
    assert found["token_embd.weight"] == "Q4_K"
    assert found["blk.0.attn_q.weight"] == "Q4_K"


def test_overrides_that_mean_nothing_are_refused(f16: Path) -> None:
    for pattern, kind, saying in (
        ("attn_z", "Q8_0", "no tensor is called like 'attn_z'"),
        ("attn_v", "Q9", "known are.*Q4_K"),
        ("attn_(", "Q8_0", "no regular expression"),
    ):
        with pytest.raises(ShrinkError, match=saying):
            shrink(f16, f16.with_name("a.gguf"), "Q4_K_M", tensors=[(pattern, kind)])
    with pytest.raises(ShrinkError, match="like attn_v=Q8_0"):
        verb.main([str(f16), "b.gguf", "--type", "Q8_0", "--tensor", "attn_v"])


def test_a_size_that_nothing_reaches_is_refused(f16: Path) -> None:
    with pytest.raises(ShrinkError, match="MB larger than that"):
        shrink(f16, f16.with_name("a.gguf"), size=20_000)
    with pytest.raises(ShrinkError, match="one of the two"):
        shrink(f16, f16.with_name("a.gguf"), "Q8_0", size=20_000)


def test_a_mix_starts_from_whole_weights(f16: Path) -> None:
    shrink(f16, f16.with_name("q8.gguf"), "Q8_0", threads=1)
    with pytest.raises(ShrinkError, match="f16 or f32"):
        shrink(f16.with_name("q8.gguf"), f16.with_name("a.gguf"), size=10**9)


def test_more_bits_mean_less_error() -> None:
    rows = np.random.default_rng(1).normal(0, 1, (16, 512)).astype(np.float32)
    found = {choice.kind: choice for choice in choices(rows, 1000, None)}
    errors = [found[kind].error for kind in ("Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "Q8_0")]
    assert errors == sorted(errors, reverse=True)
    assert 0 < errors[-1] < 1e-4 < errors[0] < 0.2
    assert found["Q8_0"].bytes == 1000 * 512 // 32 * 34
    narrow = {choice.kind for choice in choices(rows[:, :96], 10, None)}
    assert "Q4_K" not in narrow
    assert "Q8_0" in narrow
    assert [c.kind for c in choices(rows[:, :40], 10, None)] == ["F16"]


@given(
    st.lists(
        st.lists(st.tuples(st.integers(1, 500), st.floats(0, 1)), min_size=1, max_size=5),
        min_size=1,
        max_size=6,
    ),
    st.integers(0, 4000),
)
def test_a_mix_never_exceeds_its_budget(offers: Any, extra: int) -> None:
    named = {
        str(number): [Choice(str(k), 32 * size, error) for k, (size, error) in enumerate(offer)]
        for number, offer in enumerate(offers)
    }
    least = sum(min(choice.bytes for choice in offer) for offer in named.values())
    taken = mix(named, least + extra)
    assert sum(choice.bytes for choice in taken.values()) <= least + extra
    assert taken.keys() == named.keys()
    everything = mix(named, 10**9)
    for name, offer in named.items():
        assert everything[name].error == min(choice.error for choice in offer)


@pytest.mark.parametrize(
    ("text", "size"),
    [("4.6GiB", int(4.6 * 2**30)), ("900 MB", 900_000_000), ("5m", 5_000_000), ("123456", 123456)],
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    assert size_of(text) == size


@pytest.mark.parametrize("text", ["", "big", "-1GB", "0", "1.2.3GB", "4XB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ShrinkError, match="is no size"):
        size_of(text)
