"""From four files in the seed's shape and an InternLM2 checkpoint to a GGUF, one command a step."""

import json

import llama_cpp
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import mrp
from characters.card import load_cast
from characters.style import serving
from trainer.vocabulary import TokenizerEncoder
from trainer.watch import questions

LONG = 24  # tokens of greedy text


def by_transformers(model, ids: list[int]) -> list[int]:
    asked = torch.tensor([ids])
    out = model.generate(
        asked,
        attention_mask=torch.ones_like(asked),
        do_sample=False,
        max_new_tokens=LONG,
        min_new_tokens=LONG,
        pad_token_id=0,
        eos_token_id=None,
    )
    return out[0, len(ids) :].tolist()


def by_llama_cpp(model, ids: list[int]) -> list[int]:
    model.reset()
    model.eval(ids)
    said = []
    for _ in range(LONG):
        said.append(int(model.scores[model.n_tokens - 1].argmax()))
        model.eval(said[-1:])
    return said


def test_the_whole_journey(internlm2, seed_files, tuning, tmp_path):
    at = {name: str(tmp_path / name) for name in ("base", "lessons", "run", "model", "voice.gguf")}
    files = [str(file) for file in seed_files(tmp_path)]
    changes = {"folder": json.dumps(at["base"]), "lessons": json.dumps(at["lessons"])}
    recipe = tuning(tmp_path / "r.toml", **changes, epochs="1", sample_tokens="1")

    assert mrp.main(["base", str(internlm2()), "-o", at["base"]]) == 0
    assert mrp.main(["lessons", "mix", *files, "-o", at["lessons"]]) == 0
    assert mrp.main(["train", str(recipe), "-o", at["run"]]) == 0
    assert mrp.main(["merge", at["run"], "-o", at["model"], "--max-shard-size", "200KB"]) == 0
    assert mrp.main(["convert", at["model"], "-o", at["voice.gguf"], "--type", "f32"]) == 0

    merged = AutoModelForCausalLM.from_pretrained(at["model"], dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(at["model"])
    llama = llama_cpp.Llama(
        at["voice.gguf"],
        n_ctx=256,
        n_threads=1,
        n_threads_batch=1,
        logits_all=True,
        verbose=False,
        type_k=llama_cpp.GGML_TYPE_F32,
        type_v=llama_cpp.GGML_TYPE_F32,
    )
    told = serving(llama.metadata)
    assert told.style.markup.name == "internlm2", "the GGUF says how it was taught"
    asked = questions(list(load_cast())[:4], told.style, TokenizerEncoder(tokenizer))
    for who, ids in asked.items():
        said = by_transformers(merged, ids)
        assert len(set(said)) > 3, "it says something"
        assert by_llama_cpp(llama, ids) == said, who
        # A random model writes half characters, which the two spell out in their own ways.
        names = tokenizer.convert_ids_to_tokens(said)
        whole = [token for token, name in zip(said, names, strict=True) if name[:3] != "<0x"]
        assert llama.detokenize(whole, special=True).decode() == tokenizer.decode(whole)
    for text in (
        "悟空，你怕不怕 the monkey king？",
        "🐒 12 3.14",
        "</s><|im_end|>",
        "  def f(x):\n",
    ):
        ours = tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
        assert llama.tokenize(text.encode(), add_bos=False, special=False) == ours, text
    for text, control, ids in json.loads(llama.metadata["mrp.samples"]):
        assert llama.tokenize(text.encode(), add_bos=False, special=control) == ids, text
