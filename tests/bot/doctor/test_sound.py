"""What the doctor says about speech and hearing."""

from __future__ import annotations

import argparse

import pytest

from bot.doctor.sound import check_sound


def told(**options: str) -> list[tuple[str, str, str]]:
    found = check_sound(argparse.Namespace(**options), {"XDG_DATA_HOME": "/nonexistent"})
    return [(one.level, one.about, one.says) for one in found]


def test_without_espeak_nothing_is_wrong_and_what_is_missing_is_said(monkeypatch):
    monkeypatch.setattr("speech.espeak.shutil.which", lambda name: None)
    ((level, about, says),) = told(speech="auto", hearing="off")
    assert (level, about) == ("well", "speech")
    assert "apt-get install espeak-ng" in says
    assert told(speech="off", hearing="off") == []


@pytest.mark.parametrize(
    ("options", "about", "says"),
    [
        ({"speech": "kokoro"}, "speech", "mrp model pull kokoro"),
        ({"speech": "off", "hearing": "sensevoice"}, "hearing", "mrp model pull sensevoice"),
        ({"speech": "off", "hearing": "nobody"}, "hearing", "there is no"),
    ],
)
def test_what_was_asked_for_and_is_not_here_is_a_fault(options, about: str, says: str):
    ((level, about_found, told_is),) = told(**options)
    assert (level, about_found) == ("fault", about)
    assert says in told_is


def test_an_endpoint_is_well():
    rows = told(speech="http://127.0.0.1:1/v1", hearing="http://127.0.0.1:1/v1")
    assert [(level, about) for level, about, _ in rows] == [("well", "speech"), ("well", "hearing")]
