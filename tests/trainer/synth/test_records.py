"""Records of people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from characters.card import load_cast
from trainer import lessons
from trainer.synth import cli
from trainer.synth.error import FormatError, OptionError
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
NEWTON = {
    "label": "牛顿",
    "description": "英国学者",
    "claims": [["职业", "物理学家"]],
    "wiki": {"title": "牛顿", "content": "他看苹果落地。"},
}
HOLMES = {
    "meta": {"label": "Holmes", "description": "A detective.", "summary": "Lodges in London."}
}


def put(folder: Path, *records: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "people.json").write_text(json.dumps(list(records), ensure_ascii=False), "utf-8")
    return folder


def test_a_record_is_claims_first_then_its_summary(tmp_path: Path) -> None:
    li_bai, newton, holmes = read_records(put(tmp_path / "r", LI_BAI, NEWTON, HOLMES))
    assert li_bai.facts == ("友人: 杜甫、汪伦", "出生地: 碎叶城", "李白字太白。", "他好酒。")
    assert newton.facts == ("职业: 物理学家", "他看苹果落地。")
    assert (holmes.language, holmes.label) == ("en", "Holmes")
    assert li_bai.source == "people.json:1"


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({}, "label: is missing"),
        ({"label": " "}, "label: is empty"),
        ({"label": "甲", "claims": "x"}, "claims"),
        ({"label": "甲", "claims": ["x"]}, "claims"),
        ({"label": "甲", "aliases": "x"}, "aliases"),
        ({"meta": 3}, "meta"),
    ],
)
def test_a_broken_record_is_named(record: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=rf"people\.json:2: {told}"):
        read_records(put(tmp_path / "r", LI_BAI, record))


def test_no_records_are_said_so(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no folder"):
        read_records(tmp_path / "none")
    (tmp_path / "r").mkdir()
    with pytest.raises(OptionError, match="no record"):
        read_records(tmp_path / "r")


def test_people_of_records_are_taught_by_ditto_alone(
    script: Any, tmp_path: Path, rows_of: Any
) -> None:
    folder = put(tmp_path / "r", LI_BAI, DU_FU, NEWTON)
    cast = str(tmp_path / "cast")
    cli.main(["cards", str(folder), "-o", cast])
    words = ["ditto", "-o", str(tmp_path / "ditto"), "--model", "m", "--url", script.url]
    words += ["--cards", cast, "--records", str(folder), "--languages", "zh"]
    cli.main([*words, "--characters", "李白", "--count", "2"])
    rows = [r for s in lessons.SPLITS for r in rows_of(tmp_path / "ditto" / f"{s}.jsonl")]
    strangers = {row["provenance"]["sources"][1] for row in rows}
    assert strangers == {"stranger:牛顿"}, "his friend is no stranger to him"
    for row in rows:
        assert "碎叶城" in row["provenance"]["turns"][0]["evidence"]
    assert lessons.load(tmp_path / "ditto", "train", load_cast(tmp_path / "cast"))
