"""The command line: `mrp VERB …`. Each verb is one module, imported when it is asked for.

mrp                     lists the verbs
mrp --version           the version, and the commit it was made from
mrp terminal            a room in the terminal
mrp train RECIPE        …

Imports of our packages stand inside functions here, and only here: `mrp` has to list its verbs, and
`mrp terminal` to open, without torch, llama.cpp and two chat libraries being loaded first.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.metadata
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.platforms import registry

# verb -> (module with `main(argv) -> int`, what it does), in the order of a voice's way. Platforms
# come first, from their own list.
VERBS: dict[str, tuple[str, str]] = {
    "serve": ("bot.serve", "every platform that has a token, with a page of health and figures"),
    "engine": ("bot.endpoint.cli", "serve: the model, and characters as models, over HTTP"),
    "doctor": ("bot.doctor.examine", "looks at everything a bot needs, and says what to do"),
    "backup": ("bot.backup", "all that is remembered as one file, and back"),
    "feedback": ("bot.feedback", "what people thought of replies, as rows to learn from"),
    "canon": ("canon.cli", "the book: build, quotes, search, stats"),
    "lessons": ("trainer.compose", "turn scenes, the book and talk into training lessons"),
    "synth": ("trainer.synth.cli", "a teacher writes lessons; import, export and mix them"),
    "character": ("characters.cli", "cards: check, import (SillyTavern's too), export, new"),
    "say": ("speech.cli", "a character says a text, into a sound file"),
    "hear": ("speech.listen", "what is said in a sound file"),
    "model": ("hub.cli", "models by name: list, pull, use"),
    "base": ("trainer.hf_folder", "a GGUF, or an InternLM2 checkpoint → a folder to train on"),
    "pairs": (
        "trainer.own_replies",
        "what a voice says where a person wrote the line, to learn from",
    ),
    "train": ("trainer.train", "train a model from a recipe"),
    "merge": ("trainer.merge", "adapter + base → one model"),
    "convert": ("quantize.convert", "HF folder → GGUF"),
    "imatrix": ("quantize.importance", "which weights matter, measured on lessons"),
    "shrink": ("quantize.shrink", "GGUF → smaller GGUF"),
    "measure": ("quantize.measure", "what a smaller GGUF costs, against the f16 one"),
    "fit": ("quantize.fit", "what a model takes in memory, and settings that fit"),
    "evaluate": ("evaluation.cli", "how good is a voice: identity, speaker, search"),
    "bench": ("engine.bench", "the engine against its baselines"),
}

ROOT = Path(__file__).resolve().parent
DISTRIBUTION = "mrp-llm"


def verbs() -> dict[str, tuple[str, str]]:
    """All verbs, the platforms' first."""
    return {row.name: (row.module, row.does) for row in registry.PLATFORMS} | VERBS


def usage() -> str:
    width = max(map(len, verbs()))
    rows = [f"  {verb:<{width}}  {what}" for verb, (_, what) in verbs().items()]
    return "\n".join(
        ["mrp: one model, one transcript, many voices", "", "usage: mrp VERB [--help] …", "", *rows]
    )


