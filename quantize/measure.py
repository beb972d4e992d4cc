"""`mrp measure`: what a smaller file costs, against the file it was made from.

    mrp measure f16.gguf q8_0.gguf q4_k_m.gguf --text build/lessons/held_out.jsonl --plot loss.png

Before every token that the model is to write (in lessons the characters' lines, in plain text all)
both say how likely each next token is. The Kullback-Leibler divergence of the smaller from the
larger (nats a token) is how much was lost; perplexity, and how often both prefer the same token,
stand beside it. `--voice` adds what `mrp evaluate` measures.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt
from gguf import GGUFReader
from gguf.constants import LlamaFileType
from rich.console import Console
from rich.progress import Progress

from quantize.error import MeasureError
from quantize.losses import Loss, Measured, table_of
from quantize.mix import KEY
from quantize.reader import Reader
from quantize.texts import Reading, Render, Row, rows

# Runs a verb of `mrp evaluate` and returns its JSON object; handed in by the front door.
Evaluate = Callable[[Sequence[str]], Mapping[str, Any]]

# Whoever makes a model may write down how its own tokenizer encodes some lines, as JSON text
# [[text, control, [ids…]], …] under this key; a file that encodes them otherwise is refused.
SAMPLES = "mrp.samples"
_PROMPT, _REPLY = 256, 32  # tokens that are timed


def measure(
    base: Path,
    files: Sequence[Path],
    texts: Sequence[Path],
    render: Render,
    *,
    evaluate: Evaluate | None = None,
    **how: Unpack[Reading],
) -> list[Measured]:
    """The base and each file, in this order, on about `tokens` (20,000) of the texts.

    What the base says is kept on disk meanwhile, 2 bytes a token and vocabulary entry. Raises
    MeasureError for files with different tokenizers, TextError and ModelError.
    """
    tokens, length, threads = (
        how.get("tokens", 20_000),
        how.get("length", 512),
        how.get("threads", 0),
    )
    console = Console(stderr=True)
    bar = Progress(console=console, disable=not console.is_terminal, transient=True)
    found = []
    with bar, tempfile.TemporaryDirectory(prefix="mrp-measure-") as scratch:
        with Reader(base, length=length, threads=threads) as reader:
            _check_samples(reader)
            chosen = {
                text: rows(reader, [text], render, tokens=tokens // len(texts)) for text in texts
            }
            every = [row for one in chosen.values() for row in one]
            total = sum(map(len, every))
            said = _room(Path(scratch), sum(sum(row.written[1:]) for row in every), reader)
            task = bar.add_task(base.name, total=total)
            at = 0
            for row in every:
                before, _ = _written(row)
                logits = reader.read(row.ids)[before]
                said[at : at + len(before)] = logits - logits.max(axis=1, keepdims=True)
                at += len(before)
                bar.advance(task, len(row))
        for path in (base, *files):
            advance = partial(bar.advance, bar.add_task(path.name, total=total))
            with Reader(path, length=length, threads=threads) as reader:
                _check_samples(reader)
                if reader.vocabulary != said.shape[1]:
                    raise MeasureError(f"{path} has another vocabulary than {base}")
                for text, wanted in chosen.items():
                    if rows(reader, [text], render, tokens=tokens // len(texts)) != wanted:
                        raise MeasureError(
                            f"{path} encodes {text.name} into other tokens than {base}: its "
                            "tokenizer is not the same, so nothing can be compared"
                        )
                losses, at = [], 0
                for text, wanted in chosen.items():
                    losses.append(_loss(reader, text.name, wanted, said[at:], advance))
                    at += losses[-1].tokens
                speeds = _speeds(reader)
            found.append(_describe(path, losses, speeds, evaluate))
    return found


def _room(folder: Path, tokens: int, reader: Reader) -> npt.NDArray[np.float16]:
    """Where the base's logits go: float16 (tokens, vocabulary), each row below its maximum, where
    half precision is finest for what is likely."""
    size = tokens * reader.vocabulary * 2
    if size > shutil.disk_usage(folder).free:
        raise MeasureError(
            f"{tokens} tokens need {size / 1e9:.1f} GB in {folder.parent}; take fewer (--tokens) "
            "or set TMPDIR"
        )
    return np.memmap(folder / "logits", np.float16, "w+", shape=(tokens, reader.vocabulary))


def _loss(
    reader: Reader,
    name: str,
    texts: Sequence[Row],
    base: npt.NDArray[np.float16],
    advance: Callable[[int], None],
) -> Loss:
    """Compare with what the base said of the same texts, in this order."""
    divergences: list[npt.NDArray[np.float32]] = []
    same, surprise, at = 0, 0.0, 0
    for row in texts:
        before, after = _written(row)
        wanted = _log_softmax(base[at : at + len(before)].astype(np.float32))
        got = _log_softmax(reader.read(row.ids)[before])
        divergences.append((np.exp(wanted) * (wanted - got)).sum(axis=1))
        same += int((wanted.argmax(axis=1) == got.argmax(axis=1)).sum())
        surprise -= float(got[np.arange(len(before)), after].sum(dtype=np.float64))
        at += len(before)
        advance(len(row))
    all_of_them = np.concatenate(divergences).astype(np.float64)
    if not np.isfinite(all_of_them).all():
        raise MeasureError(f"{reader.path} computed values that are not numbers; it is damaged")
    return Loss(
        text=name,
        tokens=at,
        perplexity=round(math.exp(min(700.0, surprise / at)), 4),
        kl=float(all_of_them.mean()),
        kl_error=float(all_of_them.std() / math.sqrt(len(all_of_them))),
        kl_99=float(np.quantile(all_of_them, 0.99)),
        top=round(same / at, 5),
    )


def _written(row: Row) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Positions before the tokens that the model is to write, and those tokens."""
    before = np.flatnonzero(row.written[1:])
    return before, np.asarray(row.ids)[before + 1]


