"""Every platform in the list is what `mrp serve` and `mrp doctor` ask for."""

from __future__ import annotations

import argparse
import inspect

import pytest

from bot.platforms import registry
from bot.platforms.protocol import Platform, PlatformProblem, load
from bot.secrets import SecretProblem

ROWS = registry.served()
TOKENS = registry.with_tokens()
METHODS = [name for name, value in vars(Platform).items() if inspect.isfunction(value)]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_it_has_the_methods_with_the_same_parameters(row):
    platform = load(row)
    asked = [name for name in METHODS if not name.startswith("_")]
    assert set(asked) == {"add_options", "tokens", "open", "check"}
    for name in asked:
        wanted = list(inspect.signature(getattr(Platform, name)).parameters)[1:]
        assert list(inspect.signature(getattr(platform, name)).parameters) == wanted


@pytest.mark.parametrize("row", TOKENS, ids=[row.name for row in TOKENS])
@pytest.mark.parametrize("value", ["", "two words"])
def test_a_token_that_is_none_is_one_sentence_that_names_the_variable(row, value):
    with pytest.raises((PlatformProblem, SecretProblem)) as problem:
        load(row).tokens({row.variable: value} if value else {})
    assert row.variable in str(problem.value)
    assert "\n" not in str(problem.value)
    assert isinstance(problem.value, PlatformProblem | SecretProblem)
    assert problem.value.for_user


@pytest.mark.parametrize("row", TOKENS, ids=[row.name for row in TOKENS])
def test_a_token_file_that_cannot_be_read_is_one_sentence(row, tmp_path):
    for content in (None, b"", b"\xff\xfe\x00"):
        file = tmp_path / "token"
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_bytes(content)
        with pytest.raises((PlatformProblem, SecretProblem)) as problem:
            load(row).tokens({f"{row.variable}_FILE": str(file)})
        assert row.variable in str(problem.value)


def test_their_options_do_not_clash():
    parser = argparse.ArgumentParser()
    for row in ROWS:
        load(row).add_options(parser)  # argparse raises where two have one name
    assert parser.format_help()