def version() -> str:
    """`0.1.0 (commit 1a2b3c4)`; the commit is git's in a checkout, else the build's, if known."""
    try:
        number = importlib.metadata.version(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        number = "not installed"
    commit = _commit()
    return f"{number} (commit {commit})" if commit else number


def _commit() -> str:
    """The commit that this code is of: "" when nobody knows."""
    if (ROOT / ".git").exists():  # a folder, or a file in a worktree
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            asked = subprocess.run(
                ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"],
                capture_output=True, text=True, timeout=5, check=True,
            )  # fmt: skip
            return asked.stdout.strip()
    # Written by the build (see COMMIT in the Dockerfile and the wheel's build hook).
    with contextlib.suppress(OSError):
        return (ROOT / "bot" / "COMMIT").read_text(encoding="ascii").strip()
    return ""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit status: 0 done, 2 bad input, 130 interrupted, 143 asked to
    end."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    if words[0] in ("-V", "--version", "version"):
        print(f"mrp {version()}")
        return 0
    verb, *rest = words
    if verb not in verbs():
        print(f"mrp: there is no verb {verb!r}\n\n{usage()}", file=sys.stderr)
        return 2
    try:
        with _ending_in_order():
            status: int = _main_of(verb)(rest, **GIVEN.get(verb, {}))
        return status
    except _AskedToEnd:
        return 143
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output (`| head`) has gone. Nothing is left to say, not even at exit.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        return 141
    except ModuleNotFoundError as missing:
        # An extra that is not installed, not a mistake of ours.
        if missing.name is None or missing.name.split(".")[0] in _OURS:
            raise
        extra = "evaluate" if verb == "evaluate" else "train"
        print(
            f"mrp {verb}: the Python package {missing.name!r} is missing; "
            f"install the project's extra for this step: pip install '{DISTRIBUTION}[{extra}]'",
            file=sys.stderr,
        )
        return 2
    except Exception as problem:
        # Each package's errors that carry a sentence for the user say so themselves.
        if not getattr(problem, "for_user", False):
            raise
        print(f"mrp {verb}: {problem}", file=sys.stderr)
        return 2


class _AskedToEnd(KeyboardInterrupt):
    """SIGTERM: what Ctrl-C is to a process without a terminal."""


@contextlib.contextmanager
def _ending_in_order() -> Iterator[None]:
    """Within it SIGTERM ends a verb as Ctrl-C does: what it has opened is closed, such as the Redis
    server of a rehearsal. Who serves people has a handler of its own (`bot.portable`)."""

    def asked(number: int, frame: Any) -> None:
        raise _AskedToEnd

    before = None
    with contextlib.suppress(ValueError):  # only the main thread may
        before = signal.signal(signal.SIGTERM, asked)
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def _main_of(verb: str) -> Any:
    return importlib.import_module(verbs()[verb][0]).main


# -- what a verb needs of a package that its own may not import --------------------------------


def open_embedder(path: Path) -> Any:
    """Opens an embedding model, for the canon, which imports nothing of ours."""
    from engine.embedding import open_embedder  # llama.cpp, only for `mrp canon` with a model

    return open_embedder(path)


def write_notes(words: list[str]) -> int:
    """`mrp canon notes`: a model reads the book and notes what happens."""
    from trainer.synth.cli import main as synth  # the teachers, only for this verb

    return synth(["notes", *words])


def spell(text: str) -> list[str]:
    """The pinyin of a Chinese name without tones; [] where pypinyin is not installed."""
    from speech.pinyin import available, syllables  # only for `mrp canon build`

    return [] if available() else [one.rstrip("12345") for one in syllables(text).split()]


def render_lessons(
    path: Path, metadata: Mapping[str, str]
) -> Iterator[list[tuple[str, bool, bool]]]:
    """What the model of a GGUF reads of lessons: spans (text, control, learned), one list a lesson.

    For the quantizer, which imports the engine only.
    """
    from characters.style import serving  # only for `mrp imatrix` and `mrp measure`
    from trainer.lessons import load  # the same; it brings the trainer

    style = serving(metadata).style
    part: Any = path.stem  # `load` says which there are
    for lesson in load(path.parent, part):
        yield [(span.text, span.control, span.learned) for span in lesson.spans(style)]


def evaluate(words: Sequence[str]) -> dict[str, Any]:
    """The JSON result of `mrp evaluate WORDS`, for the quantizer's table."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        _main_of("evaluate")([*words, "--json"])
    found: dict[str, Any] = json.loads(said.getvalue().splitlines()[-1])
    return found


def casting() -> Any:
    """The bot's rules of who answers, for the evaluation that measures them."""
    from bot import casting  # the whole bot, only for `mrp evaluate turns`

    return casting


def model_file(name: str) -> Path:
    """The file of a model's name, for the engine's benchmark."""
    from hub.choice import model_file  # the hubs' libraries, only for a model by name

    return model_file(name)


@contextlib.asynccontextmanager
async def play(args: argparse.Namespace) -> AsyncIterator[Any]:
    """Opens rooms on a model, for `mrp evaluate evenings`; args are that verb's."""
    # The whole bot and the engine, only for evenings.
    from bot.engines import open_chosen
    from bot.rehearsal import rehearsals
    from canon import Canon
    from characters.card import load_cast

    book = Canon.open(args.canon) if args.canon else None
    voice = await open_chosen(args, os.environ)
    try:
        async with rehearsals(voice, load_cast(), book) as house:
            yield house.open
    finally:
        await voice.close()


GIVEN: dict[str, dict[str, Any]] = {
    "bench": {"model_file": model_file},
    "evaluate": {"casting": casting, "play": play},
    "canon": {"open_embedder": open_embedder, "write_notes": write_notes, "spell": spell},
    "imatrix": {"render": render_lessons},
    "measure": {"render": render_lessons, "evaluate": evaluate},
}
_OURS = {"bot", "canon", "characters", "engine", "evaluation", "hub", "quantize", "speech", "text"}
_OURS |= {"trainer"}


if __name__ == "__main__":
    sys.exit(main())
