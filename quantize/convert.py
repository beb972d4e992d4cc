"""`mrp convert`: a Hugging Face folder becomes one GGUF file that llama.cpp runs.

    mrp convert models/build/mini -o models/build/mini-f16.gguf --type f16
    mrp convert runs/voice/adapter --base models/qwen3-4b -o voice-lora.gguf --type f16

The folder holds config.json, *.safetensors, tokenizer.json and, where there is one, a card.json:
its `name` and `license` become the file's, and each entry of its object `gguf` is written as a
string under its own key. Nothing in the folder is ever run.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from gguf import GGUFWriter
from gguf.constants import GGML_QUANT_SIZES, GGUFValueType, LlamaFileType, RopeScalingType
from gguf.constants import GGMLQuantizationType as Kind
from gguf.quants import quantize
from gguf.utility import size_label
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from engine.adapter import BASE_NAME, FINGERPRINT, NORM, fingerprint
from quantize import adapter, vocabulary, weights
from quantize.architecture import IGNORED_ENDINGS, Architecture, Part
from quantize.aside import aside
from quantize.error import ConvertError
from quantize.vocabulary import Vocabulary
from quantize.weights import Tensor, read_json, to_float32

TYPES: dict[str, tuple[Kind, LlamaFileType]] = {
    "f32": (Kind.F32, LlamaFileType.ALL_F32),
    "f16": (Kind.F16, LlamaFileType.MOSTLY_F16),
    "bf16": (Kind.BF16, LlamaFileType.MOSTLY_BF16),
    "q8_0": (Kind.Q8_0, LlamaFileType.MOSTLY_Q8_0),
}
_CARD_KEY = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,127}")


@dataclass(frozen=True, slots=True)
class Conversion:
    """What was written: `parameters` counted, `bytes` on disk, `notes` for the reader."""

    path: str
    type: str
    architecture: str
    pre: str
    tensors: int
    parameters: int
    bytes: int
    seconds: float
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """One tensor on its way: where it comes from, what it is in the model, how it is stored, and
    what its values are multiplied with."""

    part: Part
    source: Tensor
    kind: Kind
    factor: float = 1.0

    @property
    def bytes(self) -> int:
        values, width = GGML_QUANT_SIZES[self.kind]
        return int(math.prod(self.part.shape) // values * width)


def convert(folder: Path, output: Path, type: str = "f16", progress: bool = False) -> Conversion:
    """Write `output` from a Hugging Face `folder`; it appears under its name only when complete.

    Memory stays within a few blocks of `weights.BLOCK_VALUES` values, whatever the model's size.
    One-dimensional tensors stay float32; with "q8_0" a tensor whose rows are no multiple of 32 is
    stored as f16. Raises ConvertError for anything wrong in the folder or with the disk.
    """
    begun = time.monotonic()
    if not folder.is_dir():
        raise ConvertError(f"{folder} is not a folder")
    config = read_json(folder / "config.json")
    architecture = Architecture.from_config(config)
    pieces = _match(architecture, weights.find(folder), TYPES[type][0])
    words = vocabulary.read(folder, architecture.vocabulary, config)
    factors = architecture.frequency_factors()
    parameters = sum(math.prod(piece.part.shape) for piece in pieces)

    writer = GGUFWriter(path=None, arch=architecture.family.gguf)
    writer.add_type("model")
    writer.add_size_label(size_label(parameters, parameters, 0, 0))
    _describe(writer, architecture)
    writer.add_file_type(TYPES[type][1])
    writer.add_quantization_version(2)
    _spell(writer, words)
    _sign(writer, folder)
    if factors is not None:
        writer.add_tensor_info("rope_freqs.weight", factors.shape, factors.dtype, factors.nbytes)
    write(writer, pieces, output, progress, first=factors)
    return Conversion(
        path=str(output),
        type=type,
        architecture=architecture.family.gguf,
        pre=words.pre,
        tensors=len(pieces) + (factors is not None),
        parameters=parameters,
        bytes=output.stat().st_size,
        seconds=round(time.monotonic() - begun, 2),
        notes=architecture.notes + words.notes,
    )


def write(
    writer: GGUFWriter,
    pieces: Sequence[Piece],
    output: Path,
    progress: bool,
    first: npt.NDArray[Any] | None = None,
) -> None:
    """Write the file block by block; it appears under its name only when complete. `first` are
    the values of a tensor that was announced before the pieces."""
    for piece in pieces:
        writer.add_tensor_info(
            piece.part.name,
            piece.part.shape,
            np.dtype(np.float32),  # raw_dtype is what counts
            piece.bytes,
            raw_dtype=piece.kind,
        )
    total = sum(piece.bytes for piece in pieces)
    with aside(output, total, ConvertError) as path:
        writer.write_header_to_file(path)
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        assert writer.fout is not None
        file = writer.fout[0]
        try:
            writer.write_padding(file, file.tell())
            if first is not None:
                file.write(first.tobytes())
                writer.write_padding(file, first.nbytes)
            with _bar(total, progress) as advance:
                for piece in pieces:
                    for block in blocks(piece):
                        file.write(block.data)
                        advance(block.nbytes)
                    writer.write_padding(file, piece.bytes)
            file.flush()
            os.fsync(file.fileno())
        finally:
            writer.close()


def convert_adapter(
    folder: Path, base: Path | None, output: Path, type: str = "f32", progress: bool = False
) -> Conversion:
    """Write `output`, an adapter GGUF, from a PEFT LoRA `folder` and its base's config.json.

    `base` None: the folder that adapter_config.json names. Raises ConvertError for an adapter that
    llama.cpp cannot apply, saying why.
    """
    begun = time.monotonic()
    told = adapter.read(folder)
    home = base or Path(str(told.config.get("base_model_name_or_path") or ""))
    if not (home / "config.json").is_file():
        raise ConvertError(f"{folder}: name the folder of its base model (--base); {home} is none")
    architecture = Architecture.from_config(read_json(home / "config.json"))
    kind = TYPES[type][0]
    pieces = [
        Piece(one.part, one.source, _fitting(kind, one.part), one.factor)
        for one in adapter.halves(told, architecture, weights.find(folder))
    ]
    writer = GGUFWriter(path=None, arch=architecture.family.gguf)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", told.alpha)
    writer.add_file_type(TYPES[type][1])
    _sign(writer, folder)
    notes = _name_base(writer, home, architecture)
    write(writer, pieces, output, progress)
    return Conversion(
        path=str(output),
        type=type,
        architecture=architecture.family.gguf,
        pre="",
        tensors=len(pieces),
        parameters=sum(math.prod(piece.part.shape) for piece in pieces),
        bytes=output.stat().st_size,
        seconds=round(time.monotonic() - begun, 2),
        notes=notes,
    )


def _name_base(writer: GGUFWriter, home: Path, architecture: Architecture) -> tuple[str, ...]:
    """Write which base an adapter belongs to: its name, and the fingerprint of its norm weights
    where the folder has them. Returns notes."""
    card = read_json(home / "card.json") if (home / "card.json").is_file() else {}
    writer.add_uint32("general.base_model.count", 1)
    writer.add_string(BASE_NAME, str(card.get("name") or home.resolve().name))
    if not any(home.glob("*.safetensors")):
        return (f"{home} has no weights, so the adapter cannot be told from one of another base",)
    found = weights.find(home)
    norms = [
        (part.name, b"".join(to_float32(block).tobytes() for block in found[part.source].blocks()))
        for part in architecture.parts()
        if part.name.endswith(NORM) and part.source in found
    ]
    writer.add_string(FINGERPRINT, fingerprint(norms))
    return ()


def _match(architecture: Architecture, found: Mapping[str, Tensor], kind: Kind) -> list[Piece]:
    """Pair what the model consists of with what the folder has; nothing may be left over."""
    left = {name for name in found if not name.endswith(IGNORED_ENDINGS)}
    if architecture.tied:
        left.discard("lm_head.weight")
    pieces = []
    for part in architecture.parts():
        tensor = found.get(part.source)
        if tensor is None:
            if part.optional:
                continue
            raise ConvertError(f"the weights lack {part.source}")
        left.discard(part.source)
        if tensor.shape != part.shape:
            raise ConvertError(
                f"{tensor.path}: {part.source} has the shape {list(tensor.shape)}, but config.json "
                f"asks for {list(part.shape)}"
            )
        if tensor.dtype not in weights.WIDTHS:
            raise ConvertError(
                f"{tensor.path}: {part.source} is {tensor.dtype}; known are "
                f"{', '.join(weights.WIDTHS)}"
            )
        pieces.append(Piece(part, tensor, _fitting(kind, part)))
    if left:
        raise ConvertError(
            f"{len(left)} tensors do not belong to {architecture.family.gguf}: "
            f"{', '.join(sorted(left)[:3])}"
        )
    return pieces


def _fitting(kind: Kind, part: Part) -> Kind:
    """How a tensor is stored where `kind` is asked for: Q8_0 needs rows of a multiple of 32."""
    if len(part.shape) == 1:
        return Kind.F32
    if kind == Kind.Q8_0 and part.shape[1] % 32:
        return Kind.F16
    return kind


def blocks(piece: Piece) -> Iterator[npt.NDArray[Any]]:
    """The tensor's values as they are stored, block by block, C-contiguous."""
    turn = piece.part.interleave
    flat = len(piece.part.shape) == 1
    # A bias is one row for the file, but its values turn as rows do.
    for block in piece.source.blocks(multiple=1 if flat else max(1, turn)):
        if turn:
            block = interleave(block.reshape(-1, 1) if flat else block, turn).reshape(block.shape)
        yield np.ascontiguousarray(_stored(block, piece))


