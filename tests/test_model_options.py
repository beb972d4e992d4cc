"""Every verb that opens a model by name takes what belongs to one: --voice, and --markup for a file
whose chat template does not tell its family."""

from __future__ import annotations

import pytest

import mrp

# Verbs with the option that names the model. `mrp bench` is not among them: what its scenes say is
# noise, in no family's markup.
OPENING = (
    (("terminal",), "--model"),
    (("discord",), "--model"),
    (("telegram",), "--model"),
    (("serve",), "--model"),
    (("doctor",), "--model"),
    (("evaluate", "identity"), "--model"),
    (("evaluate", "speaker"), "--model"),
    (("evaluate", "turns"), "--model"),
    (("evaluate", "evenings"), "--model"),
    (("evaluate", "report"), "--voice"),  # the model is its argument
    (("synth", "qa"), "--gguf"),
)


@pytest.mark.parametrize(("verb", "model"), OPENING, ids=lambda one: " ".join(one))
def test_a_model_can_be_given_its_family(verb, model, capsys):
    with pytest.raises(SystemExit) as left:
        mrp.main([*verb, "--help"])
    assert left.value.code == 0
    said = capsys.readouterr().out
    for option in (model, "--voice", "--markup NAME"):
        assert option in said


@pytest.mark.parametrize("verb", [("terminal",), ("evaluate", "identity")], ids=" ".join)
def test_a_family_that_is_none_ends_with_the_choices(verb, capsys):
    assert mrp.main([*verb, "--markup", "vicunna"]) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert "'vicunna'" in said
    assert "near to it: vicuna" in said
    assert "mistral-v1" in said
