"""An InternLM2 checkpoint in the layout that transformers' Llama has (`mrp base FOLDER -o OUT`).

transformers has no InternLM2 of its own, and code that comes with weights is never run here. The
network is Llama's under other names, but for one thing: query, key and value are one matrix
`wqkv`, laid out by key-value group, rows [groups, queries a group + 2, head width]: the queries of
a group, then its key, then its value. Source of names and layout: modeling_internlm2.py of the
published checkpoints (github.com/InternLM/InternLM, Apache-2.0).

The tokenizer is SentencePiece BPE (tokenizer.model) with chat tokens that tokenizer_config.json
puts in the place of unused pieces; it becomes a tokenizer.json that says the same ids.

Weights go tensor by tensor, so memory stays at one tensor, whatever the model's size.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentencepiece import sentencepiece_model_pb2
from torch import Tensor
from transformers import LlamaConfig, PreTrainedTokenizerFast

from characters.markup import INTERNLM2
from trainer import sentencepiece, shards
from trainer.sentencepiece import BYTE, CONTROL, Pieces
from trainer.shards import Planned, Weights, WeightsError
from trainer.vocabulary import chat_template


@dataclass(frozen=True, slots=True)
class Shape:
    """What config.json says of the network. `groups` are key-value heads."""

    width: int
    layers: int
    heads: int
    groups: int
    feed_forward: int
    vocabulary: int
    bias: bool

    @property
    def head_width(self) -> int:
        return self.width // self.heads

    @property
    def queries(self) -> int:
        """Query heads that share one key-value head."""
        return self.heads // self.groups


def read_shape(config: Mapping[str, Any], file: Path) -> Shape:
    """Raises WeightsError: another model than InternLM2, or sizes that do not go together."""
    if config.get("model_type") != "internlm2":
        raise WeightsError(
            f"{file}: model_type is {config.get('model_type')!r}, not 'internlm2'; Llama and Qwen "
            "folders are trained as they are"
        )
    try:
        shape = Shape(
            width=int(config["hidden_size"]),
            layers=int(config["num_hidden_layers"]),
            heads=int(config["num_attention_heads"]),
            groups=int(config.get("num_key_value_heads") or config["num_attention_heads"]),
            feed_forward=int(config["intermediate_size"]),
            vocabulary=int(config["vocab_size"]),
            bias=bool(config.get("bias", False)),
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise WeightsError(f"{file}: a size is missing or no number: {problem}") from problem
    if shape.heads % shape.groups or shape.width % shape.heads:
        raise WeightsError(
            f"{file}: {shape.heads} heads of {shape.width} do not divide into {shape.groups} groups"
        )
    return shape


def split(fused: Tensor, shape: Shape) -> dict[str, Tensor]:
    """`wqkv` (rows, columns) or its bias (rows) as query, key and value of Llama's projections."""
    rest = fused.shape[1:]
    grouped = fused.reshape(shape.groups, shape.queries + 2, shape.head_width, *rest)
    return {
        "q_proj": grouped[:, :-2].reshape(-1, *rest),
        "k_proj": grouped[:, -2].reshape(-1, *rest),
        "v_proj": grouped[:, -1].reshape(-1, *rest),
    }


