"""What fits this machine, and the sentence where nothing of a model does."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.voice import open_voice
from engine.sequence import ModelError
from hub import machine
from hub.catalogue import GiB, catalogue
from hub.choice import choose
from hub.error import HubError
from hub.machine import best_first, machine_memory, too_large


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of 4 GiB without a card."""
    monkeypatch.setattr(machine, "own_memory", lambda: 4 * GiB)
    monkeypatch.setattr(machine, "card_memory", lambda: (0, ""))


def test_a_model_that_is_too_large_says_by_how_much_and_what_would_fit(
    small: None, tmp_path: Path
) -> None:
    known = catalogue()
    environment = {
        "HOME": str(tmp_path),
        "MRP_MODELS": str(tmp_path),
        "MRP_HUB": "http://127.0.0.1:9",
    }
    asked: list[str] = []
    with pytest.raises(HubError) as caught:
        choose("qwen3-14b", ask=lambda what: bool(asked.append(what)), environment=environment)
    said = str(caught.value)
    needed = known["qwen3-14b"].memory() / GiB
    assert f"{needed:.1f} GiB, {needed - 4:.1f} GiB more than this machine has (4.0 GiB)" in said
    offered = said.partition("these would fit: ")[2].partition(" (")[0].split(", ")
    assert len(offered) == 3
    assert all(known[name].memory() <= 4 * GiB for name in offered)
    assert asked == [], "nothing is fetched that cannot be used"


def test_a_file_that_is_too_large_is_one_sentence(small: None, tmp_path: Path) -> None:
    file = tmp_path / "large.gguf"
    with file.open("wb") as opened:
        opened.truncate(5 * GiB)  # a hole: nothing is written
    with pytest.raises(ModelError, match=r"large.gguf takes about 5.0 GiB, 1.0 GiB more"):
        open_voice(str(file))


def test_what_the_machine_and_its_card_hold_together_is_not_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(machine, "own_memory", lambda: 4 * GiB)
    monkeypatch.setattr(machine, "card_memory", lambda: (8 * GiB, "RTX 3070"))
    assert too_large("x", 12 * GiB) == ""
    assert "1.0 GiB more" in too_large("x", 13 * GiB)
    assert machine_memory() == (8 * GiB, "RTX 3070")


def test_where_the_system_does_not_tell_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "own_memory", lambda: 0)
    monkeypatch.setattr(machine, "card_memory", lambda: (0, ""))
    assert too_large("x", 1000 * GiB) == ""
    assert machine_memory() == (8 * GiB, "8 GiB assumed")


def test_a_machine_that_nothing_fits_is_offered_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "own_memory", lambda: GiB // 4)
    monkeypatch.setattr(machine, "card_memory", lambda: (0, ""))
    assert "these would fit" not in too_large("x", GiB)


def test_the_largest_that_fits_comes_first() -> None:
    ordered = best_first(catalogue().values(), 4 * GiB)
    fits = [one.memory() <= 4 * GiB for one in ordered]
    assert fits == sorted(fits, reverse=True)
    fitting = [one.bytes for one, does in zip(ordered, fits, strict=True) if does]
    assert fitting == sorted(fitting, reverse=True)


@pytest.mark.parametrize(
    ("says", "size"),
    [("8192, NVIDIA GeForce RTX 3070", 8 * GiB), ("", 0), ("[N/A], Some", 0), ("No devices", 0)],
)
def test_the_card_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, says: str, size: int
) -> None:
    file = tmp_path / "nvidia-smi"
    file.write_text(f"#!/bin/sh\necho '{says}'\n")
    file.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.card_memory()[0] == size
    monkeypatch.setenv("PATH", "")
    assert machine.card_memory() == (0, "")
