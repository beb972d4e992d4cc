"""`mrp shrink` packs weights and keeps everything else, and says what it could not pack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import pytest

from quantize import shrink as verb
from quantize.convert import convert
from quantize.error import ShrinkError
from quantize.shrink import shrink

CARD = {"name": "tiny", "gguf": {"mrp.style": '{"语": "白话"}', "mrp.recipe": "mini"}}


@pytest.fixture
def f16(folder: Any, tmp_path: Path) -> Path:
    """A model whose rows K-quants can pack (256), but for the down projection (96)."""
    path, _, _ = folder("llama", card=CARD, hidden_size=256)
    convert(path, tmp_path / "f16.gguf", "f16")
    return tmp_path / "f16.gguf"


def logits(path: Path) -> np.ndarray:
    llama = llama_cpp.Llama(
        str(path), n_ctx=64, n_threads=1, n_threads_batch=1, logits_all=True, verbose=False
    )
    tokens = llama.tokenize("悟空道：“走！”".encode(), add_bos=False)
    llama.eval(tokens)
    return np.array(llama.scores[: len(tokens)])


@pytest.mark.parametrize(("type", "near"), [("Q8_0", 0.05), ("Q6_K", 0.2), ("q4_k_m", 0.4)])
def test_the_smaller_file_speaks_nearly_alike(f16: Path, type: str, near: float) -> None:
    output = f16.with_name("small.gguf")
    done = shrink(f16, output, type, threads=1)
    assert done.bytes == output.stat().st_size < done.bytes_before
    assert done.type == type.upper()
    wanted = logits(f16)
    error = float(np.sqrt(((logits(output) - wanted) ** 2).mean()) / wanted.std())
    assert error < near


def test_tokenizer_template_and_card_survive(f16: Path) -> None:
    output = f16.with_name("small.gguf")
    shrink(f16, output, "Q4_K_M", threads=1)
    before, after = (
        llama_cpp.Llama(str(path), vocab_only=True, verbose=False).metadata
        for path in (f16, output)
    )
    assert after["mrp.style"] == CARD["gguf"]["mrp.style"]  # type: ignore[index]
    assert {key for key in before if before[key] != after.get(key)} == {"general.file_type"}


def test_tensors_that_cannot_be_packed_are_reported(f16: Path) -> None:
    done = shrink(f16, f16.with_name("small.gguf"), "Q4_K_M", threads=1)
    assert set(done.fallbacks) == {"blk.0.ffn_down.weight", "blk.1.ffn_down.weight"}
    assert done.kinds["Q4_K"] > 0
    eight = shrink(f16, f16.with_name("eight.gguf"), "Q8_0", threads=1)
    assert not eight.fallbacks


def test_llama_cpp_stays_silent(f16: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shrink(f16, f16.with_name("small.gguf"), "Q4_K_M", threads=1)
    assert capfd.readouterr() == ("", "")


def refuses(source: Path, type: str, saying: str, output: Path | None = None) -> None:
    output = output or source.with_name("refused.gguf")
    with pytest.raises(ShrinkError, match=saying) as caught:
        shrink(source, output, type, threads=1)
    assert "\n" not in str(caught.value)
    assert source == output or not output.exists()
    assert not list(output.parent.glob(".*.part")), "no half file may stay behind"


def test_a_missing_broken_or_cut_off_file_is_one_sentence(f16: Path, tmp_path: Path) -> None:
    refuses(tmp_path / "none.gguf", "Q8_0", "cannot be read")
    (tmp_path / "text.gguf").write_text("once upon a time")
    refuses(tmp_path / "text.gguf", "Q8_0", "is no GGUF")
    whole = f16.read_bytes()
    for size in (4, 1000, len(whole) // 2, len(whole) - 1000):
        (tmp_path / "cut.gguf").write_bytes(whole[:size])
        refuses(tmp_path / "cut.gguf", "Q8_0", "cannot be made Q8_0")


def test_a_type_that_is_unknown_or_needs_more_is_refused(f16: Path) -> None:
    refuses(f16, "Q9_X", "known are.*Q4_K_M")
    refuses(f16, "IQ1_S", "importance matrix")


def test_the_source_is_never_overwritten(f16: Path) -> None:
    before = f16.read_bytes()
    refuses(f16, "Q8_0", "the file to read", output=f16)
    assert f16.read_bytes() == before


def test_what_is_small_already_is_not_packed_again(f16: Path) -> None:
    small = f16.with_name("small.gguf")
    shrink(f16, small, "Q8_0", threads=1)
    refuses(small, "Q4_0", "start from the f16")


def test_the_verb_prints_one_json_object_last(
    f16: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = f16.with_name("small.gguf")
    assert verb.main([str(f16), str(output), "--type", "Q6_K", "--threads", "1", "--json"]) == 0
    done = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert done["bytes"] == output.stat().st_size
    assert done["fallbacks"]["blk.0.ffn_down.weight"]
