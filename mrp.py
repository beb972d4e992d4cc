"""The front door: `mrp VERB …`. Each verb lives in one module, imported when it is asked for.

mrp                     lists the verbs
mrp terminal            a room in the terminal
mrp train RECIPE        …
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

# verb -> (module with `main(argv) -> int`, what it does). Grouped as the journey goes.
VERBS: dict[str, tuple[str, str]] = {
    "terminal": ("bot.platforms.terminal", "a room in the terminal; also reads lines from a pipe"),
    "discord": ("bot.platforms.discord.run", "the characters in a Discord server"),
    "telegram": ("bot.platforms.telegram.cli", "the characters in your Telegram chats"),
    "serve": ("bot.serve", "every platform that has a token, with a page of health and figures"),
    "doctor": ("bot.doctor", "looks at everything a bot needs, and says what to do"),
    "feedback": ("bot.feedback", "what people thought of replies, as rows to learn from"),
    "canon": ("canon.cli", "the book: build, quotes, search, stats"),
    "lessons": ("trainer.lessons", "turn scenes and talk into training lessons"),
    "synth": ("trainer.synth.cli", "a teacher writes lessons; import, export and mix them"),
    "model": ("quantize.hub", "known base models: list, pull"),
    "base": ("trainer.internlm2", "InternLM2 checkpoint → Llama layout"),
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


def usage() -> str:
    width = max(map(len, VERBS))
    rows = [f"  {verb:<{width}}  {what}" for verb, (_, what) in VERBS.items()]
    return "\n".join(
        ["mrp: one model, one transcript, many voices", "", "usage: mrp VERB [--help] …", "", *rows]
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit status: 0 done, 2 bad input, 130 interrupted."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    verb, *rest = words
    if verb not in VERBS:
        print(f"mrp: there is no verb {verb!r}\n\n{usage()}", file=sys.stderr)
        return 2
    try:
        status: int = importlib.import_module(VERBS[verb][0]).main(rest, **GIVEN.get(verb, {}))
        return status
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
            f"install the project's extra for this step: pip install 'mrp-llm[{extra}]'",
            file=sys.stderr,
        )
        return 2
    except Exception as problem:
        # Each package's errors that carry a sentence for the user say so themselves.
        if not getattr(problem, "for_user", False):
            raise
        print(f"mrp {verb}: {problem}", file=sys.stderr)
        return 2


def open_embedder(path: Path) -> Any:
    """What reads an embedding model, handed to the canon, which imports nothing of ours."""
    return importlib.import_module("engine.embedding").open_embedder(path)


def render_lessons(
    path: Path, metadata: Mapping[str, str]
) -> Iterator[list[tuple[str, bool, bool]]]:
    """What the model of a GGUF reads of lessons: spans (text, control, learned), one list a lesson.
    Handed to the quantizer, which imports the engine only."""
    style = importlib.import_module("characters.style").serving(metadata).style
    load = importlib.import_module("trainer.lessons").load
    for lesson in load(path.parent, path.stem):
        yield [(span.text, span.control, span.learned) for span in lesson.spans(style)]


def evaluate(words: Sequence[str]) -> dict[str, Any]:
    """What `mrp evaluate WORDS` finds, for the quantizer's table."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        importlib.import_module(VERBS["evaluate"][0]).main([*words, "--json"])
    found: dict[str, Any] = json.loads(said.getvalue().splitlines()[-1])
    return found


def casting() -> Any:
    """The bot's rules of who answers, handed to the evaluation that measures them."""
    return importlib.import_module("bot.casting")


# What a verb needs of a package that its own may not import.
GIVEN: dict[str, dict[str, Any]] = {
    "evaluate": {"casting": casting},
    "canon": {"open_embedder": open_embedder},
    "imatrix": {"render": render_lessons},
    "measure": {"render": render_lessons, "evaluate": evaluate},
}
_OURS = {"bot", "canon", "characters", "engine", "evaluation", "quantize", "text", "trainer"}


if __name__ == "__main__":
    sys.exit(main())
