"""JSON and YAML as plain values: what people mean as text stays text."""

import pytest

from characters.card import CardError
from characters.tavern.values import read_json, read_yaml, write_json, write_yaml


def test_yaml_keeps_what_looks_like_a_date_and_joins_nothing():
    found = read_yaml(b"name: A\nsince: 2020-01-01\n<<: x\n1: y\n=: z\n", "x")
    assert found == {"name": "A", "since": "2020-01-01", "<<": "x", "1": "y", "=": "z"}


def test_any_encoding_that_editors_write():
    for data in (
        '{"a": "猫"}'.encode(),
        '\ufeff{"a": "猫"}'.encode(),
        '{"a": "猫"}'.encode("utf-16"),
    ):
        assert read_json(data, "x") == {"a": "猫"}


def test_there_and_back():
    values = {
        "a": ["x: y", "- b", "# c", "", " d ", "\t", "é🐒\u2028\x85\x00\x7f"],
        "n": None,
        "f": 1e-7,
    }
    assert read_json(write_json(values), "x") == values
    assert read_yaml(write_yaml(values), "x") == values


def test_what_is_too_much():
    with pytest.raises(CardError, match=r"x: has .* bytes"):
        read_json(b" " * (9 << 20), "x")
    with pytest.raises(CardError, match="is too large"):
        read_json(b"[" + b"0," * 300_000 + b"0]", "x")
    with pytest.raises(CardError, match="nor UTF-8"):
        read_json(b"\xff\xff\xff", "x")
