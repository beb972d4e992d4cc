"""What the web pages keep: files that only their owner may read; options come before them."""

import argparse
import os
import stat
from pathlib import Path

import pytest

from bot import serve, settings
from bot.house import _named
from bot.settings import SettingsProblem


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    for name in ("MRP_LIMITS", "MRP_STUDIO", "DISCORD_TOKEN", "TELEGRAM_TOKEN"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    return tmp_path


def test_a_setting_is_kept_whole_and_taken_away():
    assert settings.kept("MRP_LIMITS") is None
    file = settings.keep("MRP_LIMITS", "blocked = []\n")
    assert file.name == "limits.toml"
    assert settings.kept("MRP_LIMITS") == file
    settings.keep("MRP_LIMITS", "# 规矩\n")
    assert file.read_text("utf-8") == "# 规矩\n"
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(file.parent).st_mode) == 0o700
    assert list(file.parent.iterdir()) == [file]
    settings.keep("MRP_LIMITS", "")
    assert settings.kept("MRP_LIMITS") is None


def test_an_option_and_the_environment_come_first(monkeypatch):
    file = settings.keep("MRP_LIMITS", "blocked = []\n")
    assert _named(None, "MRP_LIMITS") == file
    monkeypatch.setenv("MRP_LIMITS", "of-the-environment.toml")
    assert _named(None, "MRP_LIMITS") == Path("of-the-environment.toml")
    assert _named(Path("given.toml"), "MRP_LIMITS") == Path("given.toml")


def test_kept_tokens_are_files_that_the_environment_would_name():
    file = settings.keep("TELEGRAM_TOKEN", "1:x")
    assert settings.with_tokens({"A": "b"}) == {"A": "b", "TELEGRAM_TOKEN_FILE": str(file)}
    for given in ({"TELEGRAM_TOKEN": "2:y"}, {"TELEGRAM_TOKEN_FILE": "/run/secrets/token"}):
        assert settings.with_tokens(given) == given


def test_a_folder_that_cannot_be_is_a_sentence(home):
    (home / "mrp").write_text("a file")
    with pytest.raises(SettingsProblem, match="XDG_DATA_HOME"):
        settings.keep("MRP_LIMITS", "x")


@pytest.mark.parametrize("studio", [False, True])
def test_who_uses_kept_tokens(monkeypatch, studio):
    """Every process that serves; where the web pages are served, they do."""
    settings.keep("TELEGRAM_TOKEN", "123456:" + "A" * 35)
    seen = []

    async def served(options, environment, *, only=None):
        seen.append((dict(environment), only))

    monkeypatch.setattr(serve, "serve", served)
    monkeypatch.setattr("bot.logs.set_up", lambda *_, **__: None)
    if studio:
        monkeypatch.setenv("MRP_STUDIO", "127.0.0.1:8642")
    assert serve.main([]) == 0
    assert ("TELEGRAM_TOKEN_FILE" in seen[0][0]) == (not studio)
    assert serve.alone("telegram", []) == 0
    assert "TELEGRAM_TOKEN_FILE" in seen[1][0]
    assert serve.alone("studio", []) == 0
    assert "TELEGRAM_TOKEN_FILE" not in seen[2][0]
    assert isinstance(serve.parser("studio"), argparse.ArgumentParser)
