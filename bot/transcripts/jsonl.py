"""A transcript as JSON lines, in the form of SillyTavern's chats: a line about the scene, then one
a line that was said."""

from __future__ import annotations

import json
from typing import Any

from bot.transcripts import Transcript, day


def write(told: Transcript) -> bytes:
    """The file, UTF-8, one object a line."""
    first = told.cast[0].name[told.language] if told.cast else told.title
    head: dict[str, Any] = {
        "user_name": told.people[0] if told.people else "",
        "character_name": first,
        "create_date": day(told.entries[0].at) if told.entries else "",
        "chat_metadata": {
            "title": told.title,
            "language": told.language,
            "place": told.place,
            "mood": told.mood,
            "cast": [{"id": c.id, "name": c.name[told.language]} for c in told.cast],
        },
    }
    rows = [head]
    for entry in told.entries:
        row: dict[str, Any] = {
            "name": entry.name,
            "is_user": entry.side == "human",
            "is_system": entry.side == "narration",
            "send_date": day(entry.at),
            "mes": entry.text,
        }
        if entry.character:
            row["extra"] = {"character": entry.character}
        rows.append(row)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
