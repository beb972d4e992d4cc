"""A file takes its name when it is whole, and leaves nothing behind when it is not."""

import shutil

import pytest

from quantize.aside import aside
from quantize.error import ConvertError


def test_the_name_is_taken_when_the_block_ends_well(tmp_path):
    output = tmp_path / "a.gguf"
    with aside(output, 10, ConvertError) as partial:
        partial.write_bytes(b"new")
        assert not output.exists()
    assert output.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [output]


def test_a_failure_keeps_the_old_file_and_leaves_no_part(tmp_path):
    output = tmp_path / "a.gguf"
    output.write_bytes(b"old")

    def half() -> None:
        with aside(output, 10, ConvertError) as partial:
            partial.write_bytes(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        half()
    assert output.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [output]


def test_a_disk_that_fills_up_is_one_sentence(tmp_path):
    with (
        pytest.raises(ConvertError, match="cannot be written"),
        aside(tmp_path / "a", 1, ConvertError),
    ):
        raise OSError(28, "No space left on device")


def test_places_that_cannot_be_are_said_before_anything_is_written(tmp_path, monkeypatch):
    for output, said in ((tmp_path, "is a folder"), (tmp_path / "no" / "a", "is not a folder")):
        with pytest.raises(ConvertError, match=said), aside(output, 1, ConvertError):
            pass
    usage = shutil.disk_usage(tmp_path)._replace(free=5)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ConvertError, match="GB free"), aside(tmp_path / "a", 6, ConvertError):
        pass
