"""`mrp evaluate`: one tree of commands."""

from __future__ import annotations

import pytest

import mrp
from evaluation import cli


def test_every_verb_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        mrp.main(["evaluate", "--help"])
    told = capsys.readouterr().out
    for verb in cli.VERBS:
        assert verb.name in told
        assert verb.help
        assert verb.about
        assert f"mrp evaluate {verb.name}" in verb.about
        with pytest.raises(SystemExit) as done:
            cli.main([verb.name, "--help"])
        assert done.value.code == 0
        assert "--json" in capsys.readouterr().out


def test_an_unknown_verb_is_refused_with_the_known_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as done:
        cli.main(["grade"])
    assert done.value.code == 2
    assert "report" in capsys.readouterr().err
