"""The card beside a model: its checksum and its settings, whatever stands in it."""

import hashlib
import json
from pathlib import Path

import pytest

from engine.model_card import check_card, fitted, read_card
from engine.sequence import ModelError


@pytest.mark.parametrize("text", ["", "no json", "[]", "[" * 100_000, '{"engine": 3}'])
def test_a_broken_card_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.card.json").write_text(text)
    (tmp_path / "m.gguf").write_bytes(b"model")
    assert fitted(tmp_path / "m.gguf") == {}
    check_card(tmp_path / "m.gguf")
    assert isinstance(read_card(tmp_path / "m.gguf"), dict)


def test_all_parts_of_a_split_model_count(tmp_path: Path) -> None:
    parts = [tmp_path / f"m-0000{n}-of-00002.gguf" for n in (1, 2)]
    for part, data in zip(parts, (b"one", b"two"), strict=True):
        part.write_bytes(data)
    card = parts[0].with_suffix(".card.json")
    card.write_text(json.dumps({"sha256": hashlib.sha256(b"onetwo").hexdigest()}))
    check_card(parts[0])
    parts[1].write_bytes(b"other")
    with pytest.raises(ModelError, match="not the file its card describes"):
        check_card(parts[0])