def _log_softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    shifted: npt.NDArray[np.float32] = logits - logits.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted


def _check_samples(reader: Reader) -> None:
    """Raise MeasureError where the file encodes the lines it brings along in another way than
    those who made it wrote down."""
    if SAMPLES not in reader.metadata:
        return
    for text, control, ids in json.loads(reader.metadata[SAMPLES]):
        if (got := reader.encode(text, control)) != ids:
            raise MeasureError(
                f"{reader.path} encodes the sample {text!r} as {got}, but the model was trained "
                f"with {ids}: its tokenizer was converted wrongly"
            )


def _speeds(reader: Reader) -> tuple[float, float]:
    """Prompt and reply tokens a second, the best of three."""
    prompt = [(7 * n) % reader.vocabulary for n in range(min(_PROMPT, reader.length - _REPLY))]
    reading, writing = math.inf, math.inf
    for _ in range(3):
        begun = time.perf_counter()
        reader.read(prompt)
        reading = min(reading, time.perf_counter() - begun)
        begun = time.perf_counter()
        reader.generate(prompt[:1], _REPLY)
        writing = min(writing, time.perf_counter() - begun)
    return len(prompt) / reading, _REPLY / writing


def _describe(
    path: Path, losses: list[Loss], speeds: tuple[float, float], evaluate: Evaluate | None
) -> Measured:
    table = GGUFReader(path)
    kind = table.fields.get("general.file_type")
    name = LlamaFileType(int(kind.contents())).name if kind else "?"
    imatrix = table.fields.get("quantize.imatrix.file")
    size = path.stat().st_size
    voice = {}
    if evaluate is not None:
        for measure, key in (("identity", "right"), ("speaker", "accuracy")):
            voice[measure] = float(evaluate([measure, "--model", str(path)])[key])
    return Measured(
        path=str(path),
        type="mix" if KEY in table.fields else name.removeprefix("MOSTLY_").removeprefix("ALL_"),
        imatrix=str(imatrix.contents()) if imatrix else "",
        bytes=size,
        bits_per_weight=round(size * 8 / sum(int(t.n_elements) for t in table.tensors), 2),
        prompt_speed=round(speeds[0], 1),
        reply_speed=round(speeds[1], 1),
        losses=tuple(losses),
        voice=voice,
    )


def main(argv: list[str], *, render: Render, evaluate: Evaluate) -> int:
    """The verb. Returns 0; what is wrong is raised as QuantizeError or EngineError."""
    parser = argparse.ArgumentParser(prog="mrp measure", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("base", type=Path, metavar="F16.gguf")
    parser.add_argument("files", type=Path, nargs="*", metavar="SMALLER.gguf")
    parser.add_argument(
        "--text",
        type=Path,
        action="append",
        required=True,
        metavar="FILE",
        help="held-out lessons (.jsonl) or plain text (.txt); may be given several times",
    )
    parser.add_argument("--tokens", type=int, default=20_000, help="in all; default: 20,000")
    parser.add_argument("--length", type=int, default=512, help="tokens a row; default: 512")
    parser.add_argument("--threads", type=int, default=0, help="default: one a core")
    parser.add_argument("--voice", action="store_true", help="identity and speaker scores too")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="loss against size")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    chosen = parser.parse_args(argv)
    found = measure(
        chosen.base,
        chosen.files,
        chosen.text,
        render,
        tokens=chosen.tokens,
        length=chosen.length,
        threads=chosen.threads,
        evaluate=evaluate if chosen.voice else None,
    )
    Console(width=None if sys.stdout.isatty() else 200).print(table_of(found))
    if chosen.plot:
        from quantize.plot import draw  # matplotlib is slow to load, and few ask for a picture

        draw(found, chosen.plot)
    if chosen.json:
        print(json.dumps({"files": [asdict(one) for one in found]}, ensure_ascii=False))
    return 0
