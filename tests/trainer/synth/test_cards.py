"""Records of people as cards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from characters.card import load_cast
from trainer.synth import cli
from trainer.synth.cards import write_cards
from trainer.synth.error import FormatError
from trainer.synth.records import read_records

LI_BAI = {
    "label": "李白",
    "description": "唐代诗人，人称诗仙",
    "aliases": ["太白", "青莲居士"],
    "claims": [["友人", "杜甫", "汪伦"], ["出生地", "碎叶城"]],
    "summary": "李白字太白。\n他好酒。",
}
DU_FU = {
    "label": "杜甫",
    "description": "唐代诗人",
    "claims": [["字", "子美"]],
    "aliases": ["太白"],
}
HOLMES = {
    "meta": {"label": "Holmes", "description": "A detective.", "summary": "Lodges in London."}
}


def put(folder: Path, *records: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "people.json").write_text(json.dumps(list(records), ensure_ascii=False), "utf-8")
    return folder


def test_a_record_becomes_a_card_that_loads(tmp_path: Path) -> None:
    folder = put(tmp_path / "r", LI_BAI, DU_FU, HOLMES)
    assert cli.main(["cards", str(folder), "-o", str(tmp_path / "cast")]) == 0
    cast = load_cast(tmp_path / "cast")
    li_bai = cast.find("太白")
    assert li_bai.name.zh == "李白", "an alias belongs to the first who has it"
    assert li_bai.brief.zh == "唐代诗人，人称诗仙"
    assert "碎叶城" in li_bai.persona.zh
    assert cast.find("holmes").brief.en == "A detective."
    assert len(cast) == 3


def test_two_records_of_one_name_and_odd_letters(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="already"):
        write_cards(read_records(put(tmp_path / "r", LI_BAI, LI_BAI)), tmp_path / "cast")
    odd = {"label": 'A: "B" <c>', "description": 'x\\ "y"\x7f\n\tz'}
    (card,) = write_cards(read_records(put(tmp_path / "r", odd)), tmp_path / "cast")
    assert card.name.en == 'A "B" c'
    assert card.brief.en == 'x\\ "y"\x7f z'
