"""Archives: the files that go in come out, and the same bytes each time."""

import pytest

from characters.card import CardError
from characters.tavern.archive import is_zip, read_zip, write_zip


def test_there_and_back():
    files = {"card.json": b"{}", "assets/icon/图.png": b"x" * 1000}
    made = write_zip(files)
    assert is_zip(made)
    assert made == write_zip(files)
    assert read_zip(made, "x") == files


def test_one_that_stands_behind_a_picture():
    made = b"\xff\xd8\xff" + b"picture" + write_zip({"card.json": b"{}"})
    assert is_zip(made)
    assert read_zip(made, "x") == {"card.json": b"{}"}
    assert not is_zip(b"\xff\xd8\xff picture")


def test_a_file_that_is_damaged():
    made = bytearray(write_zip({"a": b"hello world, hello world"}))
    made[35] ^= 0xFF
    with pytest.raises(CardError, match="x: the archive is damaged"):
        read_zip(bytes(made), "x")
