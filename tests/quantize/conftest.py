"""Tiny models with random weights, made as trainers make them, and lines to spell."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from quantize.vocabulary import LLAMA3, QWEN2

CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
)
# A few lines of our own, enough for merges in every script that the tests spell.
CORPUS = [
    "悟空举起铁棒，喝道：“妖怪，往哪里走！”",
    "八戒哼了一声：“师兄，我肚子饿了，先吃饭罢。”",
    "唐僧合掌道：“悟净，你去看看前面是甚么山。”",
    "沙僧挑着担子，慢慢地说：“师父，天要黑了。”",
    "The monkey didn't wait; he'd already jumped, and they're all running after him.",
    "I've told you, we'll walk 108 miles today, it's 3.14 times farther than 2026.",
    "def walk(steps: int) -> str:\n    return 'west' * steps  # keep going\n\n\n",
    "🐒🐷🙏🏽👨‍👩‍👧 🚀 ✅ 走吧!!! …… —— ~~ ///",
] * 4
_KINDS: dict[str, tuple[Any, Any]] = {
    "llama": (LlamaConfig, LlamaForCausalLM),
    "mistral": (MistralConfig, MistralForCausalLM),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM),
    "qwen3": (Qwen3Config, Qwen3ForCausalLM),
}


def tiny_tokenizer(split: str = "gpt-2") -> PreTrainedTokenizerFast:
    """Byte-level BPE with the word split of one family."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=split == "llama-bpe"))
    if split == "gpt-2":
        pre: Any = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    else:
        pattern = Regex(QWEN2 if split == "qwen2" else LLAMA3)
        pre = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(pattern, behavior="isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
    if split == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        min_frequency=1,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=list(CONTROL),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    fast.chat_template = TEMPLATE
    return fast


def tiny_pieces(form: str, extra: tuple[str, ...] = ()) -> PreTrainedTokenizerFast:
    """SentencePiece BPE as transformers converts it: every way to make a token is a merge.

    `form`: how spaces are written: "prepend" (Llama 2's normalizer), "replace" (no space before a
    text) or a prepend scheme of Metaspace. `extra` pieces come last.
    """
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=500, min_frequency=1, show_progress=False)
    trained.train_from_iterator(CORPUS, trainer)
    learned = sorted(trained.get_vocab().items(), key=lambda item: item[1])
    learned += [(token, 0) for token in extra if token not in trained.get_vocab()]
    names = ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"]
    names += [f"<0x{n:02X}>" for n in range(256)] + [token for token, _ in learned]
    vocabulary = {token: number for number, token in enumerate(names)}
    merges = [
        (token[:cut], token[cut:])
        for token, _ in learned
        for cut in range(1, len(token))
        if token[:cut] in vocabulary and token[cut:] in vocabulary
    ]
    tokenizer = Tokenizer(
        models.BPE(vocabulary, merges, byte_fallback=True, fuse_unk=True, unk_token="<unk>")
    )
    replace = normalizers.Replace(" ", "▁")
    if form == "prepend":
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), replace])
    elif form == "replace":
        tokenizer.normalizer = replace
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=form, split=False)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    tokenizer.add_special_tokens([AddedToken(t, normalized=False) for t in names[:5]])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )


def tiny_model(kind: str, vocabulary: int, **changes: Any) -> Any:
    """A random model. Norms and biases are random too, so that a mix-up shows."""
    torch.manual_seed(7)
    config_class, model_class = _KINDS[kind]
    settings: dict[str, Any] = {
        "vocab_size": vocabulary,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": 2,
        "pad_token_id": 0,
        **changes,
    }
    model = model_class(config_class(**settings))
    with torch.no_grad():
        for name, values in model.named_parameters():
            values.normal_(1.0 if "norm" in name else 0.0, 0.3 if values.dim() == 1 else 0.15)
    return model.eval()


Folder = Callable[..., tuple[Path, Any, PreTrainedTokenizerFast]]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Makes a Hugging Face folder: (path, transformers model, transformers tokenizer)."""

    def make(
        kind: str = "llama",
        split: str = "gpt-2",
        card: dict[str, Any] | None = None,
        extra_rows: int = 0,
        shard: str | None = None,
        dtype: torch.dtype = torch.float32,
        **changes: Any,
    ) -> tuple[Path, Any, PreTrainedTokenizerFast]:
        path = tmp_path / "tiny"
        pieces = split.removeprefix("pieces ")
        extra = ("<", ">", "</", "s>") if pieces == "closing" else ()
        form = "replace" if extra else pieces
        tokenizer = tiny_pieces(form, extra) if pieces != split else tiny_tokenizer(split)
        model = tiny_model(kind, len(tokenizer) + extra_rows, **changes).to(dtype)
        model.save_pretrained(path, **({"max_shard_size": shard} if shard else {}))
        tokenizer.save_pretrained(path)
        if card is not None:
            (path / "card.json").write_text(json.dumps(card), encoding="utf-8")
        return path, model, tokenizer

    return make


@pytest.fixture(scope="session")
def lines() -> list[str]:
    """10,000 lines of Chinese, English, emoji, code, white space and text like control tokens."""
    chosen = random.Random(1)
    pieces = [
        *"的一是不了人我在有他这中大来上个国到说们〇㐀𠀀𪚥鑿龘々『』「」，。！？：；……——～·％",
        *["悟空", "八戒", "老孙", "师父", "妖怪", "甚么", "罢了", "（笑）", "“走！”"],
        *["the", "Monkey", "king", "isn't", "I'M", "WE'LL", "they'Re", "he'd", "don't", "x'y", "'"],
        *["0", "7", "42", "1,000", "3.14", "２０２６", "Ⅷ", "½", "²", "12345678", "٣"],
        *["🐒", "🙏🏽", "👨‍👩‍👧", "❤️", "🇨🇳", "✅", "🚀🚀", "㊗️"],
        *["def f(x):", "->", "{}", "[0]", "==", "!=", "//", "/* */", "\\n", "`a`", "$x", "#!", "_"],
        *[
            " ",
            "  ",
            "   ",
            "\t",
            "\n",
            "\n\n",
            "\r\n",
            " \n ",
            "\u00a0",
            "\u3000",
            "\t\t ",
            "\u200b",
        ],
        *CONTROL,
        *["<|im_end", "|>", "<|", "<|im_start|", "<|im_end|>\n", "< |im_end| >", "<|IM_END|>"],
        *["<s>", "</s>", "[PAD3]", "<think>", "Ġ", "Ċ", "ä½ł"],
        *[
            "é",
            "ñ",
            "ß",
            "Привет",
            "привет",
            "สวัสดี",
            "مرحبا",
            "한국어",
            "かな",
            "カナ",
            "हिन्दी",
            "Ǆ",
        ],
        *["\x00", "\x07", "\x1b[0m", "\x7f", "\ufeff", "\ufffd", "\u2028"],
    ]
    return ["".join(chosen.choices(pieces, k=chosen.randint(1, 24))) for _ in range(10_000)]


EVERY = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def adapted(model: Any, folder: Path, **options: Any) -> Any:
    """The model with a random adapter on all its matrices, saved in `folder`."""
    torch.manual_seed(3)
    options = {"r": 4, "lora_alpha": 12, "target_modules": EVERY, **options}
    tuned = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **options))
    with torch.no_grad():
        for name, values in tuned.named_parameters():
            if "lora_" in name:
                values.normal_(0.0, 0.2)
    tuned.save_pretrained(folder)
    return tuned.eval()
