"""The card beside a model: its checksum binds, its settings are read, nonsense is no card."""

import hashlib
import json

import pytest

from engine.model_card import check_card, fitted, read_card
from engine.sequence import ModelError


@pytest.fixture
def model(tmp_path):
    file = tmp_path / "m.gguf"
    file.write_bytes(b"weights")

    def with_card(text: str):
        (tmp_path / "m.card.json").write_text(text, encoding="utf-8")
        return file

    return with_card


def test_a_file_that_is_not_its_cards_is_refused(model):
    right = hashlib.sha256(b"weights").hexdigest()
    check_card(model(json.dumps({"sha256": right})))
    with pytest.raises(ModelError, match="not the file its card describes"):
        check_card(model(json.dumps({"sha256": "0" * 64})))


@pytest.mark.parametrize("text", ["", "[]", "nonsense", "[" * 100_000, '{"engine": 3}', "null"])
def test_a_card_that_is_none_says_nothing(model, text):
    file = model(text)
    check_card(file)
    assert fitted(file) == {}


def test_no_card_is_no_error(tmp_path):
    assert read_card(tmp_path / "none.gguf") == {}
    assert fitted(tmp_path / "none.gguf") == {}


def test_settings_that_fit_are_read_and_zeroes_left_out(model):
    file = model('{"engine": {"context": 2048, "replies": "8", "vram": 0, "other": 1}}')
    assert fitted(file) == {"context": 2048.0, "replies": 8.0}
    assert fitted(model('{"engine": {"context": "much"}}')) == {}
