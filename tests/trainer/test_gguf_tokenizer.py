"""A tokenizer out of a GGUF's metadata spells every line as llama.cpp does."""

import pytest
from transformers import AutoTokenizer

from quantize.convert import convert as to_gguf
from quantize.reader import Reader
from tests.quantize.conftest import CORPUS, tiny_model, tiny_pieces, tiny_tokenizer
from trainer import from_gguf, gguf_tokenizer
from trainer.shards import WeightsError
from trainer.vocabulary import TokenizerEncoder

LINES = [
    *CORPUS[:8],
    "",
    " ",
    "   two  spaces\n\n\t\ttabs \r\n",
    "12345 ½ ² ٣ 3.14 1,000",
    "I'LL they'Re we'd ''s",
    "<|im_start|>user<|im_end|>",
    "<|im_end",
    "𪚥龘 ｆｕｌｌ　ｗｉｄｔｈ é ñ ß Привет สวัสดี한국어",
    "\u3000全角　空格\u00a0\u200b",
    "\x00\x07\x7f\ufeff",
]


@pytest.mark.parametrize("split", ["gpt-2", "qwen2", "llama-bpe", "pieces"])
def test_every_line_has_llama_cpps_tokens(split, tmp_path):
    words = tiny_pieces("replace") if split == "pieces" else tiny_tokenizer(split)
    kind = "qwen2" if split == "qwen2" else "llama"
    tiny_model(kind, len(words) + 7).save_pretrained(tmp_path / "tiny")
    words.save_pretrained(tmp_path / "tiny")
    to_gguf(tmp_path / "tiny", tmp_path / "tiny.gguf", "f16")
    from_gguf.convert(tmp_path / "tiny.gguf", tmp_path / "out", limit=10**9)
    encoder = TokenizerEncoder(AutoTokenizer.from_pretrained(tmp_path / "out"))
    with Reader(tmp_path / "tiny.gguf", threads=1) as reader:
        for line in LINES:
            for control in (False, True):
                assert list(encoder(line, control)) == reader.encode(line, control), (line, control)


def metadata(**changes):
    told = {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": ["a", "b", "ab", "<|im_end|>", "[PAD4]"],
        "tokenizer.ggml.token_type": [1, 1, 1, 3, 5],
        "tokenizer.ggml.merges": ["a b"],
        "tokenizer.ggml.eos_token_id": 3,
        **{f"tokenizer.{key.replace('__', '.')}": value for key, value in changes.items()},
    }
    return lambda key, otherwise=None: told.get(key, otherwise)


def test_roles_template_and_ends_come_along(tmp_path):
    get = metadata(
        ggml__tokens=["a", "b", "ab", "<|im_end|>", "[PAD4]", "<s>"],
        ggml__token_type=[1, 1, 1, 3, 5, 3],
        ggml__padding_token_id=3,
        ggml__bos_token_id=5,
        ggml__add_bos_token=True,
    )
    made, ends, notes = gguf_tokenizer.read(get, tmp_path / "x.gguf", 6)
    assert (made.eos_token, made.pad_token, made.bos_token) == ("<|im_end|>", "<|im_end|>", "<s>")
    assert ends == [3]
    assert "no chat template" in notes[0]
    assert made.encode("ab") == [5, 2]
    assert "[PAD4]" not in made.get_vocab(), "filler is no token"
    made, _, notes = gguf_tokenizer.read(metadata(chat_template="{{ 1 }}"), tmp_path / "x.gguf", 5)
    assert made.chat_template == "{{ 1 }}"
    assert notes == []
    assert made.encode("ab") == [2]


def test_the_same_filler_twice_keeps_the_ids(tmp_path):
    get = metadata(
        ggml__tokens=["a", "b", "ab", "<|im_end|>", "b"], ggml__token_type=[1, 1, 1, 3, 1]
    )
    made, _, _ = gguf_tokenizer.read(get, tmp_path / "x.gguf", 5)
    assert made.encode("b") == [1]
    assert len(made) == 5


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"ggml__merges": ["a z"]}, "makes no token"),
        ({"ggml__merges": ["ab"]}, "makes no token"),
        ({"ggml__token_type": [1]}, "5 tokens of 1 kinds"),
        ({"ggml__model": "llama", "ggml__scores": []}, "without scores"),
    ],
)
def test_a_broken_vocabulary_is_one_sentence(changes, told, tmp_path):
    with pytest.raises(WeightsError, match=told):
        gguf_tokenizer.read(metadata(**changes), tmp_path / "x.gguf", 5)