_PLAIN = {  # InternLM2's names -> Llama's, where nothing but the name changes
    "attention.wo": "self_attn.o_proj",
    "feed_forward.w1": "mlp.gate_proj",
    "feed_forward.w3": "mlp.up_proj",
    "feed_forward.w2": "mlp.down_proj",
    "attention_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}


def plan(shape: Shape, weights: Weights) -> list[Planned]:
    """Every tensor of the Llama layout, in the order it is written.

    Raises:
        WeightsError: a tensor is missing, has another shape, or is left over.
    """
    left = set(weights.entries)
    planned: list[Planned] = []

    def take(old: str, new: str, shape_there: tuple[int, ...]) -> None:
        entry = weights.entry(old)
        left.discard(old)
        _same_shape(old, entry.shape, shape_there)
        planned.append(Planned(new, entry.dtype, entry.shape, lambda: weights[old]))

    def take_fused(old: str, new: str, ending: str, columns: tuple[int, ...]) -> None:
        name = f"{old}.{ending}"
        entry = weights.entry(name)
        left.discard(name)
        rows = {"q_proj": shape.heads, "k_proj": shape.groups, "v_proj": shape.groups}
        _same_shape(name, entry.shape, (sum(rows.values()) * shape.head_width, *columns))
        for part, heads in rows.items():
            planned.append(
                Planned(
                    f"{new}.{part}.{ending}",
                    entry.dtype,
                    (heads * shape.head_width, *columns),
                    lambda part=part: split(weights[name], shape)[part],  # type: ignore[misc]
                )
            )

    d, f = shape.width, shape.feed_forward
    sizes = {
        "attention.wo": (d, d),
        "feed_forward.w1": (f, d),
        "feed_forward.w3": (f, d),
        "feed_forward.w2": (d, f),
        "attention_norm": (d,),
        "ffn_norm": (d,),
    }
    take("model.tok_embeddings.weight", "model.embed_tokens.weight", (shape.vocabulary, d))
    for layer in range(shape.layers):
        there = here = f"model.layers.{layer}"
        take_fused(f"{there}.attention.wqkv", f"{here}.self_attn", "weight", (d,))
        if shape.bias:
            take_fused(f"{there}.attention.wqkv", f"{here}.self_attn", "bias", ())
            take(f"{there}.attention.wo.bias", f"{here}.self_attn.o_proj.bias", (d,))
        for old, new in _PLAIN.items():
            take(f"{there}.{old}.weight", f"{here}.{new}.weight", sizes[old])
    take("model.norm.weight", "model.norm.weight", (d,))
    take("output.weight", "lm_head.weight", (shape.vocabulary, d))
    left = {name for name in left if not name.endswith("rotary_emb.inv_freq")}
    if left:
        raise WeightsError(f"{len(left)} tensors are no part of InternLM2: {sorted(left)[0]}")
    return planned


def _same_shape(name: str, found: tuple[int, ...], asked: tuple[int, ...]) -> None:
    if found != asked:
        raise WeightsError(
            f"{name} has the shape {list(found)}, but config.json asks for {list(asked)}"
        )


def llama_config(config: Mapping[str, Any], shape: Shape) -> LlamaConfig:
    """The same network as a Llama. Dynamic rope scaling keeps its name: the formula is the same."""
    scaling = config.get("rope_scaling") or {}
    rope: dict[str, Any] = {"rope_theta": float(config.get("rope_theta", 10_000))}
    rope["rope_type"] = scaling.get("type", scaling.get("rope_type", "default"))
    if rope["rope_type"] != "default":
        rope["factor"] = float(scaling.get("factor", 1.0))
    return LlamaConfig(
        architectures=["LlamaForCausalLM"],
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.groups,
        max_position_embeddings=int(config.get("max_position_embeddings", 2048)),
        rms_norm_eps=float(config.get("rms_norm_eps", 1e-5)),
        rope_parameters=rope,
        attention_bias=shape.bias,
        tie_word_embeddings=False,
        dtype=config.get("torch_dtype") or config.get("dtype"),
    )


# --- tokenizer -------------------------------------------------------------------------------


def read_tokenizer(folder: Path, rows: int) -> tuple[PreTrainedTokenizerFast, list[str]]:
    """The checkpoint's tokenizer, and notes for the reader.

    Raises:
        WeightsError: tokenizer.model is missing, broken, no BPE, or larger than the embedding.
    """
    proto = _read_proto(folder / "tokenizer.model")
    settings = _optional(folder / "tokenizer_config.json")
    added = _added_tokens(folder, settings)
    notes = _differences(proto)
    pieces = [piece.piece for piece in proto.pieces]
    kinds = [piece.type for piece in proto.pieces]
    for number, token in sorted(added.items()):
        if number < len(pieces):  # in the place of a piece that nobody uses
            pieces[number], kinds[number] = token, CONTROL
        elif number == len(pieces):
            pieces.append(token)
            kinds.append(CONTROL)
        else:
            raise WeightsError(f"{folder}: the added token {token!r} ({number}) leaves a gap")
    if len(pieces) > rows:
        raise WeightsError(
            f"{folder}: {len(pieces)} tokens, but the embedding has {rows} rows; tokenizer and "
            "weights are not of one model"
        )
    # An added token has no score of its own, and as a control piece needs none.
    scores = [piece.score for piece in proto.pieces] + [0.0] * (len(pieces) - len(proto.pieces))
    spec = proto.trainer_spec
    begin = pieces[spec.bos_id]
    tokenizer = sentencepiece.tokenizer(
        Pieces(
            texts=pieces,
            kinds=kinds,
            scores=scores,
            unknown=spec.unk_id,
            begin=spec.bos_id,
            prefix=bool(proto.normalizer_spec.add_dummy_prefix),
        )
    )
    chat = INTERNLM2.close in pieces
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=begin,
        eos_token=INTERNLM2.close if chat else pieces[proto.trainer_spec.eos_id],
        unk_token=pieces[proto.trainer_spec.unk_id],
        pad_token=pieces[proto.trainer_spec.eos_id],
        clean_up_tokenization_spaces=False,
    )
    if chat:
        wrapped.chat_template = chat_template(INTERNLM2)
    else:
        notes.append("the tokenizer has no chat tokens: this is a base model, not a chat model")
    return wrapped, notes


