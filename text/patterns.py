"""Regular expressions of strangers, searched with a time limit (which `re` has not).

find = pattern("/mon(key|k)s?/i")
find("three monks")                  True; False too when it takes too long
"""

from __future__ import annotations

from collections.abc import Callable

import regex

PATIENCE = 0.05  # seconds that one search may take
LONGEST = 1_000  # characters of a pattern
_FLAGS = {"i": regex.IGNORECASE, "m": regex.MULTILINE, "s": regex.DOTALL}


class PatternError(ValueError):
    """A pattern that cannot be used; the message says why."""


def pattern(written: str, *, ignore_case: bool = False) -> Callable[[str], bool]:
    """Whether a text matches; `written` as JavaScript has it, `/…/flags`, or bare.

    Raises:
        PatternError: it does not compile, or is too long.
    """
    body, flags = parts(written)
    if len(body) > LONGEST:
        raise PatternError(f"has {len(body)} characters; at most {LONGEST}")
    options = regex.IGNORECASE if ignore_case else 0
    for letter in flags:
        options |= _FLAGS.get(letter, 0)
    try:
        compiled = regex.compile(body, options)
    except (regex.error, RecursionError, OverflowError, ValueError) as problem:
        raise PatternError(f"does not compile: {problem}") from problem

    def matches(text: str) -> bool:
        try:
            return compiled.search(text, timeout=PATIENCE) is not None
        except TimeoutError:
            return False

    return matches


def parts(written: str) -> tuple[str, str]:
    """Pattern and flags of `/…/flags`; what is not written so is a pattern without flags."""
    found = regex.fullmatch(r"/((?:[^/\\]|\\.)+)/([a-z]{0,8})", written, regex.DOTALL)
    return (found[1], found[2]) if found else (written, "")


def is_pattern(written: str) -> bool:
    """Whether a key is written as a pattern, between slashes."""
    return parts(written) != (written, "")
