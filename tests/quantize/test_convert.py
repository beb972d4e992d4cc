"""The GGUF that `mrp convert` writes computes and spells what the Hugging Face folder does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import pytest
import torch
from gguf import GGUFReader

from engine.llama.model import LlamaModel
from quantize import convert as verb
from quantize.convert import convert
from quantize.error import ConvertError

TEXT = "悟空道：“I'll go 42 miles!”🐒\n八戒哼了一声。"


def open_gguf(path: Path, **options: Any) -> llama_cpp.Llama:
    # An f16 cache alone costs 1e-3: keep it in f32 to compare the weights.
    return llama_cpp.Llama(
        str(path),
        n_ctx=128,
        n_threads=1,
        n_threads_batch=1,
        logits_all=True,
        verbose=False,
        type_k=llama_cpp.GGML_TYPE_F32,
        type_v=llama_cpp.GGML_TYPE_F32,
        **options,
    )


def both_logits(gguf: Path, model: Any, tokens: list[int]) -> tuple[np.ndarray, np.ndarray]:
    llama = open_gguf(gguf)
    llama.eval(tokens)
    with torch.no_grad():
        wanted = model(torch.tensor([tokens])).logits[0].float().numpy()
    return llama.scores[: len(tokens)], wanted


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("llama", {}),
        ("llama", {"tie_word_embeddings": False}),
        ("llama", {"attention_bias": True, "mlp_bias": True}),
        ("llama", {"num_key_value_heads": 4, "head_dim": 32, "rope_theta": 500000.0}),
        ("mistral", {"tie_word_embeddings": False, "sliding_window": None}),
        ("qwen2", {"tie_word_embeddings": False}),
        ("qwen2", {}),
        ("qwen3", {"head_dim": 32}),
        ("qwen3", {"tie_word_embeddings": False}),
    ],
)
def test_logits_equal_those_of_transformers(
    folder: Any, tmp_path: Path, kind: str, changes: dict[str, Any]
) -> None:
    if theta := changes.pop("rope_theta", None):
        changes["rope_parameters"] = {"rope_type": "default", "rope_theta": theta}
    path, model, tokenizer = folder(kind, **changes)
    convert(path, tmp_path / "tiny.gguf", "f32")
    got, wanted = both_logits(tmp_path / "tiny.gguf", model, tokenizer(TEXT).input_ids)
    assert wanted.std() > 0.5, "the model must say something for the comparison to mean anything"
    np.testing.assert_allclose(got, wanted, atol=1e-3)


@pytest.mark.parametrize(
    "rope",
    [
        {"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0},
        {
            "rope_type": "yarn",
            "factor": 4.0,
            "original_max_position_embeddings": 128,
            "rope_theta": 10000.0,
        },
        {
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64,
            "rope_theta": 10000.0,
        },
    ],
    ids=lambda rope: rope["rope_type"],
)
def test_rope_scaling_arrives(folder: Any, tmp_path: Path, rope: dict[str, Any]) -> None:
    path, model, tokenizer = folder("llama", rope_parameters=rope)
    convert(path, tmp_path / "tiny.gguf", "f32")
    got, wanted = both_logits(tmp_path / "tiny.gguf", model, tokenizer(TEXT).input_ids)
    np.testing.assert_allclose(got, wanted, atol=1e-3)


def test_old_rope_scaling_in_config_json_is_read_alike(folder: Any, tmp_path: Path) -> None:
    path, _, _ = folder("llama")
    config = json.loads((path / "config.json").read_text())
    config.pop("rope_parameters")
    old = {"rope_theta": 5e5, "rope_scaling": {"type": "linear", "factor": 2.0}}
    (path / "config.json").write_text(json.dumps({**config, **old}))
    convert(path, tmp_path / "tiny.gguf", "f32")
    fields = GGUFReader(tmp_path / "tiny.gguf").fields
    assert fields["llama.rope.freq_base"].contents() == 5e5
    assert fields["llama.rope.scaling.type"].contents() == "linear"
    assert fields["llama.rope.scaling.factor"].contents() == 2.0


@pytest.mark.parametrize(
    ("split", "pre"), [("gpt-2", "gpt-2"), ("qwen2", "qwen2"), ("llama-bpe",) * 2]
)
def test_token_ids_equal_those_of_the_hugging_face_tokenizer(
    folder: Any, lines: list[str], tmp_path: Path, split: str, pre: str
) -> None:
    path, _, tokenizer = folder("llama", split=split)
    done = convert(path, tmp_path / "tiny.gguf", "q8_0")
    assert done.pre == pre
    llama = open_gguf(tmp_path / "tiny.gguf", vocab_only=True)
    for special in (False, True):
        wanted = tokenizer(
            lines, add_special_tokens=False, split_special_tokens=not special
        ).input_ids
        got = [llama.tokenize(line.encode(), add_bos=False, special=special) for line in lines]
        wrong = [(line, g, w) for line, g, w in zip(lines, got, wanted, strict=True) if g != w]
        assert not wrong, f"{len(wrong)} lines, such as {wrong[0]!r}"


@pytest.mark.parametrize("form", ["prepend", "replace", "never", "always", "first"])
def test_sentencepiece_ids_equal_those_of_the_hugging_face_tokenizer(
    folder: Any, lines: list[str], tmp_path: Path, form: str
) -> None:
    path, _, tokenizer = folder("mistral", split=f"pieces {form}")
    convert(path, tmp_path / "tiny.gguf", "q8_0")
    llama = open_gguf(tmp_path / "tiny.gguf", vocab_only=True)
    for special in (False, True):
        # All of them in the forms that published models have.
        chosen = lines if form in ("prepend", "replace") else lines[:4000]
        if form in ("always", "first"):  # the conversion's note names these differences
            chosen = [line for line in lines if line[:1] not in " ▁" and "> " not in line]
        if form == "first" and special:
            chosen = [line for line in chosen if "<" not in line]
        wanted = tokenizer(chosen, split_special_tokens=not special).input_ids
        got = [llama.tokenize(line.encode(), add_bos=True, special=special) for line in chosen]
        wrong = [(line, g, w) for line, g, w in zip(chosen, got, wanted, strict=True) if g != w]
        assert len(chosen) > 1000
        assert not wrong, f"{len(wrong)} lines, such as {wrong[0]!r}"


def test_a_typed_control_token_stays_text(folder: Any, tmp_path: Path) -> None:
    # "</" and "s>" are pieces, so llama.cpp's merges alone would make </s> of them.
    path, _, tokenizer = folder("llama", split="pieces closing")
    done = convert(path, tmp_path / "tiny.gguf", "q8_0")
    assert any("'</s>'" in note for note in done.notes)
    model = LlamaModel(tmp_path / "tiny.gguf", context=64, replies=1, threads=1)
    for text in ("</s>", "走</s></s>罢", "x </s> <s>", "<s>"):
        wanted = tokenizer(text, add_special_tokens=False, split_special_tokens=True).input_ids
        assert not {1, 2} & set(model.encode(text))
        assert b"".join(map(model.piece, model.encode(text))).decode() == text
        assert len(model.encode(text)) <= len(wanted) + 4
        assert {1, 2} & set(model.encode(text, control=True))
    model.close()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("type", ["f32", "f16", "bf16", "q8_0"])
def test_every_type_is_near_the_model(
    folder: Any, tmp_path: Path, type: str, dtype: torch.dtype
) -> None:
    path, model, tokenizer = folder("llama", dtype=dtype)
    convert(path, tmp_path / "tiny.gguf", type)
    tokens = tokenizer(TEXT).input_ids
    # Loaded anew: `model.to(half)` has rounded its rotary frequencies too.
    exact = model.from_pretrained(path, dtype=torch.float32).eval()
    got, wanted = both_logits(tmp_path / "tiny.gguf", exact, tokens)
    bound = {"f32": 1e-5, "f16": 0.002, "bf16": 0.02, "q8_0": 0.06}[type]
    error = float(np.sqrt(((got - wanted) ** 2).mean()) / wanted.std())
    assert error < bound


def test_a_sharded_folder_converts_to_the_same_bytes(folder: Any, tmp_path: Path) -> None:
    path, model, _ = folder("llama")
    convert(path, tmp_path / "whole.gguf", "f16")
    (path / "model.safetensors").unlink()
    model.save_pretrained(path, max_shard_size="100KB")
    assert len(list(path.glob("*.safetensors"))) > 1
    convert(path, tmp_path / "shards.gguf", "f16")
    assert (tmp_path / "whole.gguf").read_bytes() == (tmp_path / "shards.gguf").read_bytes()


def test_small_blocks_write_the_same_bytes(
    folder: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _, _ = folder("llama", attention_bias=True)
    for type in ("f32", "q8_0"):
        convert(path, tmp_path / "large.gguf", type)
        with monkeypatch.context() as patch:
            patch.setattr("quantize.weights.BLOCK_VALUES", 100)
            convert(path, tmp_path / "small.gguf", type)
        assert (tmp_path / "large.gguf").read_bytes() == (tmp_path / "small.gguf").read_bytes()


def test_the_card_speaks_through_the_file(folder: Any, tmp_path: Path) -> None:
    entries = {
        "mrp.style": '{"语": "白话"}',
        "mrp.recipe": "mini",
        "mrp.commit": "abc",
        "mrp.no": "",
    }
    card = {"name": "xiyou-mini", "license": "apache-2.0", "gguf": entries, "losses": [1, 2]}
    path, _, _ = folder("llama", card=card)
    convert(path, tmp_path / "tiny.gguf", "f16")
    metadata = open_gguf(tmp_path / "tiny.gguf", vocab_only=True).metadata
    assert {key: metadata[key] for key in entries} == entries
    assert metadata["general.name"] == "xiyou-mini"
    assert metadata["general.license"] == "apache-2.0"


def test_the_tokens_around_a_text_are_those_of_the_folder(folder: Any, tmp_path: Path) -> None:
    path, _, tokenizer = folder("llama")
    convert(path, tmp_path / "tiny.gguf", "f16")
    llama = open_gguf(tmp_path / "tiny.gguf", vocab_only=True)
    assert llama.token_eos() == tokenizer.eos_token_id
    assert llama.metadata["tokenizer.ggml.padding_token_id"] == "0"
    assert llama.metadata["tokenizer.chat_template"] == tokenizer.chat_template
    # Nothing is put before a text unless the tokenizer does so itself.
    assert llama.tokenize(b"a", add_bos=True) == llama.tokenize(b"a", add_bos=False)


def test_a_tokenizer_that_begins_texts_does_so_in_llama_cpp(folder: Any, tmp_path: Path) -> None:
    path, _, _ = folder("llama")
    raw = json.loads((path / "tokenizer.json").read_text())
    raw["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [
            {"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}},
        ],
        "pair": [],
        "special_tokens": {},
    }
    (path / "tokenizer.json").write_text(json.dumps(raw))
    settings = json.loads((path / "tokenizer_config.json").read_text())
    settings["bos_token"] = "<|endoftext|>"
    (path / "tokenizer_config.json").write_text(json.dumps(settings))
    convert(path, tmp_path / "tiny.gguf", "f16")
    llama = open_gguf(tmp_path / "tiny.gguf", vocab_only=True)
    assert llama.tokenize(b"a", add_bos=True) == [0, *llama.tokenize(b"a", add_bos=False)]


def test_rows_beyond_the_vocabulary_are_unused_tokens(folder: Any, tmp_path: Path) -> None:
    path, model, tokenizer = folder("llama", extra_rows=8)
    done = convert(path, tmp_path / "tiny.gguf", "f32")
    assert any("8 rows" in note for note in done.notes)
    got, wanted = both_logits(tmp_path / "tiny.gguf", model, tokenizer(TEXT).input_ids)
    np.testing.assert_allclose(got, wanted, atol=1e-3)


def test_unmarked_tokens_that_look_like_markup_cannot_be_typed(folder: Any, tmp_path: Path) -> None:
    path, _, tokenizer = folder("llama", extra_rows=2)
    tokenizer.add_tokens(["<|fim_prefix|>", "<think>"])
    tokenizer.save_pretrained(path)
    convert(path, tmp_path / "tiny.gguf", "f16")
    llama = open_gguf(tmp_path / "tiny.gguf", vocab_only=True)
    prefix, think = len(tokenizer) - 2, len(tokenizer) - 1
    assert prefix not in llama.tokenize(b"<|fim_prefix|>", add_bos=False, special=False)
    assert llama.tokenize(b"<|fim_prefix|>", add_bos=False, special=True) == [prefix]
    assert llama.tokenize(b"<think>", add_bos=False, special=False) == [think]


def refuses(path: Path, output: Path, saying: str, type: str = "f16") -> None:
    with pytest.raises(ConvertError, match=saying):
        convert(path, output, type)
    assert not output.exists()
    assert not list(output.parent.glob(".*.part")), "no half file may stay behind"


def test_a_folder_that_is_missing_or_empty_is_named(tmp_path: Path) -> None:
    refuses(tmp_path / "none", tmp_path / "a.gguf", "is not a folder")
    (tmp_path / "empty").mkdir()
    refuses(tmp_path / "empty", tmp_path / "a.gguf", r"config\.json is missing")


def test_pickled_weights_are_refused(folder: Any, tmp_path: Path) -> None:
    path, _, _ = folder()
    (path / "model.safetensors").rename(path / "pytorch_model.bin")
    refuses(path, tmp_path / "a.gguf", "pickled weights")


def test_an_unknown_architecture_is_told_which_are_known(folder: Any, tmp_path: Path) -> None:
    path, _, _ = folder()
    config = json.loads((path / "config.json").read_text())
    config["architectures"] = ["MambaForCausalLM"]
    (path / "config.json").write_text(json.dumps(config))
    refuses(path, tmp_path / "a.gguf", "MambaForCausalLM.*known are LlamaForCausalLM")


@pytest.mark.parametrize("keep", [0, 4, 100, 20_000, -1])
def test_a_cut_off_safetensors_file_is_refused(folder: Any, tmp_path: Path, keep: int) -> None:
    path, _, _ = folder()
    weights = path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:keep])
    refuses(path, tmp_path / "a.gguf", "is cut off")


def test_a_missing_shard_is_named(folder: Any, tmp_path: Path) -> None:
    path, _, _ = folder(shard="100KB")
    sorted(path.glob("*.safetensors"))[1].unlink()
    refuses(path, tmp_path / "a.gguf", "model-00002-of.*is missing")


def test_a_tensor_that_is_missing_or_misshapen_is_named(folder: Any, tmp_path: Path) -> None:
    path, _, _ = folder()
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    refuses(path, tmp_path / "a.gguf", r"lack model\.layers\.2\.")
    (path / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 1}))
    refuses(path, tmp_path / "a.gguf", "do not belong")
    (path / "config.json").write_text(json.dumps({**config, "intermediate_size": 97}))
    refuses(path, tmp_path / "a.gguf", r"gate_proj.* has the shape \[96, 64\]")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_values_that_are_not_numbers_are_refused(
    folder: Any, tmp_path: Path, dtype: torch.dtype
) -> None:
    path, model, _ = folder(dtype=dtype)
    with torch.no_grad():
        model.model.layers[1].mlp.up_proj.weight[5, 7] = float("nan")
    model.save_pretrained(path)
    refuses(path, tmp_path / "a.gguf", r"layers\.1\.mlp\.up_proj.*NaN")


def test_values_too_large_for_f16_are_refused_there_only(folder: Any, tmp_path: Path) -> None:
    path, model, _ = folder()
    with torch.no_grad():
        model.model.layers[0].mlp.up_proj.weight[0, 0] = 1e6
    model.save_pretrained(path)
    refuses(path, tmp_path / "a.gguf", "65504")
    convert(path, tmp_path / "b.gguf", "bf16")


def edit_tokenizer(path: Path, **changes: Any) -> None:
    file = path / "tokenizer.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def test_a_tokenizer_llama_cpp_would_spell_differently_is_refused(
    folder: Any, tmp_path: Path
) -> None:
    path, _, _ = folder()
    original = (path / "tokenizer.json").read_text()
    for changes, saying in (
        ({"pre_tokenizer": {"type": "Whitespace"}}, "pre-tokenizer.*not known"),
        ({"pre_tokenizer": None}, "pre-tokenizer None"),
        ({"normalizer": {"type": "Lowercase"}}, "normalizer"),
        ({"model": {"type": "Unigram", "vocab": []}}, "'Unigram' is not known"),
    ):
        edit_tokenizer(path, **changes)
        refuses(path, tmp_path / "a.gguf", saying)
        (path / "tokenizer.json").write_text(original)
    (path / "tokenizer.json").unlink()
    refuses(path, tmp_path / "a.gguf", r"tokenizer\.json is missing")


def test_sentencepiece_that_llama_cpp_would_merge_otherwise_is_refused(
    folder: Any, tmp_path: Path
) -> None:
    path, _, _ = folder(split="pieces prepend")
    original = (path / "tokenizer.json").read_text()
    model = json.loads(original)["model"]
    without_byte = {token: n for token, n in model["vocab"].items() if token != "<0x0A>"}
    for changes, saying in (
        ({"model": {**model, "merges": model["merges"][:-1]}}, "not one made by SentencePiece"),
        ({"model": {**model, "vocab": without_byte}}, "<0x0A> is missing"),
        ({"normalizer": {"type": "NFKC"}}, "normalizer"),
    ):
        edit_tokenizer(path, **changes)
        refuses(path, tmp_path / "a.gguf", saying)
        (path / "tokenizer.json").write_text(original)
    (path / "tokenizer.json").rename(path / "tokenizer.model")
    refuses(path, tmp_path / "a.gguf", "tokenizer.model only")


def test_more_tokens_than_rows_are_refused(folder: Any, tmp_path: Path) -> None:
    path, _, tokenizer = folder()
    tokenizer.add_tokens(["<one-too-many>"])
    tokenizer.save_pretrained(path)
    refuses(path, tmp_path / "a.gguf", "one-too-many.*rows")


def test_a_card_cannot_overwrite_what_the_model_needs(folder: Any, tmp_path: Path) -> None:
    for entries, saying in (
        ({"llama.block_count": "9"}, "would overwrite"),
        ({"mrp.style": {"a": 1}}, "is not a text"),
        ({"MRP Style": "a"}, "cannot be a GGUF key"),
    ):
        path, _, _ = folder(card={"gguf": entries})
        refuses(path, tmp_path / "a.gguf", saying)


def test_a_refused_conversion_leaves_the_old_file(folder: Any, tmp_path: Path) -> None:
    path, model, _ = folder()
    convert(path, tmp_path / "a.gguf", "f16")
    before = (tmp_path / "a.gguf").read_bytes()
    with torch.no_grad():
        model.model.norm.weight[0] = float("inf")
    model.save_pretrained(path)
    with pytest.raises(ConvertError, match=r"model\.norm"):
        convert(path, tmp_path / "a.gguf", "f16")
    assert (tmp_path / "a.gguf").read_bytes() == before
    assert not list(tmp_path.glob(".*.part"))


def test_the_verb_prints_one_json_object_last(
    folder: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, _, _ = folder()
    output = tmp_path / "a.gguf"
    assert verb.main([str(path), "-o", str(output), "--type", "q8_0", "--json"]) == 0
    done = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert done["bytes"] == output.stat().st_size
    assert (done["architecture"], done["pre"], done["type"]) == ("llama", "gpt-2", "q8_0")
