"""A TOML file is bounded before it is parsed."""

import time
import tomllib

import pytest

from bot.limits import LimitsError, load_limits
from characters.card import CardError, load_card
from text.toml import read_toml, write_toml

ABSURD = {
    "deep arrays": "a = " + "[" * 5000 + "]" * 5000,
    "deep tables": "a = " + "{b = " * 3000 + "1" + "}" * 3000,
    "a long dotted key": ".".join(["a"] * 50_000) + " = 1",
    "a long quoted key": ".".join(['"a"'] * 25_000) + " = 1",
    "a long header": "[" + ".".join(["a"] * 50_000) + "]",
    "large": "a = '" + "x" * (1 << 20) + "'",
    "a run of letters": "a" * 500_000,
}


@pytest.mark.parametrize("text", ABSURD.values(), ids=ABSURD)
def test_absurd_files_are_one_sentence_and_fast(tmp_path, text):
    file = tmp_path / "card.toml"
    file.write_text(text, encoding="utf-8")
    started = time.process_time()
    with pytest.raises(tomllib.TOMLDecodeError):
        read_toml(file)
    with pytest.raises(CardError) as told:
        load_card(file)
    with pytest.raises(LimitsError):
        load_limits(file)
    assert len(str(told.value)) < 500
    assert "\n" not in str(told.value)
    assert time.process_time() - started < 3


def test_brackets_and_dots_in_texts_do_not_count(tmp_path):
    file = tmp_path / "a.toml"
    file.write_text(
        'a = "' + "[" * 500 + "\"\nb = '''\n" + "a." * 500 + "\n'''\n# " + "[" * 99 + "\n",
        encoding="utf-8",
    )
    assert read_toml(file) == {"a": "[" * 500, "b": "a." * 500 + "\n"}


@pytest.mark.parametrize(
    "table",
    [
        {"a": 'x"y\\z\n\t\x7f\u2028é🐒', "b": 1, "c": 0.5, "d": True, "e": ["x", "y"], "f": []},
        {"t": {"zh": "一", "en": ["a"]}, "many": [{"a": 1}, {"b": {"c": "d"}}], "a b": "c"},
        {},
    ],
)
def test_what_is_written_is_read_again(tmp_path, table):
    file = tmp_path / "x.toml"
    file.write_text(write_toml(table), encoding="utf-8")
    assert read_toml(file) == table


def test_what_toml_cannot_hold():
    with pytest.raises(TypeError):
        write_toml({"a": None})
