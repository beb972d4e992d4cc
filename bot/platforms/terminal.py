"""`mrp terminal`: a room in the terminal, or one that reads lines from a pipe.

    mrp terminal
    mrp terminal --model models/other.gguf --room moonlight --name 小明
    printf '/summon wukong\n你是谁？\n/quit\n' | mrp terminal

Several people can play: a line `小明> 悟空，你好` is said by 小明. Ctrl-C breaks off the reply that
is being written; at the prompt it leaves, as Ctrl-D and /quit do.

The main thread reads and waits; an event loop in a thread of its own does everything else, so that
memory and engine go on while somebody thinks about what to type.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import sys
import threading
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO, TypeVar

from rich.console import Console
from rich.text import Text

from bot.commands import read
from bot.drafts import Pace
from bot.house import House, add_options
from bot.memory import MemoryProblem
from bot.room import Room
from bot.stage import Line, Message
from characters.card import Character, Language, Words
from characters.turn import Scene, Side, safe_name
from hub.choice import SHIPPED

T = TypeVar("T")

PLATFORM = "terminal"
COLON: dict[Language, str] = {"zh": "：", "en": ": "}
# A pipe has nobody who could wait for ever or press Ctrl-C.
PIPE_PATIENCE = 60.0

_SOMEBODY = re.compile(r"([^\s<>＞/／:：]{1,40})[>＞](?:\s+(.*)|$)", re.DOTALL)

BANNER = Words(
    "一间屋子，声音来自 {model}{on}。角色都是虚构的，说的话由模型编出。\n"
    "/召唤 悟空 请人上场，/帮助 看全部命令，Ctrl-C 打断，Ctrl-D 离开。",
    "A room, voiced by {model}{on}. The characters are fiction and a model makes up what they "
    "say.\n"
    "/summon wukong brings someone on stage, /help lists the commands, Ctrl-C interrupts, "
    "Ctrl-D leaves.",
)
# Said of the model that ships with the project, which does not follow a talk.
SMALL = Words(
    "随附的小模型有口吻，接不住话。接得住的：make try MODEL=xiyou-1.5b（下载 1.1 GB；"
    "别的见 mrp model list）。",
    "The small model that ships with this has the voices and does not follow a talk. One that "
    "does: make try MODEL=xiyou-1.5b (fetches 1.1 GB; others: mrp model list).",
)
LAST_TIME = Words("上回说到：", "Where you left off:")
GOODBYE = Words("后会有期。", "Until next time.")


def banner_of(model: str, placement: str, language: Language) -> str:
    """The first lines of a room: by which model, and how a better one is had."""
    on = f" [{placement}]" if placement else ""
    lines = [BANNER[language].format(model=model, on=on)]
    if model == SHIPPED.stem:
        lines.append(SMALL[language])
    return "\n".join(lines)


def main(argv: list[str]) -> int:
    """Hold a room until the input ends. Returns the exit status.

    Raises:
        CardError, EngineError, StyleError, MemoryProblem: it cannot begin (or, from a pipe, go
            on); the message says why.
    """
    options = _parser().parse_args(argv)
    for stream in (sys.stdin, sys.stdout):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    with _Loop() as loop:
        patience = float("inf") if interactive else PIPE_PATIENCE
        house = loop.wait(House.open(options, patience=patience))
        try:
            return Terminal(loop, house, options, interactive).hold()
        except BrokenPipeError:
            # Whoever read our output has gone; nothing is wrong with that.
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115
            return 0
        finally:
            loop.wait(house.close())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mrp terminal", description="Talk with characters in a terminal room."
    )
    add_options(parser)
    parser.add_argument("--room", metavar="NAME", default="main", help="which room (default: main)")
    parser.add_argument("--name", metavar="NAME", default="", help="who you are (default: 客人)")
    parser.add_argument("--language", choices=("zh", "en"), help="what the room speaks")
    return parser


class Terminal:
    """The stage of a terminal room, and the loop that reads lines for it."""

    def __init__(
        self,
        loop: _Loop,
        house: House,
        options: argparse.Namespace,
        interactive: bool,
    ) -> None:
        self._loop = loop
        self._house = house
        self._interactive = interactive
        self._out = _Window(highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._shown = ""  # of the line that is being written
        self._room: Room = loop.wait(
            house.room(
                PLATFORM,
                options.room,
                lambda: self,
                language=options.language,
                limited=False,
                place=PLATFORM,
            )
        )
        self._name = options.name
        house.doors[PLATFORM] = self._by_name

    def hold(self) -> int:
        """Read and answer lines until there are no more. Returns the exit status."""
        scene, _ = self._loop.wait(self._room.enter())
        self._welcome(scene)
        self._loop.wait(self._room.resume(), interrupted=self._room.stop)
        for line in self._lines():
            who, text = spoken_by(line, self._name or _me(self._room.language))
            order = read(text)
            if order is not None and order.id == "quit":
                break
            try:
                self._hear(Message(f"{PLATFORM}:{safe_name(who)}", who, text))
            except KeyboardInterrupt:
                break
            except MemoryProblem as problem:
                if not self._interactive:
                    raise
                self._print(Text(str(problem), style="red"))
        if self._interactive:
            self._print(Text(GOODBYE[self._room.language], style="dim"))
        return 0

    async def _by_name(self, name: str) -> Room | None:
        return self._room if self._room.key == f"{PLATFORM}:{name}" else None

    # -- the room's stage ------------------------------------------------------------------------

    def pace(self) -> Pace:
        return Pace()

    async def notice(self, text: str, *, to: str = "", secret: bool = False) -> None:
        self._print(Text(text, style="dim"))

    async def attach(self, name: str, data: bytes) -> str:
        """Written into the folder that the terminal was started in, over nothing."""
        stem, dot, kind = name.rpartition(".")
        for number in range(1, 1000):
            path = Path.cwd() / (name if number == 1 else f"{stem}-{number}{dot}{kind}")
            try:
                with path.open("xb") as file:
                    file.write(data)
            except FileExistsError:
                continue
            except OSError as problem:
                self._print(Text(f"{path}: {problem.strerror}", style="red"))
                return ""
            return str(path)
        return ""

    async def show(self, line: Line) -> tuple[str, ...]:
        label = _label(line.speaker, line.language)
        if not self._interactive:
            if line.done:  # a line of its own for every turn
                self._print(label, Text(" ".join(line.text.split("\n"))))
            return (line.id,) if line.done else ()
        if not self._shown:
            face = Text(f"{line.speaker.emoji} " if line.speaker.emoji else "")
            self._print(face, label, end="")
        if line.text.startswith(self._shown):
            self._print(Text(line.text[len(self._shown) :].replace("\n", "\n    ")), end="")
        self._shown = "" if line.done else line.text
        if not line.done:
            return ()
        self._print()
        return (line.id,)

    async def withdraw(self, line_id: str, places: Sequence[str]) -> None:
        if self._shown:  # what stands on paper stays; it only ends there
            self._shown = ""
            self._print()

    # -- reading ---------------------------------------------------------------------------------

    def _lines(self) -> Iterator[str]:
        if not self._interactive:
            yield from _whole_lines(sys.stdin)
            return
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401  gives input() a history and editing
        while True:
            try:
                yield input(f"{self._name or _me(self._room.language)}> ")
            except (EOFError, KeyboardInterrupt):
                self._print()
                return

    def _hear(self, message: Message) -> None:
        """Wait for the answers. The first Ctrl-C breaks off the reply, the second one leaves."""
        self._shown = ""
        self._loop.wait(self._room.hear(message), interrupted=self._room.stop)

    def _welcome(self, scene: Scene) -> None:
        language = self._room.language
        voice = self._house.voice
        banner = Text(banner_of(voice.name, voice.placement, language), style="dim")
        if not self._interactive:
            print(banner.plain, file=sys.stderr)
            return
        self._print(banner)
        if scene.turns:
            self._print(Text(LAST_TIME[language], style="dim"))
        for turn in scene.turns[-4:]:
            name = _shown_name(turn.speaker, turn.side, scene)
            self._print(Text(f"  {name}{COLON[language]}{turn.text}", style="dim"))

    def _print(self, *texts: Text, end: str = "\n") -> None:
        # Only Text, never str: nothing that people or models write is read as rich markup.
        self._out.print(Text.assemble(*texts), end=end)


def spoken_by(line: str, otherwise: str) -> tuple[str, str]:
    """Who says a line, and what: `小明> 你好` is said by 小明, all else by `otherwise`."""
    match = _SOMEBODY.match(line.strip())
    if match and any(c.isalpha() for c in match[1]):
        return match[1], match[2] or ""
    return otherwise, line


def _shown_name(speaker: str, side: Side, scene: Scene) -> str:
    if side == "character":
        with contextlib.suppress(KeyError):
            return scene.member(speaker).name[scene.language]
    return speaker


def _me(language: Language) -> str:
    return "客人" if language == "zh" else "Guest"


def _label(speaker: Character, language: Language) -> Text:
    return Text(f"{speaker.name[language]}{COLON[language]}", style=f"bold {speaker.colour}")


def _whole_lines(stream: TextIO) -> Iterator[str]:
    for line in stream:
        yield line.rstrip("\r\n")


class _Window(Console):
    def on_broken_pipe(self) -> None:
        # rich would end the process from here, which is the event loop's thread.
        raise BrokenPipeError


class _Loop:
    """An event loop in a thread, and a way to wait for it that Ctrl-C can interrupt."""

    def __enter__(self) -> _Loop:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="room", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def wait(self, work: Coroutine[Any, Any, T], *, interrupted: Any = None) -> T:
        """The result of `work`. The first Ctrl-C calls `interrupted`; the next one is raised.

        Raises:
            KeyboardInterrupt: it was to be given up.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        while True:
            try:
                return future.result()
            except KeyboardInterrupt:
                if interrupted is None:
                    future.cancel()
                    raise
                self._loop.call_soon_threadsafe(interrupted)
                interrupted = None
