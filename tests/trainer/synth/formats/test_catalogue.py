"""Every format by its name: read, written, refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.synth.formats.samples import FILES, put
from trainer.synth.error import FormatError
from trainer.synth.formats import FORMATS, read, write


def rows_of(path: Path) -> list[dict[str, Any]]:
    text = path.read_text("utf-8")
    return json.loads(text) if text.startswith("[") else [json.loads(x) for x in text.splitlines()]


def test_every_format_but_the_folder_has_a_file_here() -> None:
    assert set(FILES) | {"chatharuhi"} == set(FORMATS)


@pytest.mark.parametrize("name", FILES)
def test_a_file_written_again_is_the_file_read(name: str, tmp_path: Path) -> None:
    source = put(tmp_path / "in.jsonl", FILES[name])
    found = list(read(name, source, "孙悟空"))
    assert found
    assert write(name, tmp_path / "out.jsonl", found) == len(found)
    assert rows_of(tmp_path / "out.jsonl") == FILES[name]
    assert list(read(name, tmp_path / "out.jsonl", "孙悟空")) == found


@pytest.mark.parametrize("name", FILES)
def test_an_array_reads_like_lines(name: str, tmp_path: Path) -> None:
    lines = put(tmp_path / "in.jsonl", FILES[name])
    array = tmp_path / "in.json"
    array.write_text(json.dumps(FILES[name], ensure_ascii=False, indent=1), "utf-8")
    assert list(read(name, array, "孙悟空")) == list(read(name, lines, "孙悟空"))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "text", ["{", "[1, 2]", '{"conversation": 3, "role": 1}', "\udcff", '"just text"']
)
def test_a_broken_file_is_refused_with_its_name(name: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / "broken.jsonl"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(FormatError, match=r"broken\.jsonl"):
        list(read(name, file, "孙悟空"))


def test_a_missing_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="there is nothing"):
        read("alpaca", tmp_path / "none.json")
