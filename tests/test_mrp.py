"""`mrp VERB …`: what each verb's end means for the exit status, and what the user is told."""

import asyncio
import importlib.metadata
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import types
from collections.abc import Callable

import pytest

import mrp


class Sentence(ValueError):
    for_user = True


@pytest.fixture
def play(monkeypatch):
    """Make the verb `play`, whose main is the given function."""

    def install(main: Callable[[list[str]], int]) -> None:
        module = types.ModuleType("a_play_for_tests")
        vars(module)["main"] = main
        monkeypatch.setitem(sys.modules, "a_play_for_tests", module)
        monkeypatch.setitem(mrp.VERBS, "play", ("a_play_for_tests", "a play"))

    return install


def raising(problem: BaseException) -> Callable[[list[str]], int]:
    def main(argv: list[str]) -> int:
        raise problem

    return main


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"], ["help"]])
def test_usage_lists_every_verb_with_what_it_does(words, capsys):
    assert mrp.main(words) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    for verb, (_, what) in mrp.verbs().items():
        (line,) = (line for line in shown.out.splitlines() if line.split()[:1] == [verb])
        assert line.endswith(what)


def test_an_unknown_verb_is_named_and_exits_2(capsys):
    assert mrp.main(["sing"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "'sing'" in shown.err
    assert mrp.usage() in shown.err


def test_a_verb_gets_the_words_after_it_and_its_status_is_ours(play):
    heard = []
    play(lambda argv: heard.append(argv) or 7)
    assert mrp.main(["play", "--loud", "twice"]) == 7
    assert heard == [["--loud", "twice"]]


def test_without_words_the_command_line_is_read(play, monkeypatch):
    heard = []
    play(lambda argv: heard.append(argv) or 0)
    monkeypatch.setattr(sys, "argv", ["mrp", "play", "once"])
    assert mrp.main() == 0
    assert heard == [["once"]]


def test_only_the_module_of_the_verb_is_imported(play, monkeypatch):
    play(lambda argv: 0)
    monkeypatch.setitem(mrp.VERBS, "broken", ("no_such_module_at_all", "cannot be imported"))
    assert mrp.main(["play"]) == 0


def test_an_error_for_the_user_is_one_line_and_exits_2(play, capsys):
    play(raising(Sentence("the book is not there")))
    assert mrp.main(["play"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "mrp play: the book is not there\n"


def test_a_mistake_of_ours_is_not_hidden(play):
    play(raising(ValueError("a bug")))
    with pytest.raises(ValueError, match="a bug"):
        mrp.main(["play"])


def test_a_missing_library_gives_the_hint_how_to_install_it(play, capsys):
    play(raising(ModuleNotFoundError("No module named 'torch.nn'", name="torch.nn")))
    assert mrp.main(["play"]) == 2
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    assert "mrp play" in shown
    assert "torch" in shown
    assert "mrp-llm[" in shown


@pytest.mark.parametrize("name", ["bot.nowhere", "trainer", None])
def test_a_missing_module_of_our_own_is_a_mistake_of_ours(name, play):
    play(raising(ModuleNotFoundError("No module", name=name)))
    with pytest.raises(ModuleNotFoundError):
        mrp.main(["play"])


def test_every_package_of_the_house_counts_as_our_own(play):
    for module, _ in list(mrp.verbs().values()):
        if module == "a_play_for_tests":
            continue
        play(raising(ModuleNotFoundError("No module", name=f"{module}.gone")))
        with pytest.raises(ModuleNotFoundError):
            mrp.main(["play"])


def test_an_interrupt_exits_130(play):
    play(raising(KeyboardInterrupt()))
    assert mrp.main(["play"]) == 130


async def _in_a_loop(kill):
    try:
        kill()
        await asyncio.sleep(30)
    finally:
        ENDED.append("in a loop")


ENDED: list[str] = []


@pytest.mark.parametrize("within", ["plainly", "in a loop"])
def test_who_is_asked_to_end_closes_what_it_has_opened(within, play):
    def kill() -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    def plainly(argv) -> int:
        try:
            kill()
            time.sleep(30)
        finally:
            ENDED.append("plainly")
        return 0

    ENDED.clear()
    play(plainly if within == "plainly" else lambda argv: asyncio.run(_in_a_loop(kill)))
    before = signal.getsignal(signal.SIGTERM)
    assert mrp.main(["play"]) == 143
    assert [within] == ENDED
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_reader_that_has_gone_away_ends_quietly(play, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", sys.stdout)  # main gives away what stdout was
    play(raising(BrokenPipeError()))
    assert mrp.main(["play"]) == 141
    sys.stdout.close()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("words", [["--version"], ["-V"], ["version"]])
def test_the_version_and_the_commit_are_told(words, capsys, monkeypatch):
    monkeypatch.setattr(mrp, "_commit", lambda: "1a2b3c4")
    assert mrp.main(words) == 0
    assert re.fullmatch(r"mrp \S+( \S+)* \(commit 1a2b3c4\)\n", capsys.readouterr().out)


def test_in_a_checkout_the_commit_is_gits():
    if not (mrp.ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("this is no checkout of git")
    head = subprocess.run(
        ["git", "-C", str(mrp.ROOT), "rev-parse", "HEAD"], capture_output=True, text=True
    ).stdout.strip()
    assert head.startswith(mrp._commit().removesuffix("-dirty"))
    assert mrp._commit()


def test_elsewhere_it_is_what_the_build_wrote(tmp_path, monkeypatch):
    monkeypatch.setattr(mrp, "ROOT", tmp_path)
    assert mrp._commit() == ""
    assert "commit" not in mrp.version()
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot" / "COMMIT").write_text("abc1234\n")
    assert mrp._commit() == "abc1234"


def test_an_unpacked_project_says_so(monkeypatch):
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert mrp.version().startswith("not installed")
