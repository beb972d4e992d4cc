"""`mrp base SOURCE -o OUT`: a base model, or a voice for one, in the layout that the trainer reads.

    mrp base qwen2.5-0.5b-instruct-q4_k_m.gguf -o models/qwen2.5-0.5b     a GGUF
    mrp base models/internlm2-chat-7b -o models/internlm2-chat-7b-llama   an InternLM2 folder
    mrp base voice.gguf --of models/qwen2.5-0.5b -o runs/as-shipped       an adapter, to go on from

What the source is, is looked at. A GGUF (Llama, Qwen2, Qwen2.5, Qwen3) is dequantized, so that a
voice is trained on the very weights that are chatted with; an InternLM2 folder becomes a Llama, bit
for bit. Llama and Qwen folders are trained as they are and need no `mrp base`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from trainer import from_gguf, from_voice, internlm2, shards


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="mrp base", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, help="a GGUF file, or a downloaded InternLM2 folder")
    parser.add_argument("--of", type=Path, help="the folder of the base that a voice is for")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the folder to write")
    parser.add_argument(
        "--type",
        choices=from_gguf.DTYPES,
        help="of a GGUF's matrices (default: as in the file; f16 where they are quantized)",
    )
    parser.add_argument("--max-shard-size", default="2GB", help="default: 2GB")
    parser.add_argument("--json", action="store_true", help="print the card as the last line")
    args = parser.parse_args(argv)
    card = convert(
        args.source,
        args.out,
        limit=shards.size(args.max_shard_size),
        shown=sys.stderr.isatty(),
        kind=args.type,
        of=args.of,
    )
    for note in card["notes"]:
        print(f"note: {note}", file=sys.stderr)
    print(f"{args.out}: {card['parameters']:,} parameters in {len(card['shards'])} file(s)")
    if told := card.get("quantization"):
        error = told["expected_error"]
        shown = "not known" if error is None else f"about {error:.1%} of the weights' spread"
        print(f"from {told['bits_per_weight']} bits a weight; a weight is off by {shown}")
    if args.json:
        print(json.dumps(card, ensure_ascii=False))
    return 0


def convert(
    source: Path,
    out: Path,
    *,
    limit: int,
    shown: bool = False,
    kind: str | None = None,
    of: Path | None = None,
) -> dict[str, Any]:
    """Write `source` as a new folder `out` in shards of at most `limit` bytes. Returns its card.
    `of`: the base of a voice.

    Raises:
        WeightsError: the source is neither, broken, or of a layout that is not known; `--type` for
            a folder or a voice; a voice without its base, or a model with one; or `out` is there
            or has no room.
    """
    if of is not None:
        if kind:
            raise shards.WeightsError(f"{source}: --type is for models; a voice is unpacked in f32")
        return from_voice.convert(source, of, out)
    if from_voice.is_voice(source):
        raise shards.WeightsError(
            f"{source}: is a voice (a LoRA adapter): name the folder of its base with --of "
            "(`mrp base MODEL.gguf -o FOLDER` makes that folder)"
        )
    if source.is_file() or source.suffix == ".gguf":
        dtype = from_gguf.DTYPES[kind] if kind else None
        return from_gguf.convert(source, out, limit=limit, shown=shown, dtype=dtype)
    if kind:
        raise shards.WeightsError(f"{source}: --type is for GGUF files; a folder's weights stay")
    return internlm2.convert(source, out, limit=limit, shown=shown)
