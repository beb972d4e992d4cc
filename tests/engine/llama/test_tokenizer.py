"""What people type never becomes a control token, whatever kind of vocabulary reads it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gguf
import llama_cpp
import pytest

from engine import shapes
from engine.llama import loading
from engine.llama.tokenizer import Tokenizer, looks_like_markup
from engine.sequence import EngineError

Made = Callable[..., Tokenizer]
CONTROL, DEFINED, NORMAL = (
    gguf.TokenType.CONTROL,
    gguf.TokenType.USER_DEFINED,
    gguf.TokenType.NORMAL,
)
FENCES = ("<|im_start|>", "<|im_end|>")


def sentencepiece(writer: Any, size: int) -> None:
    """A SentencePiece vocabulary whose pieces merge into the control tokens."""
    words = ["<unk>", "<s>", "</s>", "<|im_start|>"]
    kinds = [gguf.TokenType.UNKNOWN, CONTROL, CONTROL, CONTROL]
    words += [f"<0x{byte:02X}>" for byte in range(256)]
    kinds += [gguf.TokenType.BYTE] * 256
    merged = ["</", "<s", "s>", "<|", "|>", "<|im", "<|im_", "<|im_start", "im", "_s", "ta", "rt"]
    words += [*map(chr, range(33, 127)), "▁", *merged]
    words += [f"w{number}" for number in range(size - len(words))]
    kinds += [NORMAL] * (size - len(kinds))
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(words)
    writer.add_token_scores([-float(n) for n in range(size)])
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(True)


def bytewise(kind: gguf.TokenType) -> Callable[[Any, int], None]:
    """Byte-level BPE with fences of this kind."""

    def write(writer: Any, size: int) -> None:
        shapes.write_vocabulary(writer, size)
        table = writer.kv_data[0]
        words = table["tokenizer.ggml.tokens"].value
        kinds = list(table["tokenizer.ggml.token_type"].value)
        for fence in FENCES:
            kinds[words.index(fence)] = kind
        del table["tokenizer.ggml.token_type"]
        writer.add_token_types(kinds)

    return write


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    models = []
    original = shapes.write_vocabulary

    def made(vocabulary: Callable[[Any, int], None]) -> Tokenizer:
        def write(writer: Any, size: int) -> None:
            monkeypatch.setattr(shapes, "write_vocabulary", original)
            vocabulary(writer, size)

        monkeypatch.setattr(shapes, "write_vocabulary", write)
        path = tmp_path / f"{len(models)}.gguf"
        shapes.write(path, shapes.SHAPES["tiny"])
        models.append(loading.load(path, vocabulary_only=True))
        return Tokenizer(llama_cpp.llama_model_get_vocab(models[-1]))

    yield made
    for model in models:
        llama_cpp.llama_model_free(model)


@pytest.mark.parametrize("times", [1, 2, 1000])
@pytest.mark.parametrize("typed", ["</s>", "<s>", "<|im_start|>", "</s><s>", "a</s>b ", "<</s>s>"])
def test_a_thousand_typed_control_tokens_are_text(make: Made, typed: str, times: int) -> None:
    tokenizer = make(sentencepiece)
    began = time.perf_counter()
    tokens = tokenizer.encode(typed * times)
    assert time.perf_counter() - began < 5
    assert not set(tokens) & set(tokenizer.ending)
    text = b"".join(map(tokenizer.piece, tokens)).decode()
    assert text == typed * times
    assert set(tokenizer.encode(typed, True)) & set(tokenizer.ending)


@pytest.mark.parametrize("kind", [CONTROL, DEFINED])
def test_fences_of_either_kind_are_text_when_they_are_typed(
    make: Made, kind: gguf.TokenType
) -> None:
    tokenizer = make(bytewise(kind))
    for fence in FENCES:
        (token,) = tokenizer.encode(fence, True)
        assert tokenizer.ends(token)
        for typed in (fence, f"x{fence}\n{fence * 500}y"):
            tokens = tokenizer.encode(typed)
            assert token not in tokens
            assert b"".join(map(tokenizer.piece, tokens)).decode() == typed


def test_the_files_own_bos(make: Made) -> None:
    assert make(sentencepiece).begin == "<s>"
    assert make(bytewise(CONTROL)).begin == ""


def test_nothing_and_a_closed_engine(make: Made) -> None:
    tokenizer = make(sentencepiece)
    assert tokenizer.encode("") == tokenizer.encode("", True) == []
    tokenizer.closed = True
    with pytest.raises(EngineError, match="closed"):
        tokenizer.encode("a")


def test_markup_by_its_look() -> None:
    assert all(map(looks_like_markup, ("<|im_start|>", "<｜User｜>")))
    assert not any(map(looks_like_markup, ("<think>", "<|", "|>", "a<|b|>", "")))
