"""How what is known of a person is written in Redis: four hashes under one of their accounts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bot.memory.keys import person_key, tag, unquoted
from bot.memory.known import DAYS, Bond, Fact, Known, Profile
from characters.card import Language

PARTS = ("profile", "facts", "bonds", "personas")


def known_keys(root: str) -> list[str]:
    """The keys of the four hashes."""
    return [person_key(root, part) for part in PARTS]


def known_from_fields(
    root: str,
    hashes: Sequence[Mapping[str, str]],
    *,
    name: str = "",
    language: Language | None = None,
) -> Known:
    """What is known, out of the four hashes in the order of `PARTS`."""
    profile, facts, bonds, personas = hashes
    return Known(
        person=root,
        name=name,
        language=language,
        profile=Profile(
            in_groups=profile.get("in_groups") != "0",
            shared=profile.get("shared") == "1",
            lessons=profile.get("lessons") == "1",
            aloud=profile.get("aloud", ""),
            days=int(profile.get("days", DAYS)),
            accounts=_accounts(profile, "accounts"),
            leaving="leaving" in profile,
            joining=_accounts(profile, "joining"),
            clearing=_accounts(profile, "clearing"),
            parting=_accounts(profile, "parting"),
        ),
        facts=tuple(
            sorted(
                (_fact(int(number), json.loads(row)) for number, row in facts.items()),
                key=lambda fact: fact.id,
            )
        ),
        bonds={_bond_key(key): Bond(**json.loads(row)) for key, row in bonds.items()},
        personas=_personas(personas),
    )


def known_to_fields(known: Known) -> tuple[dict[str, str], ...]:
    """The inverse of `known_from_fields`."""
    profile = known.profile
    fields = {
        "in_groups": "" if profile.in_groups else "0",
        "shared": "1" if profile.shared else "",
        "lessons": "1" if profile.lessons else "",
        "aloud": profile.aloud,
        "days": "" if profile.days == DAYS else str(profile.days),
        "accounts": " ".join(map(tag, profile.accounts)),
        "leaving": "1" if profile.leaving else "",
        "joining": " ".join(map(tag, profile.joining)),
        "clearing": " ".join(map(tag, profile.clearing)),
        "parting": " ".join(map(tag, profile.parting)),
    }
    return (
        {key: text for key, text in fields.items() if text},
        {str(fact.id): _json(fact_fields(fact)) for fact in known.facts},
        {
            f"{who} private" if private else who: _json(bond_fields(bond))
            for (who, private), bond in known.bonds.items()
        },
        {room: f"{number:03} {text}" for number, (room, text) in enumerate(known.personas.items())},
    )


def fact_fields(fact: Fact) -> dict[str, Any]:
    """A fact as plain values for JSON, without its number."""
    fields: dict[str, Any] = {
        "text": fact.text,
        "room": fact.room,
        "private": fact.private,
        "sure": fact.sure,
        "pinned": fact.pinned,
        "turn": fact.turn,
        "at": fact.at,
    }
    if fact.heard is not None:
        fields["heard"] = sorted(fact.heard)
    if fact.by:
        fields["by"] = fact.by
    return fields


def bond_fields(bond: Bond) -> dict[str, Any]:
    """A bond as plain values for JSON."""
    return {
        "talks": bond.talks,
        "first": bond.first,
        "last": bond.last,
        "summary": bond.summary,
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _accounts(profile: Mapping[str, str], field: str) -> tuple[str, ...]:
    return tuple(map(unquoted, profile.get(field, "").split()))


def _fact(number: int, fields: dict[str, Any]) -> Fact:
    heard = fields.pop("heard", None)
    return Fact(**fields, heard=None if heard is None else frozenset(heard), id=number)


def _bond_key(key: str) -> tuple[str, bool]:
    who, _, private = key.partition(" ")
    return who, bool(private)


def _personas(hash_: Mapping[str, str]) -> dict[str, str]:
    ordered = sorted(hash_.items(), key=lambda item: item[1][:3])
    return {room: text[4:] for room, text in ordered}
