"""Every format by its name on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from trainer.synth.error import FormatError
from trainer.synth.formats import (
    alpaca,
    charactereval,
    chat,
    chatharuhi,
    coser,
    rolebench,
    socialbench,
    wikiroleeval,
    xtuner,
)
from trainer.synth.formats.dialogue import Dialogue


@dataclass(frozen=True, slots=True)
class Format:
    """How to read and write one format. `read` takes the role that a file may leave open."""

    what: str
    read: Callable[[Path, str], Iterator[Dialogue]]
    write: Callable[[Path, Iterable[Dialogue]], int]


FORMATS: dict[str, Format] = {
    "xtuner": Format(
        "XTuner's conversations (XiYou, mRP)", lambda path, _: xtuner.read(path), xtuner.write
    ),
    "sharegpt": Format(
        "ShareGPT",
        lambda path, _: chat.read(path, chat.SHAREGPT),
        lambda path, rows: chat.write(path, rows, chat.SHAREGPT),
    ),
    "messages": Format(
        "messages of chat APIs",
        lambda path, _: chat.read(path, chat.MESSAGES),
        lambda path, rows: chat.write(path, rows, chat.MESSAGES),
    ),
    "alpaca": Format(
        "Alpaca, with system and history", lambda path, _: alpaca.read(path), alpaca.write
    ),
    "chatharuhi": Format(
        "a ChatHaruhi character's folder", chatharuhi.read_folder, chatharuhi.write_folder
    ),
    "chatharuhi-jsonl": Format(
        "ChatHaruhi's rows: dialogues, roles of 2.0 or 54K read; dialogues written",
        chatharuhi.read_jsonl,
        chatharuhi.write_dialogues,
    ),
    "chatharuhi-role": Format(
        "a role of ChatHaruhi 2.0 (no embeddings are made)",
        chatharuhi.read_jsonl,
        chatharuhi.write_role,
    ),
    "chatharuhi-54k": Format(
        "ChatHaruhi's 54K rows", chatharuhi.read_jsonl, chatharuhi.write_agents
    ),
    "rolebench": Format("RoleBench", lambda path, _: rolebench.read(path), rolebench.write),
    "wikiroleeval": Format(
        "Ditto's WikiRoleEval", lambda path, _: wikiroleeval.read(path), wikiroleeval.write
    ),
    "charactereval": Format(
        "CharacterEval", lambda path, _: charactereval.read(path), charactereval.write
    ),
    "socialbench": Format("SocialBench", lambda path, _: socialbench.read(path), socialbench.write),
    "coser": Format("CoSER", lambda path, _: coser.read(path), coser.write),
}


def read(name: str, path: Path, role: str = "") -> Iterator[Dialogue]:
    """The dialogues of a file, one by one.

    Raises:
        FormatError: nothing is there, or it is not in this format; file and row are named.
    """
    if not path.exists():
        raise FormatError(f"{path}: there is nothing")
    if name != "chatharuhi" and path.is_dir():
        raise FormatError(f"{path}: is a folder; {name} is a file")
    return FORMATS[name].read(path, role)


def write(name: str, path: Path, dialogues: Iterable[Dialogue]) -> int:
    """Write dialogues as a format; the file appears whole or not at all. Returns how many."""
    return FORMATS[name].write(path, dialogues)
