"""Who answers: values in, names out. No model, no clock, no dice.

For what a person says (`answerers`), in this order:

1. The characters on stage that the text names, by any name or alias, in the order of mention. At
   each place the longest name wins (小白龙 is not 白龙), Chinese names count anywhere in the text,
   Latin ones as whole words. A name that belongs to somebody off stage counts for nobody.
2. A name that is waved away is not an address, and that character keeps silent: 「别叫悟空」,
   「不要问八戒」, 「除了悟空」, 「悟空闭嘴」, "don't ask Wukong", "anyone but Pigsy". Names that 和
   or "and" joins to it are waved away with it: 「别叫悟空和八戒」.
3. A group is addressed (你们, 大家, 诸位, everyone): all on stage, the most talkative first.
4. Another person is addressed (「小红，…」): nobody; people may talk with each other.
5. The character this person is talking with: the one that spoke last, or, when other people have
   spoken since, the one that last answered this person.
6. The most talkative of those on stage.

A character may be drawn in, once a round, by what another one says to it (`called`): 「八戒，你说是
不是？」. A round, all that follows one human message, has at most `CAP` turns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from characters.card import Character
from characters.turn import Scene, Turn

# Turns of characters after one human message. SillyTavern's auto mode has no cap, and runaway
# chatter is what its users complain of; three is a short exchange.
CAP = 3


@dataclass(frozen=True, slots=True)
class Mention:
    """A name found in a text. `spurned`: the text says that this one should not speak."""

    character: Character
    start: int
    end: int
    spurned: bool = False


def mentions(text: str, cast: Iterable[Character]) -> tuple[Mention, ...]:
    """Every name of `cast` in the text, in order; longest name first, never overlapping."""
    pattern, owner = _names(tuple(cast))
    if pattern is None:
        return ()
    found: list[Mention] = []
    for match in pattern.finditer(text):
        joined = (
            bool(found)
            and found[-1].spurned
            and _JOINT.fullmatch(text, found[-1].end, match.start())
        )
        spurned = (
            bool(joined)
            or bool(_WAVED_AWAY.search(text, max(0, match.start() - 32), match.start()))
            or bool(_HUSHED.match(text, match.end()))
        )
        character = owner[_fold(match.group())]
        found.append(Mention(character, match.start(), match.end(), spurned))
    return tuple(found)


def answerers(turn: Turn, scene: Scene, everybody: Iterable[Character]) -> tuple[Character, ...]:
    """Who of the scene's cast answers what a person just said; at most `CAP`, maybe nobody.

    `scene` holds the turns before this one; `everybody` is all who could be summoned, so that a
    long name of somebody off stage is not taken for a short one of somebody present.
    """
    found = mentions(turn.text, dict.fromkeys((*scene.cast, *everybody)))
    spurned = {m.character.id for m in found if m.spurned}
    present = [c for c in scene.cast if c.id not in spurned]
    named = dict.fromkeys(m.character for m in found if m.character in present)
    if named:
        return tuple(named)[:CAP]
    if not present:
        return ()
    by_talk = sorted(present, key=lambda c: -c.talkativeness)
    if _GROUP.search(turn.text):
        return tuple(by_talk[:CAP])
    if _speaks_to_a_person(turn, scene):
        return ()
    partner = _partner(turn, scene)
    return (next((c for c in present if c.id == partner), by_talk[0]),)


def called(turn: Turn, scene: Scene, everybody: Iterable[Character]) -> tuple[Character, ...]:
    """Whom a character on stage addresses by name in its line, in order; never itself."""
    found = mentions(turn.text, dict.fromkeys((*scene.cast, *everybody)))
    addressed = (
        m.character
        for m in found
        if not m.spurned and m.character.id != turn.speaker and _is_vocative(turn.text, m)
    )
    return tuple(c for c in dict.fromkeys(addressed) if c in scene.cast)


def _partner(turn: Turn, scene: Scene) -> str | None:
    """Id of the character this person is talking with."""
    answered: str | None = None  # the latest character's turn before any other person's
    others_spoke = False
    for earlier in reversed(scene.turns):
        if earlier.side == "character":
            if answered is None:
                answered = earlier.speaker
        elif earlier.side == "human":
            if earlier.speaker == turn.speaker:
                break
            others_spoke, answered = True, None
    else:
        # This person has not spoken before: whoever was heard last, if it was to nobody else.
        return None if others_spoke else answered
    return answered


def _speaks_to_a_person(turn: Turn, scene: Scene) -> bool:
    people = {t.speaker for t in scene.turns if t.side == "human"} - {turn.speaker}
    text = turn.text.lstrip("@ ")
    return any(
        text.startswith(name) and re.match(r"\s*[，,、：:！!？?]", text[len(name) :])
        for name in people
    )


def _is_vocative(text: str, mention: Mention) -> bool:
    before, after = text[: mention.start].rstrip(" "), text[mention.end :].lstrip(" ")
    opens = not before or before[-1] in _BREAKS or bool(_DEAR.search(before))
    closes = not after or after[0] in _BREAKS or after.lower().startswith(("你", "you "))
    return opens and closes


_BREAKS = '，。！？；：、…—～“”「」『』‘’（）,.!?;:~"()\n'
# 「好八戒，」「我的儿」: what stands before a name without being a sentence.
_DEAR = re.compile(
    r"(?:^|[，。！？；：、…—,.!?;:\s])(?:好|我的|我那|你这|my dear|dear|oh|hey)$", re.I
)
_WAVED_AWAY = re.compile(
    r"(?:别|甭|休|勿|莫|没|没有|不要|不用|不必|不许|不准|不是|不是在)(?:再|去|来|又)?"
    r"(?:叫|喊|唤|召|找|问|理|理会|让|请|管|吵|听|跟|和|对)$"
    r"|(?:除了|除却|除)$"
    r"|(?:\bdon['’]?t|\bdo not|\bnever|\bno need to|\bnot|\bdidn['’]?t)\s+"
    r"(?:call|ask|wake|bother|tell|summon|listen to|talk to|mean)\s+(?:for\s+)?$"
    r"|(?:^|[,;.!?—]\s*)not\s+$"
    r"|\b(?:except(?:\s+for)?|besides|(?:any|every)(?:one|body)\s+but)\s+$",
    re.IGNORECASE,
)
_HUSHED = re.compile(
    r"\s*[，,]?\s*(?:你)?(?:先|且|也)?(?:"
    r"(?:别|不要|不许|不准|莫|休|不用|不必)(?:再)?(?:说|讲|插嘴|吭声|开口|答|回答|作声|出声|吵)"
    r"|闭嘴|住口|住嘴"
    r"|(?:be quiet|shut up|don['’]?t (?:speak|talk|answer)|keep quiet|hush))",
    re.IGNORECASE,
)
_JOINT = re.compile(r"\s*(?:和|与|及|跟|同|、|或|以及|and|or|nor|,\s*nor|&)\s*", re.IGNORECASE)
_GROUP = re.compile(
    r"你们|大家|诸位|各位|众位|列位|你俩|你等|各人|所有人"
    r"|\b(?:everyone|everybody|you all|all of you|both of you|you two|you guys|y['’]all)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=64)
def _names(cast: tuple[Character, ...]) -> tuple[re.Pattern[str] | None, dict[str, Character]]:
    owner: dict[str, Character] = {}
    for character in cast:
        for name in character.names:
            owner.setdefault(_fold(name), character)
    if not owner:
        return None, owner
    parts = []
    for name in sorted({name for c in cast for name in c.names}, key=len, reverse=True):
        part = r"\s+".join(map(re.escape, name.split()))
        if name[0].isascii() and name[0].isalnum():
            part = r"(?<![A-Za-z0-9_])" + part
        if name[-1].isascii() and name[-1].isalnum():
            part += r"(?![A-Za-z0-9_])"
        parts.append(part)
    return re.compile("|".join(parts), re.IGNORECASE), owner


def _fold(name: str) -> str:
    return "".join(name.casefold().split())
