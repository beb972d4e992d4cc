"""The commands of the workshop: what each asks for, and the words of its command line.

for command in COMMANDS: command.id, command.fields
argv = command.argv(Wares.of(workshop), {"recipe": "mine.toml"})

Everything is chosen from lists: files that lie in the workshop's folder, models on this machine,
and recipes that ship. So nothing that is sent here names a file elsewhere, or another option.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.jobs import ROOT
from hub import found
from hub.choice import SHIPPED

RECIPES = ROOT / "trainer" / "recipes"
BOOKS = (".txt", ".epub", ".docx", ".html")
TYPES = ("Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "IQ4_XS", "Q3_K_M")
FLOATS = ("f16", "bf16", "q8_0", "f32")
CANON, LESSONS, RUNS, MODELS, REPORTS = "build/canon", "build/lessons", "runs", "models", "reports"
MEMORIES = ("8GiB", "6GiB", "4GiB", "12GiB", "16GiB", "24GiB", "48GiB", "80GiB")

# Where the choices of a field come from: a key of `Wares.lists`, or one of these.
_FIXED: Mapping[str, tuple[str, ...]] = {"type": TYPES, "float": FLOATS, "memory": MEMORIES}


class NotThere(ValueError):
    """A choice that is not on its list (any more); `field` is its name."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


@dataclass(frozen=True, slots=True)
class Wares:
    """What lies in the workshop and on this machine: by kind, from the shown name to the path."""

    lists: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, workshop: Path) -> Wares:
        """Look at the folders."""
        models = found.models_folder(os.environ)
        runs = sorted(p.parent for p in (workshop / RUNS).glob("*/recipe.json"))
        weights = [
            p.parent for top in (workshop / MODELS, models) for p in top.glob("*/config.json")
        ]
        ggufs = [*sorted((workshop / MODELS).glob("*.gguf")), *sorted(models.rglob("*.gguf"))]
        books = [p for p in sorted((workshop / "books").glob("*")) if p.suffix in BOOKS]
        recipes = [*sorted((workshop / "recipes").glob("*.toml")), *sorted(RECIPES.glob("*.toml"))]
        adapters = [run / "adapter" for run in runs if (run / "adapter" / "card.json").is_file()]
        return cls(
            {
                "book": _named(books),
                "recipe": _named(recipes),
                "run": _named([run for run in runs if (run / "adapter").is_dir()]),
                "folder": _named(sorted(weights)),
                "adapter": {f"{a.parent.name}/adapter": str(a) for a in adapters},
                "gguf": _named([*ggufs, SHIPPED]),
                "canon": {CANON: CANON} if (workshop / CANON).is_dir() else {},
                "lessons": {LESSONS: LESSONS} if (workshop / LESSONS).is_dir() else {},
            }
        )

    def choices(self, kind: str) -> tuple[str, ...]:
        """What a field of this kind can be."""
        return _FIXED.get(kind) or tuple(self.lists[kind])

    def path(self, kind: str, name: str) -> str:
        """What stands in the command line for a choice. Raises KeyError: it is none."""
        if kind in _FIXED:
            return {each: each for each in _FIXED[kind]}[name]
        return self.lists[kind][name]


def _named(paths: list[Path]) -> dict[str, str]:
    """Paths by their names; of two of one name the first counts."""
    named: dict[str, str] = {}
    for path in paths:
        named.setdefault(path.name, str(path))
    return named