def _read_proto(file: Path) -> Any:
    if not file.is_file():
        raise WeightsError(f"{file}: is missing")
    proto: Any = sentencepiece_model_pb2.ModelProto()  # type: ignore[attr-defined]
    try:
        proto.ParseFromString(file.read_bytes())
    except Exception as problem:  # protobuf's DecodeError lives in a package we do not name
        raise WeightsError(f"{file}: no SentencePiece model ({problem})") from problem
    if proto.trainer_spec.model_type != proto.trainer_spec.BPE:
        raise WeightsError(f"{file}: not a BPE model; InternLM2's is")
    if not any(piece.type == BYTE for piece in proto.pieces):
        raise WeightsError(f"{file}: has no byte pieces; InternLM2's has 256")
    return proto


def _differences(proto: Any) -> list[str]:
    """What SentencePiece would do to a text and tokenizer.json (and llama.cpp) will not."""
    notes = []
    if proto.normalizer_spec.precompiled_charsmap:
        notes.append(f"texts are not normalised ({proto.normalizer_spec.name}) as the model's were")
    if proto.normalizer_spec.remove_extra_whitespaces:
        notes.append("runs of spaces stay, where SentencePiece would make one of them")
    return notes


def _optional(file: Path) -> Mapping[str, Any]:
    return shards.read_json(file) if file.is_file() else {}


def _added_tokens(folder: Path, settings: Mapping[str, Any]) -> dict[int, str]:
    """Id -> token of all that was added to the SentencePiece model."""
    added = {
        int(number): str(token["content"] if isinstance(token, dict) else token)
        for number, token in (settings.get("added_tokens_decoder") or {}).items()
    }
    told = _optional(folder / "added_tokens.json")
    return added | {int(number): str(token) for token, number in told.items()}


# --- the folder ------------------------------------------------------------------------------

_COPIED = re.compile(r"(?i)(licen[cs]e|notice)([.].*)?")


def convert(folder: Path, out: Path, *, limit: int, shown: bool = False) -> dict[str, Any]:
    """Write the Llama layout of an InternLM2 `folder` as a new folder `out`. Returns its card.

    Raises:
        WeightsError: see `Weights`, `plan` and `read_tokenizer`; or `out` is there or has no room.
    """
    weights = Weights(folder)  # first: it says best what is wrong with a folder
    config = shards.read_json(folder / "config.json")
    shape = read_shape(config, folder / "config.json")
    planned = plan(shape, weights)
    tokenizer, notes = read_tokenizer(folder, shape.vocabulary)
    made = llama_config(config, shape)
    for role in ("bos", "eos", "pad"):
        setattr(made, f"{role}_token_id", getattr(tokenizer, f"{role}_token_id"))
    tokenizer.model_max_length = made.max_position_embeddings
    with shards.aside(out) as part:
        names = shards.write(part, planned, limit, what="writing", shown=shown)
        made.save_pretrained(part)
        tokenizer.save_pretrained(part)
        for file in _licences(folder):
            (part / file.name).write_bytes(file.read_bytes())
        card = {
            "name": folder.resolve().name,
            "made_by": "mrp base",
            "from": {"model_type": "internlm2", "name": folder.resolve().name},
            "parameters": sum(_count(one.shape) for one in planned),
            "shards": names,
            "notes": notes,
        }
        (part / "card.json").write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n")
    return card


def _licences(folder: Path) -> Iterator[Path]:
    """A converted model is a derived work: its licence goes with it."""
    yield from (f for f in sorted(folder.iterdir()) if f.is_file() and _COPIED.fullmatch(f.name))


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for side in shape:
        count *= side
    return count
