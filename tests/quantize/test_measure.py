"""`mrp measure` compares two files token by token, and refuses what cannot be compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import pytest

from quantize import measure as verb
from quantize.convert import convert
from quantize.error import MeasureError
from quantize.measure import measure
from quantize.shrink import shrink

TEXT = "悟空举起铁棒，喝道：“妖怪，往哪里走！”八戒哼了一声。The monkey didn't wait.\n" * 4


def render(path: Path, metadata: Mapping[str, str]) -> Iterator[list[tuple[str, bool, bool]]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        asked, answer = json.loads(line)
        yield [("<|im_start|>", True, False), (asked, False, False), (answer, False, True)]


def evaluate(words: Sequence[str]) -> dict[str, Any]:
    return {"right": 0.75} if words[0] == "identity" else {"accuracy": 0.5}


@pytest.fixture
def files(folder: Any, tmp_path: Path) -> tuple[Path, Path, Path, Any]:
    """(f32, Q8_0, Q4_K_M, tokenizer) of one model."""
    path, _, tokenizer = folder("llama", hidden_size=256, intermediate_size=256)
    convert(path, tmp_path / "f32.gguf", "f32")
    for type in ("Q8_0", "Q4_K_M"):
        shrink(tmp_path / "f32.gguf", tmp_path / f"{type}.gguf", type, threads=1)
    (tmp_path / "held.jsonl").write_text(
        '["你是谁？", "老孙是也。"]\n["走罢！", "走！"]\n', encoding="utf-8"
    )
    (tmp_path / "plain.txt").write_text(TEXT, encoding="utf-8")
    return tmp_path / "f32.gguf", tmp_path / "Q8_0.gguf", tmp_path / "Q4_K_M.gguf", tokenizer


def log_softmax(path: Path, ids: list[int]) -> np.ndarray:
    llama = llama_cpp.Llama(
        str(path), n_ctx=64, n_threads=1, n_threads_batch=1, logits_all=True, verbose=False
    )
    llama.eval(ids)
    logits = np.array(llama.scores[: len(ids)], np.float64)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def test_the_numbers_are_those_of_the_definition(files: Any, tmp_path: Path) -> None:
    base, _, small, tokenizer = files
    (tmp_path / "one.jsonl").write_text('["你是谁？", "老孙是也。"]\n', encoding="utf-8")
    found = measure(base, [small], [tmp_path / "one.jsonl"], render, threads=1)
    asked, answer = (tokenizer(text).input_ids for text in ("你是谁？", "老孙是也。"))
    start = tokenizer("<|im_start|>").input_ids
    ids = [*start, *asked, *answer]
    before = np.arange(len(ids) - len(answer) - 1, len(ids) - 1)
    p, q = log_softmax(base, ids)[before], log_softmax(small, ids)[before]
    divergences = (np.exp(p) * (p - q)).sum(axis=1)
    loss = found[1].losses[0]
    assert loss.tokens == len(answer), "only what the model writes is counted"
    np.testing.assert_allclose(loss.kl, divergences.mean(), rtol=0.02)
    np.testing.assert_allclose(loss.kl_99, np.quantile(divergences, 0.99), rtol=0.02)
    assert abs(loss.top - np.mean(p.argmax(axis=1) == q.argmax(axis=1))) < 1e-5
    np.testing.assert_allclose(loss.perplexity, np.exp(-q[range(len(answer)), answer].mean()), 0.02)


def test_a_file_against_itself_loses_nothing_and_smaller_ones_more(
    files: Any, tmp_path: Path
) -> None:
    base, eight, four, _ = files
    texts = [tmp_path / "held.jsonl", tmp_path / "plain.txt"]
    found = measure(base, [eight, four], texts, render, length=64, threads=1)
    assert [one.type for one in found] == ["F32", "Q8_0", "Q4_K_M"]
    for number, text in enumerate(texts):
        losses = [one.losses[number] for one in found]
        assert {loss.text for loss in losses} == {text.name}
        assert losses[0].kl < 1e-6
        assert losses[0].top == 1
        assert losses[0].kl < losses[1].kl < losses[2].kl
    for one in found:
        assert one.bytes == Path(one.path).stat().st_size
        assert min(one.prompt_speed, one.reply_speed) > 0
    assert found[0].bits_per_weight > 30 > 10 > found[1].bits_per_weight > found[2].bits_per_weight


def test_another_tokenizer_is_refused(files: Any, folder: Any, tmp_path: Path) -> None:
    base, _, _, _ = files
    path, _, _ = folder("llama", split="qwen2", hidden_size=256, intermediate_size=256)
    convert(path, tmp_path / "other.gguf", "f16")
    with pytest.raises(MeasureError, match=r"encodes plain\.txt into other|vocabulary"):
        measure(base, [tmp_path / "other.gguf"], [tmp_path / "plain.txt"], render, threads=1)


def test_a_file_that_spells_its_own_samples_otherwise_is_refused(
    folder: Any, tmp_path: Path
) -> None:
    (tmp_path / "plain.txt").write_text(TEXT, encoding="utf-8")
    for change, refused in ((0, False), (1, True)):
        path, _, tokenizer = folder("llama")
        ids = tokenizer("悟空，走！").input_ids
        samples = [["悟空，走！", False, [ids[0] + change, *ids[1:]]], ["<|im_end|>", True, [2]]]
        card = {"gguf": {"mrp.samples": json.dumps(samples, ensure_ascii=False)}}
        (path / "card.json").write_text(json.dumps(card), encoding="utf-8")
        convert(path, tmp_path / "own.gguf", "f16")
        words = (tmp_path / "own.gguf", [], [tmp_path / "plain.txt"], render)
        if refused:
            with pytest.raises(MeasureError, match="converted wrongly"):
                measure(*words, threads=1)
        else:
            assert measure(*words, threads=1)


def test_the_verb_prints_a_table_a_picture_and_json(
    files: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    base, eight, four, _ = files
    picture = tmp_path / "loss.png"
    words = [str(base), str(eight), str(four), "--text", str(tmp_path / "held.jsonl"), "--voice"]
    words += ["--plot", str(picture), "--json", "--threads", "1"]
    assert verb.main(words, render=render, evaluate=evaluate) == 0
    out, err = capfd.readouterr()
    assert err == "", "llama.cpp stays silent"
    assert "Q4_K_M" in out
    assert "75.0%" in out
    done = json.loads(out.splitlines()[-1])
    assert [one["voice"] for one in done["files"]] == [{"identity": 0.75, "speaker": 0.5}] * 3
    assert picture.read_bytes().startswith(b"\x89PNG")
