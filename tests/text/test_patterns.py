"""Patterns of strangers: JavaScript's way of writing them, and an end to the search."""

import time

import pytest

from text.patterns import LONGEST, PatternError, is_pattern, pattern


def test_flags_between_slashes_and_bare():
    assert pattern("/mon(key|k)s?/i")("Three MONKS")
    assert not pattern("/mon(key|k)s?/")("Three MONKS")
    assert pattern("monk", ignore_case=True)("MONK")
    assert pattern(r"/a\/b/")("a/b")
    assert pattern("/^b$/m")("a\nb")
    assert pattern("/猴[王子]/")("美猴王")


def test_what_is_a_pattern():
    assert is_pattern("/a/")
    assert not is_pattern("and/or")
    assert not is_pattern("//")
    assert not is_pattern("a")


@pytest.mark.parametrize("written", ["/(/", "/a{99999999999}/", "/" + "a" * (LONGEST + 1) + "/"])
def test_what_cannot_be_used(written):
    with pytest.raises(PatternError):
        pattern(written)


def test_a_search_without_end_ends():
    finds = pattern("/(a+)+$/")
    began = time.process_time()
    assert not finds("a" * 5000 + "b")
    assert time.process_time() - began < 5
