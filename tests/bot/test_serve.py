"""After a restart that the pages asked for, a model that cannot be opened makes way."""

from __future__ import annotations

import argparse
import os
from typing import Any

import pytest

from bot import serve, settings
from bot.house import House
from bot.memory import MemoryProblem
from characters.style import StyleError
from engine.sequence import EngineError
from hub.choice import default_model, use
from hub.error import HubError

HOUSE: Any = object()


@pytest.fixture(autouse=True)
def _bare(monkeypatch, tmp_path):
    for key in ("MRP_MODEL", serve.BEFORE):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


@pytest.fixture
def opening(monkeypatch):
    """House.open that refuses one model, and notes which it was asked for."""
    asked: list[str] = []

    async def opened(_):
        asked.append(default_model(os.environ))
        if asked[-1] == "bad.gguf":
            raise opened.problem  # type: ignore[attr-defined]
        return HOUSE

    opened.problem = EngineError("bad.gguf: it is cut off")  # type: ignore[attr-defined]
    opened.asked = asked  # type: ignore[attr-defined]
    monkeypatch.setattr(House, "open", opened)
    return opened


@pytest.mark.parametrize("before", ["", "good.gguf"])
@pytest.mark.parametrize(
    "problem", [EngineError("cut off"), HubError("not here"), StyleError("no style")]
)
async def test_the_one_before_serves_on_and_the_page_can_say_why(opening, before, problem):
    opening.problem = problem
    use("bad.gguf")
    os.environ[serve.BEFORE] = before
    assert await serve._opened(argparse.Namespace()) is HOUSE
    assert opening.asked == ["bad.gguf", before]
    assert default_model(os.environ) == before
    assert serve.BEFORE not in os.environ  # jobs and the next start know nothing of it
    file = settings.kept(settings.REFUSED)
    assert file is not None
    assert file.read_text("utf-8") == f"bad.gguf: {problem}\n"


@pytest.mark.parametrize(
    ("before", "problem"),
    [
        (None, EngineError("cut off")),  # started by hand: whoever did reads the sentence
        ("bad.gguf", EngineError("cut off")),  # it served before, so it is something else
        ("", MemoryProblem("Redis is away")),  # not the model's fault
    ],
)
async def test_other_starts_end_with_their_sentence(opening, before, problem):
    opening.problem = problem
    use("bad.gguf")
    if before is not None:
        os.environ[serve.BEFORE] = before
    with pytest.raises(type(problem)):
        await serve._opened(argparse.Namespace())
    assert default_model(os.environ) == "bad.gguf"
    assert settings.kept(settings.REFUSED) is None


async def test_what_works_is_opened_once(opening):
    use("good.gguf")
    os.environ[serve.BEFORE] = ""
    assert await serve._opened(argparse.Namespace()) is HOUSE
    assert opening.asked == ["good.gguf"]
    assert settings.kept(settings.REFUSED) is None
