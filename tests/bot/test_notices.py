"""What the house says stands in both languages and takes the same values in both."""

import string

import pytest

from bot import notices
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
