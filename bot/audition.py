"""What the model does for a character that is being made: a test line, and what its card lacks.

    text = await test_line(voice, character, "zh", person="discord:42")
    parts = await drafted(voice, character, "zh")        # {"persona.zh": "…", "lines.zh": "…"}

Nothing of it is kept here: what was drafted is shown first, and kept when somebody says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.conversation import language_of
from bot.drafts import Draft, orders_for, plain
from bot.labels import labels_for
from bot.learning import question
from bot.voice import Voice
from characters.card import Character, Language, Lines, Words
from characters.prompt import Span, encode
from characters.turn import Scene, Turn
from engine.sequence import Reply, Sampling

ROOM = "audition"  # in the engine's queue
QUESTION = Words("你是谁？", "Who are you?")
SOMEBODY = Words("客人", "Guest")
# Tokens that a drafted part may have; what is cut off there ends with its last whole sentence.
LONGEST_DRAFT = {
    "name": 24,
    "brief": 96,
    "greeting": 96,
    "style": 144,
    "lines": 192,
    "persona": 320,
}
DRAFTED_LINES = 3

_WHOLE = re.compile(r".*[。！？!?.」”\n]", re.DOTALL)  # up to the last end of a sentence or row

WRITER = Words(
    "你为角色扮演写人物卡。只用中文，按要求只写那一项，不加标题，不加解释。",
    "You write character cards for role play. In English, write only what is asked for: no title, "
    "no explanation.",
)
TASKS: Mapping[str, Words] = {
    "persona": Words(
        "写这个角色的详细介绍：来历、性情、在意什么、怕什么。三到五句。",
        "Describe the character: origin, temper, what it cares for, what it fears. Three to five "
        "sentences.",
    ),
    "brief": Words("用一句话介绍这个角色。", "Introduce the character in one sentence."),
    "style": Words(
        "写这个角色怎么说话：自称、语气、口头禅。两句。",
        "Say how the character speaks: tone, pet phrases. Two sentences.",
    ),
    "lines": Words(
        "写三句这个角色会说的话，一行一句，不要引号。",
        "Write three lines that the character would say, one a row, without quotation marks.",
    ),
    "greeting": Words(
        "写这个角色登场时说的一句话，不要引号。",
        "Write one line that the character says when it enters, without quotation marks.",
    ),
    "name": Words(
        "这个角色的中文名字。只写名字。", "The character's name in English. Only the name."
    ),
}


async def test_line(voice: Voice, character: Character, language: Language, *, person: str) -> str:
    """What the character answers to "Who are you?", by the model and the card as they are.

    Raises:
        Crowded: the card is too long for the model's context.
        EngineError: the engine failed.
    """
    turn = Turn(SOMEBODY[language], QUESTION[language])
    scene = Scene((character,), turns=(turn,), language=language)
    read = voice.read(scene, character)
    draft = Draft(
        labels_for(scene, character), orders=orders_for(scene, character), thinking=voice.thinks
    )
    reply = voice.begin(read, voice.sampling(scene, character, 0), room=ROOM, person=person)
    try:
        async for piece in reply:
            draft.add(piece)
            if draft.ended:
                break
    finally:
        await reply.aclose()
    return draft.end()


def to_draft(character: Character) -> tuple[str, ...]:
    """The keys that are drafted: long description, manner and lines in the card's own languages,
    and then its twin in the other one."""
    languages: list[Language] = ["zh", "en"] if character.name.zh else ["en", "zh"]
    keys = ("name", "brief", "persona", "style", "greeting", "lines")
    wanted = [f"{key}.{language}" for language in languages for key in keys]
    return tuple(key for key in wanted if key in character.missing)


async def drafted(voice: Voice, character: Character, *, person: str) -> Character:
    """The character with everything drafted that it lacks, as far as the model has an answer.

    Raises:
        EngineError: the engine failed.
    """
    for key in to_draft(character):
        part, _, where = key.partition(".")
        language: Language = "zh" if where == "zh" else "en"
        told = f"{_known(character, language)}\n\n{TASKS[part][language]}"
        spans = question(WRITER[language], told, voice.served.style.markup)
        answer = await _ask(voice, spans, person, LONGEST_DRAFT[part])
        character = _with(character, part, language, answer)
    return character


async def _ask(voice: Voice, spans: tuple[Span, ...], person: str, most: int) -> str:
    tokens = encode(spans, voice.encode)
    if len(tokens) + most > voice.engine.context:
        return ""
    sampling = Sampling(temperature=0.7, max_tokens=most)
    reply: Reply = voice.engine.stream(tokens, sampling, room=ROOM, person=person, stable=0)
    try:
        text = plain("".join([piece async for piece in reply])).strip()
        whole = _WHOLE.match(text) if reply.finish == "length" else None
        return whole[0] if whole else text
    finally:
        await reply.aclose()


def _known(character: Character, language: Language) -> str:
    """The card as far as it goes, for the one who writes the rest: in the language that is asked
    for where that describes it already (or a small model goes on in the other one), else in both.
    """
    parts = (character.name, character.brief, character.persona, character.style)
    languages: list[Language] = ["zh", "en"]
    if _said(character.brief, language) or _said(character.persona, language):
        languages = [language]
    texts = [text for part in parts for each in languages if (text := _said(part, each))]
    texts += [text for each in languages for text in character.greeting[each]]
    return "\n".join(dict.fromkeys(texts))


def _said(words: Words, language: Language) -> str:
    """What is there in a language; `Words` gives the other one where nothing is."""
    return words.zh if language == "zh" else words.en


def _with(character: Character, part: str, language: Language, answer: str) -> Character:
    """The character with a drafted part; as it was where the answer is none, or in another
    language."""
    names = (character.name.zh, character.name.en)
    found = (_bare(row, names) for row in answer.split("\n"))
    rows = list(dict.fromkeys(filter(None, found)))
    if part == "lines":
        rows = [row for row in rows if row not in character.greeting[language]]
    if not rows or language_of("\n".join(rows)) not in (language, None):
        return character
    made: Words | Lines
    before = getattr(character, part)
    if isinstance(before, Lines):
        most = DRAFTED_LINES if part == "lines" else 1
        given = tuple(rows[:most])
        made = Lines(given, before.en) if language == "zh" else Lines(before.zh, given)
    else:
        text = rows[0] if part in ("name", "brief") else " ".join(rows)
        if part == "name":
            text = re.sub(r"[:：<>。.]", "", text)[:40].strip()
        made = Words(text, before.en) if language == "zh" else Words(before.zh, text)
    changed: dict[str, Any] = {part: made}
    return replace(character, **changed)


_QUOTED = re.compile(r"[「“\"'*]+([^「」“”\"*]*)[」”\"'*]+")


def _bare(row: str, names: Sequence[str]) -> str:
    """A row of an answer without number and bullet, the character's name before it, and the
    quotation marks around all of it."""
    row = re.sub(r"^\s*(?:\d{1,2}[.、)）]\s*|[-•]\s*|\*\s+)", "", row).strip()
    for name in filter(None, names):
        if row.startswith(name) and (rest := row[len(name) :].lstrip()).startswith((":", "：")):
            row = rest[1:].strip()
    quoted = _QUOTED.fullmatch(row)
    return (quoted[1] if quoted else row).strip()
