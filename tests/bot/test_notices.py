"""What the house says stands in both languages and takes the same values in both."""

import re
import string

import pytest

from bot import notices, rights
from bot.platforms.telegram import buttons, messages
from characters.card import Words

NOTICES = {name: value for name, value in vars(notices).items() if isinstance(value, Words)}


def fields(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("name", NOTICES)
def test_a_notice_takes_the_same_values_in_both_languages(name):
    words = NOTICES[name]
    assert words.zh.strip()
    assert words.en.strip()
    assert fields(words.zh) == fields(words.en)


@pytest.mark.parametrize("name", NOTICES)
def test_each_language_is_in_its_own_script(name):
    def chinese(text: str) -> bool:
        return any("\u4e00" <= character <= "\u9fff" for character in text)

    assert not chinese(NOTICES[name].en.replace("中文", ""))
    assert chinese(NOTICES[name].zh) or not any(c.isalpha() for c in NOTICES[name].zh)


MODULES = (notices, rights, messages, buttons)
ALL = [
    (f"{module.__name__}.{name}", value)
    for module in MODULES
    for name, value in vars(module).items()
    if isinstance(value, Words)
]
VERBS = {"comes", "means", "leaves", "speaks", "goes", "rolls", "knows"}


@pytest.mark.parametrize(("name", "words"), ALL, ids=[name for name, _ in ALL])
def test_a_number_stands_before_no_plural(name, words):
    """“1 times”: a count stands behind its noun, as in “(lines: 1)”."""
    after = re.findall(r"\{\w*\} (?:[a-z]+ )?([a-z]+s)\b(?!')", words.en)
    assert set(after) <= VERBS | {"was", "is", "this", "as", "characters"}, words.en
