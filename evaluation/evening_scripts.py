"""Scripts of `mrp evaluate evenings`: what people say, and what the answers must be like.

A script is a text: lines as people type them into `mrp terminal` (`小明> …`, `/summon …`), each
followed by what its answer must be like:

    # Afraid of dogs       a title begins a script
    @ language: zh         of all scripts from here on
    /summon wukong
    小明> 悟空，我妹妹怕狗。
    小明> 她怕什么？
    ? holds 狗|犬        some answer holds one of these
    ? lacks 语言模型|AI   no answer holds any of these
    ? by 孙悟空           the first answer is this character's
    ? language en        all answers are in this language (without one: the script's)
    ? answered           somebody answers (also meant by every other check)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from characters.card import Language
from evaluation.error import EvaluationError
from evaluation.line_faults import Said, spoken

FOLDER = Path(__file__).with_name("scripts")
CHECKS = ("holds", "lacks", "by", "language", "answered")


@dataclass(frozen=True, slots=True)
class Check:
    """What an answer must be like: `kind` is one of CHECKS, `words` what it holds, and so on."""

    kind: str
    words: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is said, by whom ("" for an order), and what must come of it."""

    name: str
    text: str
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Evening:
    """One script."""

    title: str
    language: Language
    steps: tuple[Step, ...]


def read_evenings(folder: Path = FOLDER) -> list[Evening]:
    """All scripts of a folder's `*.evening` files.

    Raises:
        EvaluationError: a file is missing or a line is none of a script's; names file and line.
    """
    files = sorted(folder.glob("*.evening"))
    if not files:
        raise EvaluationError(f"{folder}: no *.evening files there")
    return [evening for file in files for evening in _read(file)]


def _read(file: Path) -> Iterator[Evening]:
    title, language, steps = "", "zh", list[Step]()
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        line = line.strip()
        if line.startswith("# "):
            if title:
                yield _evening(title, language, steps)
            title, steps = line[2:].strip(), []
        elif line.startswith("@ language:"):
            language = line.partition(":")[2].strip()
        elif line.startswith("?"):
            if not steps:
                raise EvaluationError(f"{file}:{number}: a check before anything is said")
            steps[-1] = _checked(steps[-1], line[1:].strip(), f"{file}:{number}", number)
        elif line.startswith("/"):
            steps.append(Step("", line))
        elif line:
            name, mark, text = line.partition(">")
            if not mark:
                raise EvaluationError(f"{file}:{number}: neither NAME> TEXT, /ORDER nor ? CHECK")
            steps.append(Step(name.strip(), text.strip()))
    if title:
        yield _evening(title, language, steps)


def _evening(title: str, language: str, steps: Sequence[Step]) -> Evening:
    if language not in ("zh", "en"):
        raise EvaluationError(f"{title}: the language is {language!r}, not zh or en")
    return Evening(title, "zh" if language == "zh" else "en", tuple(steps))


def _checked(step: Step, text: str, where: str, number: int) -> Step:
    kind, _, rest = text.partition(" ")
    if kind not in CHECKS or (kind not in ("answered", "language") and not rest.strip()):
        raise EvaluationError(f"{where}: {text!r} is no check; there are {', '.join(CHECKS)}")
    words = tuple(word for word in rest.split("|") if word.strip())
    return Step(step.name, step.text, (*step.checks, Check(kind, words, number)))


def failures(step: Step, said: Sequence[Said], language: Language) -> list[Check]:
    """The checks of a step that its answers do not pass, in a script of this language."""
    told = "\n".join(line.text for line in said)
    return [check for check in step.checks if not said or not _holds(check, said, told, language)]


def _holds(check: Check, said: Sequence[Said], told: str, language: Language) -> bool:
    match check.kind:
        case "holds":
            return any(word.casefold() in told.casefold() for word in check.words)
        case "lacks":
            return not any(word.casefold() in told.casefold() for word in check.words)
        case "by":
            return check.words[0] in said[0].speaker.names
        case "language":
            wanted = check.words[0] if check.words else language
            return all(spoken(line.text) in ("", wanted) for line in said)
        case _:
            return True
