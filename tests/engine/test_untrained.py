"""A model before it learned anything: the same shape and vocabulary, other weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine import shapes, untrained
from engine.llama import LlamaEngine
from engine.sequence import ModelError


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("untrained") / "tiny.gguf"
    shapes.write(path, shapes.SHAPES["tiny"], exact=True, spread=0.5)
    return path


async def test_it_is_served_like_the_model_and_reads_the_same_tokens(
    model: Path, tmp_path: Path
) -> None:
    control = tmp_path / "control.gguf"
    untrained.write(model, control)
    engines = [LlamaEngine.open(path, context=256, threads=1) for path in (model, control)]
    try:
        one, other = (engine.encode("老孙 <|im_end|>", True) for engine in engines)
        assert one == other
        changed = {"general.name", "general.file_type", "general.quantization_version"}
        metadata = [
            {key: value for key, value in engine.metadata.items() if key not in changed}
            for engine in engines
        ]
        assert metadata[0] == metadata[1]
        scores = [await engine.score(one, [[5, 6], [7, 8]]) for engine in engines]
        assert not np.allclose(scores[0], scores[1], atol=0.01)
    finally:
        for engine in engines:
            await engine.close()


def test_the_same_seed_gives_the_same_control(model: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        untrained.write(model, tmp_path / name, seed=seed)
    first, again, other = (tmp_path.joinpath(name).read_bytes() for name in "abc")
    assert first == again
    assert first != other


def test_what_is_no_model_is_said_so_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(b"no model at all, really")
    for name in ("x.gguf", "nowhere.gguf"):
        with pytest.raises(ModelError, match="cannot be read as a GGUF"):
            untrained.write(tmp_path / name, tmp_path / "out.gguf")
    assert not (tmp_path / "out.gguf").exists()
