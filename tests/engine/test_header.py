"""A GGUF's header, whole and broken, without llama.cpp."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from engine.header import ManyValues, parts_of, read_header, size_of
from engine.sequence import ModelError


def test_values_and_tensors_are_read(tiny: Path) -> None:
    header = read_header(tiny)
    assert header.architecture == "llama"
    assert header.type == "model"
    assert header.own("block_count") == 2
    assert header.values["tokenizer.ggml.tokens"] == ManyValues(512)
    assert header.count("tokenizer.ggml.token_type") == 512
    assert header.tensors["blk.0.ffn_up.weight"].shape == (64, 128)
    assert header.size < tiny.stat().st_size


def test_a_header_that_ends_anywhere_is_one_sentence(tiny: Path, tmp_path: Path) -> None:
    data, path = tiny.read_bytes(), tmp_path / "cut.gguf"
    chance = random.Random(1)
    for end in [*range(4, 60), *(chance.randrange(60, read_header(tiny).size) for _ in range(60))]:
        path.write_bytes(data[:end])
        with pytest.raises(ModelError, match="cut off") as caught:
            read_header(path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "saying"),
    [
        (b"", "empty"),
        (b"PK\3\4", "zip"),
        (b"<!doctype html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"tjgg\0\0\0\0", "old GGML"),
        (b"something else", "does not begin with GGUF"),
        (b"GGUF" + struct.pack("<I", 1) + bytes(16), "version 1"),
        (b"GGUF" + struct.pack(">I", 3) + bytes(16), "big-endian"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**63, 1), "announces"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 2**40), "announces"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**62), "cut off"),
        (b"GGUF" + struct.pack("<IQQQ1sI", 3, 0, 1, 1, b"a", 99), "unknown type"),
        (b"GGUF" + struct.pack("<IQQQ1sI", 3, 1, 0, 1, b"a", 9), "9 dimensions"),
        (b"GGUF" + struct.pack("<IQQQ1sIQ", 3, 1, 0, 1, b"a", 1, 2**60), "sizes"),
        (b"GGUF" + struct.pack("<IQQQ1sIIQ", 3, 0, 1, 1, b"a", 9, 4, 2**61), "cut off"),
        (b"GGUF" + struct.pack("<IQQQ1sIIQ", 3, 0, 1, 1, b"a", 9, 9, 1), "unknown type"),
    ],
)
def test_what_is_no_gguf_is_named(tmp_path: Path, data: bytes, saying: str) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=saying):
        read_header(path)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.gguf"):
        with pytest.raises(ModelError, match="cannot be read"):
            read_header(path)


def test_a_split_model_counts_whole(tiny: Path, tmp_path: Path) -> None:
    data, header = tiny.read_bytes(), read_header(tiny)
    names = [tmp_path / f"m-0000{n}-of-00003.gguf" for n in (1, 2, 3)]
    for name in names:
        name.write_bytes(data)
    assert parts_of(names[0]) == names
    # What later parts repeat of the header is not counted.
    assert size_of(names[0]) == len(data) + 2 * (len(data) - header.size)
    assert size_of(tiny) == len(data)
    with pytest.raises(ModelError, match=r"part 2 of 3; name the first: m-00001-of-00003\.gguf"):
        parts_of(names[1])
    names[2].unlink()
    with pytest.raises(ModelError, match=r"m-00003-of-00003\.gguf is not beside it"):
        size_of(names[0])
