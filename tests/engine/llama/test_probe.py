"""Opening a file in a child process first."""

from __future__ import annotations

import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from engine.header import read_header
from engine.llama import probe
from engine.llama.probe import check_survives, look_at
from engine.sequence import ModelError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mrp" / "headers"


def test_a_file_that_is_survived_is_remembered(
    tiny: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = look_at(tiny)
    assert [file.name.startswith(header.digest) for file in cache.iterdir()] == [True]
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("tried again"))
    look_at(tiny)


def test_what_kills_llama_cpp_is_one_sentence(tiny: Path, tmp_path: Path, cache: Path) -> None:
    """Past the checks: a number that they would have refused."""
    data, path = tiny.read_bytes(), tmp_path / "nan.gguf"
    key = b"llama.attention.layer_norm_rms_epsilon"
    at = data.index(key) + len(key) + 4
    path.write_bytes(data[:at] + struct.pack("<f", -1.0) + data[at + 4 :])
    with pytest.raises(ModelError, match=r"llama\.cpp dies of its header") as caught:
        check_survives(read_header(path))
    assert "\n" not in str(caught.value)
    assert not cache.exists()


def test_what_never_ends_is_given_up(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PATIENCE_S", 0.001)
    with pytest.raises(ModelError, match="does not come to an end"):
        check_survives(read_header(tiny))


def test_a_cache_that_cannot_be_written_is_no_fault(tiny: Path, cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder should be")
    check_survives(replace(read_header(tiny), digest="other"))
