"""A character's card as people read it in a chat: every field, and what is missing said. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from bot.timbre import in_words
from characters.card import Character, Language, Words

NAME = Words("名字", "Name")
ALIASES = Words("别名", "Nicknames")
FIELDS = {
    "brief": Words("简介", "Short description"),
    "persona": Words("详情", "Long description"),
    "style": Words("语气", "Manner"),
}
GREETING = Words("开场白", "Greeting")
LINES = Words("台词", "Lines")
VOICE = Words("声音", "Voice")
CATEGORIES = Words("类别", "Categories")
MISSING = Words("（缺）", "(missing)")
NO_ENGLISH = Words("（还没有英文）", "(no English yet)")
NO_CHINESE = Words("（还没有中文）", "(no Chinese yet)")
COUNTS = Words(
    "👍 {} 👎 {} · 登台 {} 次，请过的人约 {} 位",
    "👍 {} 👎 {} · summoned {} times by some {} people",
)
LONGEST_SHOWN = 600  # characters of a field


@dataclass(frozen=True, slots=True)
class Counts:
    """How often a character was summoned, by about how many people, and thumbs of all people."""

    summons: int = 0
    people: int = 0
    up: int = 0
    down: int = 0


def sheet(character: Character, language: Language, counts: Counts | None = None) -> str:
    """All fields of a card, one a line, in a language; long ones by their beginning."""
    colon = "：" if language == "zh" else ": "
    gap = "、" if language == "zh" else ", "
    name = f"{character.emoji} {character.name[language]}".strip()
    aliases = gap.join(character.aliases[language] or character.aliases.zh or character.aliases.en)
    rows = [f"{NAME[language]}{colon}{name}"]
    if aliases:
        rows.append(f"{ALIASES[language]}{colon}{aliases}")
    for key, label in FIELDS.items():
        rows.append(
            f"{label[language]}{colon}{_short(getattr(character, key)[language], language)}"
        )
    greeting = character.greeting.either(language)
    rows.append(f"{GREETING[language]}{colon}{_short(' / '.join(greeting), language)}")
    lines = character.lines.either(language)
    rows.append(f"{LINES[language]}{colon}{_short(' / '.join(lines), language)}")
    if character.categories:
        rows.append(f"{CATEGORIES[language]}{colon}{gap.join(character.categories)}")
    if voice := in_words(character.voice, language):
        rows.append(f"{VOICE[language]}{colon}{voice}")
    if not (character.name.zh and character.name.en):
        rows.append((NO_ENGLISH if character.name.zh else NO_CHINESE)[language])
    if counts is not None:
        rows.append(COUNTS[language].format(counts.up, counts.down, counts.summons, counts.people))
    return "\n".join(rows)


def _short(text: str, language: Language) -> str:
    if not text:
        return MISSING[language]
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}……"
