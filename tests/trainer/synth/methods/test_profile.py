"""Profiles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.trainer.synth.methods.folders import Rows, Words, dropped, made
from trainer.synth import cli


def test_a_catchphrase_must_stand_in_card_or_book(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    answer = {"description": "天生石猴，性急胆大。", "catchphrases": ["有老孙在此", "俺老孙来也"]}
    script.answer = lambda body: json.dumps(answer)
    cli.main(ask("profile", "--characters", "wukong", "--languages", "zh"))
    (row,) = made(tmp_path, "profile", rows_of)
    assert row["catchphrases"] == ["有老孙在此"]
    (one,) = dropped(tmp_path, "profile", rows_of)
    assert (one["reason"], one["phrase"]) == ("catchphrase not in card or book", "俺老孙来也")
