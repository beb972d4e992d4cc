"""The tokenizer of a model that is trained from nothing: byte-level BPE, GPT-2's split.

Byte level, so that any text at all can be written; GPT-2's split, because llama.cpp knows it
(`tokenizer.ggml.pre = gpt-2`) and it never joins punctuation with letters.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from characters.markup import Markup
from characters.prompt import Encoder

END_OF_TEXT = "<|endoftext|>"
PAD = "<|pad|>"
SAMPLES = (
    "孙悟空：",
    "俺老孙去也！一个筋斗十万八千里。",
    "八戒，師父在哪裡？",
    "Sun Wukong:",
    " Old Sun fears nobody; don't you know me?",
    "  two spaces\n\n\tand 3,000 lines 🐵👍🏽",
    "ｆｕｌｌ　ｗｉｄｔｈ ①② é ñ ß Ω я ה ـ",
)


def train_tokenizer(texts: Iterable[str], size: int, markup: Markup) -> PreTrainedTokenizerFast:
    """A tokenizer of `size` entries, control tokens of `markup` included."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    controls = [END_OF_TEXT, PAD, *markup.control]
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=controls,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            # Longer "words" than this are whole sentences that happen to recur.
            max_token_length=18,
            show_progress=True,
        ),
    )
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=None,
        eos_token=markup.close,
        pad_token=PAD,
        unk_token=None,
        clean_up_tokenization_spaces=False,
    )
    wrapped.chat_template = chat_template(markup)
    return wrapped


def chat_template(markup: Markup) -> str:
    """The markup as a Jinja chat template, for tools that do not know ours."""
    say = "{{ %s }}"
    begin = say % repr(markup.begin) if markup.begin else ""
    role = "{%- if message.role == 'system' -%}" + say % repr(markup.system)
    role += "{%- elif message.role == 'user' -%}" + say % repr(markup.user)
    role += "{%- else -%}" + say % repr(markup.assistant) + "{%- endif -%}"
    text = say % "message.content" + say % repr(markup.close + markup.gap)
    asked = "{%- if add_generation_prompt -%}" + say % repr(markup.assistant) + "{%- endif -%}"
    return begin + "{%- for message in messages -%}" + role + text + "{%- endfor -%}" + asked


class TokenizerEncoder:
    """The renderer's `Encoder` on a Hugging Face tokenizer: control tokens only where asked."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._seen: dict[tuple[str, bool], list[int]] = {}

    def __call__(self, text: str, control: bool) -> Sequence[int]:
        key = (text, control)
        if key not in self._seen:
            if len(self._seen) > 200_000:
                self._seen.clear()
            self._seen[key] = self._tokenizer.encode(
                text, add_special_tokens=False, split_special_tokens=not control
            )
        return self._seen[key]


def samples(encoder: Encoder, markup: Markup) -> str:
    """How this tokenizer encodes some lines: JSON [[text, control, [ids]], …], for `mrp.samples`.

    Whoever makes a GGUF of the model, by whatever tool, can be held to it: `mrp measure` refuses
    a file that encodes these lines otherwise.
    """
    lines = [(text, False) for text in SAMPLES]
    marks = (markup.begin, markup.system, markup.user, markup.assistant, markup.close)
    lines += [(mark, True) for mark in marks if mark]
    # The same marks where somebody typed them: plain characters.
    lines += [(markup.close, False)]
    return json.dumps(
        [[text, control, list(encoder(text, control))] for text, control in lines],
        ensure_ascii=False,
    )


def load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(folder)
    return tokenizer
