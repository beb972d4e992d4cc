"""A neural model of a folder: probed in a process of its own, loaded once, and what goes wrong."""
# slow: starts processes

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from speech import model
from speech.error import SpeechError
from speech.model import Model, broken

loaded: list[Path] = []


def well(folder: Path) -> str:
    loaded.append(folder)
    return f"opened {folder.name}"


def raises(folder: Path) -> Any:
    raise ValueError("no such layer")


def dies(folder: Path) -> Any:
    os.abort()  # as the libraries do on some files


def hangs(folder: Path) -> Any:
    import time

    time.sleep(60)


async def test_it_is_loaded_when_it_is_wanted_and_once(tmp_path: Path) -> None:
    loaded.clear()
    made = Model(tmp_path, lambda: "", well)
    assert not loaded
    assert await made.run(lambda opened: opened.upper()) == f"OPENED {tmp_path.name.upper()}"
    assert await made.run(len)
    assert loaded == [tmp_path]
    made.close()


@pytest.mark.parametrize(
    ("opener", "says"), [(raises, "no such layer"), (dies, "cannot be loaded"), (hangs, "in time")]
)
async def test_what_breaks_while_it_is_loaded_is_one_sentence(
    opener: Callable[[Path], Any], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if opener is hangs:
        monkeypatch.setattr(model, "LOADING", 1.0)
    made = Model(tmp_path, lambda: "", opener)
    with pytest.raises(SpeechError, match=says) as caught:
        await made.run(len)
    assert "broken or incomplete" in caught.value.en
    assert "重新下载" in caught.value.zh
    made.close()


async def test_what_breaks_while_it_computes_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Model(tmp_path, lambda: "", well)

    def fails(opened: Any) -> Any:
        raise RuntimeError("bad_alloc")

    with pytest.raises(SpeechError, match="bad_alloc"):
        await made.run(fails)
    refusal = broken(tmp_path, "no words")

    def refuses(opened: Any) -> Any:
        raise refusal

    with pytest.raises(SpeechError) as caught:
        await made.run(refuses)
    assert caught.value is refusal
    monkeypatch.setattr(model, "TIMEOUT", 0.05)
    gate = asyncio.Event()

    def slow(opened: Any) -> Any:
        import time

        while not gate.is_set():
            time.sleep(0.01)

    with pytest.raises(SpeechError, match="did not finish in time"):
        await made.run(slow)
    gate.set()
    made.close()


async def test_what_is_missing_is_said_before_anything_is_loaded(tmp_path: Path) -> None:
    loaded.clear()
    made = Model(tmp_path, lambda: "the package is missing", well)
    with pytest.raises(SpeechError, match="the package is missing"):
        await made.run(len)
    assert not loaded
    made.close()
