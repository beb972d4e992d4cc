"""Records of people, as Wikidata and Wikipedia have them: a folder of JSON files.

{"label": "…", "description": "…", "aliases": ["…"], "claims": [["friend", "…"], …],
 "summary": "…", "wiki": {"title": "…", "content": "…"}, "lang": "zh"}

A file holds one record, an array, or one a line. The same shape as WikiRoleEval's `meta`, so a
benchmark's rows can be handed in too. `trans_claims` are taken before `claims`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from characters.card import Language
from trainer.synth.error import FormatError, OptionError
from trainer.synth.formats.rows import read_rows, text_of
from trainer.synth.wording import language_of


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """Somebody with a name, one line about them, and facts, one a text."""

    label: str
    description: str
    facts: tuple[str, ...]
    aliases: tuple[str, ...]
    language: Language
    source: str


def read_records(folder: Path) -> list[PersonRecord]:
    """All records of a folder, in the order of its files.

    Raises:
        OptionError: no folder, or nothing in it. FormatError: a record is broken.
    """
    if not folder.is_dir():
        raise OptionError(f"{folder}: is no folder of records")
    found = [
        _record(row.get("meta", row), where)
        for file in sorted([*folder.glob("*.json"), *folder.glob("*.jsonl")])
        for where, row in read_rows(file)
    ]
    if not found:
        raise OptionError(f"{folder}: no record (*.json, *.jsonl) in it")
    return found


def _record(row: Any, where: str) -> PersonRecord:
    if not isinstance(row, dict):
        raise FormatError(f"{where}: meta: must be an object")
    label = text_of(row, "label", where).strip()
    if not label:
        raise FormatError(f"{where}: label: is empty")
    description = text_of(row, "description", where, "").strip()
    summary = text_of(row, "summary", where, "").strip()
    wiki = row.get("wiki")
    content = str(wiki.get("content", "")) if isinstance(wiki, dict) else ""
    claims = row.get("trans_claims") or row.get("claims") or []
    if not isinstance(claims, list) or not all(isinstance(claim, list) for claim in claims):
        raise FormatError(f"{where}: claims: must be a list of lists")
    facts = [f"{claim[0]}: {'、'.join(map(str, claim[1:]))}" for claim in claims if len(claim) > 1]
    facts += [line.strip() for line in (summary or content).splitlines() if line.strip()]
    aliases = row.get("aliases", [])
    if not isinstance(aliases, list):
        raise FormatError(f"{where}: aliases: must be a list")
    return PersonRecord(
        label,
        description or summary[:80],
        tuple(facts),
        tuple(map(str, aliases)),
        language_of(description or summary or label),
        where.rsplit("/", 1)[-1],
    )