def interleave(rows: npt.NDArray[Any], head: int) -> npt.NDArray[Any]:
    """Reorder rows [n·head, columns] in each head: 0, head/2, 1, head/2 + 1, …

    transformers rotates channel i with i + head/2, llama.cpp's Llama graph 2i with 2i + 1.
    """
    columns = rows.shape[1]
    return rows.reshape(-1, 2, head // 2, columns).swapaxes(1, 2).reshape(-1, columns)


def _stored(block: npt.NDArray[Any], piece: Piece) -> npt.NDArray[Any]:
    source, kind = piece.source.dtype, piece.kind
    if piece.factor == 1 and (source, kind) in (("F16", Kind.F16), ("BF16", Kind.BF16)):
        return block
    values = to_float32(block)
    if piece.factor != 1:
        values = values * np.float32(piece.factor)
    if kind == Kind.F32:
        return values
    if kind == Kind.F16:
        with np.errstate(over="ignore"):
            small = values.astype(np.float16)
        if not weights.finite(small, "F16"):
            raise ConvertError(
                f"{piece.source.name} holds values beyond ±65504, which f16 cannot; "
                "use --type bf16 or f32"
            )
        return small
    packed: npt.NDArray[Any] = quantize(values, kind)
    return packed


def _describe(writer: GGUFWriter, model: Architecture) -> None:
    """The shape of the model, under the architecture's own prefix."""
    writer.add_vocab_size(model.vocabulary)
    writer.add_context_length(model.context)
    writer.add_embedding_length(model.width)
    writer.add_block_count(model.layers)
    writer.add_feed_forward_length(model.feed_forward)
    writer.add_head_count(model.heads)
    writer.add_head_count_kv(model.kv_heads)
    writer.add_layer_norm_rms_eps(model.norm_epsilon)
    if model.head_width_given:
        writer.add_key_length(model.head_width)
        writer.add_value_length(model.head_width)
    writer.add_rope_dimension_count(model.head_width)
    writer.add_rope_freq_base(model.rope.theta)
    numbers = model.rope.numbers
    if model.rope.kind in ("linear", "yarn"):
        writer.add_rope_scaling_type(RopeScalingType(model.rope.kind))
        writer.add_rope_scaling_factor(numbers["factor"])
    if model.rope.kind == "yarn":
        writer.add_rope_scaling_orig_ctx_len(int(numbers["original_max_position_embeddings"]))
        optional = {
            "extrapolation_factor": writer.add_rope_scaling_yarn_ext_factor,
            "attention_factor": writer.add_rope_scaling_yarn_attn_factor,
            "beta_fast": writer.add_rope_scaling_yarn_beta_fast,
            "beta_slow": writer.add_rope_scaling_yarn_beta_slow,
        }
        for key, add in optional.items():
            if key in numbers:
                add(numbers[key])


def _spell(writer: GGUFWriter, words: Vocabulary) -> None:
    """The tokenizer."""
    writer.add_tokenizer_model(words.model)
    writer.add_tokenizer_pre(words.pre)
    writer.add_token_list(words.tokens)
    writer.add_token_types(words.kinds)
    if words.merges:
        writer.add_token_merges(words.merges)
    if words.scores:
        writer.add_token_scores(words.scores)
    if words.space_prefix is not None:
        writer.add_add_space_prefix(words.space_prefix)
    add = {
        "bos": writer.add_bos_token_id,
        "eos": writer.add_eos_token_id,
        "eot": writer.add_eot_token_id,
        "unk": writer.add_unk_token_id,
        "pad": writer.add_pad_token_id,
    }
    for role, number in words.special.items():
        add[role](number)
    writer.add_add_bos_token(words.add_bos)
    writer.add_add_eos_token(words.add_eos)
    if words.template:
        writer.add_chat_template(words.template)


def _sign(writer: GGUFWriter, folder: Path) -> None:
    """Name, licence and the card's own entries, so that the file says where it comes from."""
    path = folder / "card.json"
    card = read_json(path) if path.is_file() else {}
    writer.add_name(str(card.get("name") or folder.resolve().name))
    if card.get("license"):
        writer.add_license(str(card["license"]))
    entries = card.get("gguf", {})
    if not isinstance(entries, dict):
        raise ConvertError(f"{path}: gguf is not an object of texts")
    for key, value in entries.items():
        if not isinstance(value, str):
            raise ConvertError(f"{path}: gguf.{key} is not a text; write it as JSON text")
        if not _CARD_KEY.fullmatch(key):
            raise ConvertError(f"{path}: {key!r} cannot be a GGUF key (a-z, 0-9, . _ -)")
        if key in writer.kv_data[0]:
            raise ConvertError(f"{path}: gguf.{key} would overwrite what the model needs")
        writer.add_key_value(key, value, GGUFValueType.STRING)


@contextmanager
def _bar(total: int, shown: bool) -> Iterator[Any]:
    """A progress bar over `total` bytes on the terminal; yields the function that moves it on."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not shown,
        transient=True,
    )
    with bar:
        task = bar.add_task("writing", total=total)
        yield lambda step: bar.advance(task, step)


def main(argv: list[str]) -> int:
    """The verb. Returns 0; what is wrong is raised as ConvertError."""
    parser = argparse.ArgumentParser(prog="mrp convert", description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "folder", type=Path, metavar="HF_FOLDER", help="a model, or a LoRA adapter made by PEFT"
    )
    parser.add_argument(
        "--base", type=Path, metavar="HF_FOLDER", help="for an adapter: the model it belongs to"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.gguf")
    parser.add_argument("--type", choices=TYPES, default="f16", help="default: f16")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    chosen = parser.parse_args(argv)
    shown = sys.stderr.isatty()
    if (chosen.folder / "adapter_config.json").is_file():
        done = convert_adapter(chosen.folder, chosen.base, chosen.output, chosen.type, shown)
    else:
        done = convert(chosen.folder, chosen.output, chosen.type, shown)
    for note in done.notes:
        print(f"note: {note}", file=sys.stderr)
    if chosen.json:
        print(json.dumps(asdict(done), ensure_ascii=False))
    else:
        print(
            f"{done.path}: {done.architecture}, {done.parameters:,} parameters in "
            f"{done.tensors} tensors, {done.type}, {done.bytes / 1e6:.1f} MB, {done.seconds} s"
        )
    return 0