@dataclass(frozen=True, slots=True)
class Field:
    """One choice of a form. `kind` is the list; `may_lack`: it may be left open."""

    name: str
    kind: str
    may_lack: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """One form of the workshop; its id is its word, too. `write` makes the command line of the
    chosen paths; `about` names the fields that say what a job is about. `resumes` is what is added
    when it goes on."""

    id: str
    fields: tuple[Field, ...]
    write: Callable[[Mapping[str, str]], list[str]]
    resumes: tuple[str, ...] = ()

    def argv(self, wares: Wares, chosen: Mapping[str, str]) -> list[str]:
        """The words behind `mrp`.

        Raises:
            NotThere: something is not chosen, or is not there any more.
        """
        paths: dict[str, str] = {}
        for field in self.fields:
            name = chosen.get(field.name, "")
            if not name and field.may_lack:
                continue
            try:
                paths[field.name] = wares.path(field.kind, name)
            except KeyError:
                raise NotThere(field.name) from None
        return self.write(paths)

    def about(self, chosen: Mapping[str, str]) -> str:
        """What a job is about, for people."""
        return " · ".join(name for f in self.fields if (name := chosen.get(f.name, "")))


def _stem(path: str) -> str:
    """A name for what is made of a file: letters, digits, dots and dashes."""
    stem = Path(path).name.removesuffix(".gguf").removesuffix(".toml")
    stem = Path(path).parent.name if stem == "adapter" else stem
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in stem).lstrip("-.") or "model"


def _option(paths: Mapping[str, str], name: str, option: str) -> list[str]:
    return [option, paths[name]] if name in paths else []


def _train(paths: Mapping[str, str]) -> list[str]:
    return [
        *("train", paths["recipe"], "-o", f"{RUNS}/{_stem(paths['recipe'])}"),
        *_option(paths, "base", "--base"),
        *_option(paths, "lessons", "--lessons"),
    ]


_RECIPE = Field("recipe", "recipe")
_BASE = Field("base", "folder", may_lack=True)

COMMANDS: tuple[Command, ...] = (
    Command(
        "canon", (Field("book", "book"),), lambda p: ["canon", "build", p["book"], "-o", CANON]
    ),
    Command(
        "lessons",
        (_RECIPE, Field("canon", "canon", may_lack=True)),
        lambda p: ["lessons", p["recipe"], "-o", LESSONS, *_option(p, "canon", "--canon")],
    ),
    Command(
        "base",
        (Field("gguf", "gguf"),),
        lambda p: ["base", p["gguf"], "-o", f"{MODELS}/{_stem(p['gguf'])}-base"],
    ),
    Command(
        "plan",
        (_RECIPE, Field("memory", "memory"), _BASE),
        lambda p: [
            *("train", "--plan", "--memory", p["memory"], p["recipe"]),
            *_option(p, "base", "--base"),
        ],
    ),
    Command("train", (_RECIPE, _BASE, Field("lessons", "lessons", may_lack=True)), _train),
    Command(
        "merge",
        (Field("run", "run"), _BASE),
        lambda p: [
            *("merge", p["run"], "-o", f"{MODELS}/{_stem(p['run'])}-merged"),
            *_option(p, "base", "--base"),
        ],
    ),
    Command(
        "convert",
        (Field("folder", "folder"), Field("type", "float")),
        lambda p: [
            *("convert", p["folder"], "--type", p["type"]),
            *("-o", f"{MODELS}/{_stem(p['folder'])}-{p['type']}.gguf"),
        ],
    ),
    Command(
        "convert-adapter",
        (Field("adapter", "adapter"), Field("base", "folder")),
        lambda p: [
            *("convert", p["adapter"], "--base", p["base"], "--type", "f16"),
            *("-o", f"{MODELS}/{_stem(p['adapter'])}-adapter.gguf"),
        ],
    ),
    Command(
        "shrink",
        (Field("gguf", "gguf"), Field("type", "type")),
        lambda p: [
            *("shrink", p["gguf"], f"{MODELS}/{_stem(p['gguf'])}-{p['type']}.gguf"),
            *("--type", p["type"]),
        ],
    ),
    Command(
        "evaluate",
        (Field("gguf", "gguf"), Field("canon", "canon", may_lack=True)),
        lambda p: [
            *("evaluate", "report", p["gguf"], "--quick", "-o", f"{REPORTS}/{_stem(p['gguf'])}"),
            *_option(p, "canon", "--canon"),
        ],
        resumes=("--resume",),
    ),
)
