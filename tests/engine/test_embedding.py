"""Sentence vectors from a real GGUF that the test makes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.embedding import Embed, open_embedder
from engine.sequence import ModelError
from engine.shapes import SHAPES, write


@pytest.fixture(scope="module")
def embed(tmp_path_factory: pytest.TempPathFactory) -> Embed:
    path = tmp_path_factory.mktemp("model") / "embedding.gguf"
    write(path, SHAPES["tiny"])
    return open_embedder(path)


def test_vectors_are_single_precision_and_of_unit_length(embed: Embed) -> None:
    vectors = embed(["高老庄招亲", "火焰山借扇", ""])
    assert vectors.dtype == np.float32
    assert vectors.shape == (3, SHAPES["tiny"].width)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)


def test_a_text_has_the_same_vector_whatever_is_beside_it(embed: Embed) -> None:
    alone = embed(["高老庄招亲"])[0]
    among = embed(["火焰山", "高老庄招亲", "流沙河"])[1]
    assert float(alone @ among) > 0.999
    assert float(alone @ embed(["Who are you?"])[0]) < 0.999


def test_a_text_that_is_too_long_is_cut(embed: Embed) -> None:
    assert np.isfinite(embed(["取经" * 2000])).all()


def test_no_texts_are_no_vectors(embed: Embed) -> None:
    assert embed([]).shape == (0, SHAPES["tiny"].width)


@pytest.mark.parametrize("content", [None, b"not a model"])
def test_a_file_that_is_no_model_is_said_so(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "model.gguf"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.gguf"):
        open_embedder(file)
