"""All that is stored of one person, as plain values for JSON."""

from __future__ import annotations

import time
from typing import Any

from bot.memory.characters import CharacterStore
from bot.memory.feedback import Feedback, Given
from bot.memory.keys import person_key, room_key, unquoted
from bot.memory.known import Known
from bot.memory.known_fields import bond_fields, fact_fields
from bot.memory.person_store import PersonStore
from characters.fields import as_table


async def export(store: PersonStore) -> dict[str, Any]:
    """Accounts, wishes, rooms, what was said there, facts, personas, bonds, characters that the
    person made, and feedback.

    Raises:
        MemoryAway, MemoryProblem: it cannot be read now.
    """
    known = await store.known()
    accounts, rooms, said = await store.lasting(lambda: _in_rooms(store, known))
    made = await CharacterStore(store.memory, store.on_connection).of(known.accounts)
    given = Feedback(store.memory, store.on_connection).given()
    profile = known.profile
    return {
        "accounts": accounts,
        "remembered_in_groups": profile.in_groups,
        "private_shared_with_groups": profile.shared,
        "lessons_allowed": profile.lessons,
        "retention_days": profile.days,
        "read_aloud": profile.aloud,
        "rooms": rooms,
        "said": said,
        "facts": [fact_fields(fact) | {"number": fact.id} for fact in known.facts],
        "personas": dict(known.personas),
        "characters": [
            {"character": who, "private": private, **bond_fields(bond)}
            for (who, private), bond in known.bonds.items()
        ],
        "made": [as_table(entry.character) for entry in made],
        "feedback": [_feedback(piece) async for piece in given if piece.person in known.accounts],
    }


async def _in_rooms(
    store: PersonStore, known: Known
) -> tuple[list[dict[str, str]], list[str], list[dict[str, str]]]:
    accounts: list[dict[str, str]] = []
    visits: list[str] = []
    said: list[dict[str, str]] = []
    for account in known.accounts:
        fields = await store.redis.hgetall(person_key(account, "account"))
        shown = {key: fields[key] for key in ("name", "language", "seen") if key in fields}
        accounts.append({"account": account, **shown})
        visits += await store.redis.zrange(person_key(account, "rooms"), 0, -1)
    rooms = list(dict.fromkeys(visit.partition(" ")[0] for visit in visits))
    for room in rooms:
        rows = await store.redis.xrange(room_key(room, "turns"))
        said += [
            {"room": unquoted(room), "at": row_id, "as": row["s"], "text": row["t"]}
            for row_id, row in rows
            if row.get("p") in known.accounts
        ]
    return accounts, [unquoted(room) for room in rooms], said


def _feedback(piece: Given) -> dict[str, Any]:
    """A thumb, a choice or an edit, without the prompt: that holds what others said, too."""
    ms = int(piece.id.partition("-")[0])
    fields: dict[str, Any] = {
        "kind": piece.kind,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ms / 1000)),
        "character": piece.asked.character,
        "reply": piece.asked.reply,
    }
    if piece.kind == "rate":
        return fields | {"value": piece.value}
    return fields | {"instead_of": piece.other}
