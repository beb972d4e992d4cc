"""A finding is one line, and says what to do where something must be done."""

from __future__ import annotations

import pytest

from bot.doctor.finding import Checkup, Finding


@pytest.mark.parametrize(
    ("finding", "line"),
    [
        (Finding("well", "redis", "version 8.0"), "✓ redis: version 8.0"),
        (Finding("warning", "disk", "1 GiB free", "free some"), "! disk: 1 GiB free. → free some"),
        (Finding("fault", "model", "is gone", "fetch it"), "✗ model: is gone. → fetch it"),
    ],
)
def test_it_is_one_line(finding, line):
    assert str(finding) == line


def test_two_checkups_share_nothing():
    first = Checkup()
    first.findings.append(Finding("well", "x", "y"))
    first.facts["invite"] = "z"
    assert Checkup() == Checkup([], {})
