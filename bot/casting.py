"""Turn taking: which characters answer a message, and who goes on. Pure: no model, no clock.

For what a person says (`answerers`), the first of these that holds:

1. A **forced choice** (`/next 悟空`, a button): that one, and nobody else.
2. The characters on stage that the text **names**: those it calls first (「…，悟空？」,
   "Pigsy, come"), then those it mentions, each in the order of the text, at most `CAP`.
   - All names and aliases of a card count; Chinese ones anywhere in the text, Latin ones as whole
     words ("a monkey", in small letters, is an animal). At each place the longest name wins (小白龙
     is not 白龙), and a name of somebody off stage counts for nobody.
   - Titles of a card (师父, 大师兄, 呆子, 师弟) count only where the one meant is on stage, and
     from those whom the card names: 师父 is 唐僧 from a disciple or a person, and nobody from
     牛魔王. Where several answer to a title, it is the one heard last, else the first that came on
     stage. A title that belongs to somebody (我师父, 那位师父, 师父们) and an English one that is
     not a call ("masters of the house") count for nobody.
   - What only looks like a name is none: 旅行者 (the card's `lookalikes`), a title in 《》, a
     person whose own name holds a character's, a person who says who they are (「我叫悟空」).
   - Who is **waved away** keeps silent: 「别叫悟空」, 「不要问八戒」, 「除了悟空」,
     「悟空以外的」, 「悟空闭嘴」, "don't ask Wukong", "anyone but Pigsy", "Pigsy, not Wukong".
     Names that 和 or "and" joins to it are waved away with it: 「别叫悟空和八戒」.
3. A **reply** to a character's line is to that character, and goes before names that are only
   mentioned; a reply that calls somebody else is to whom it calls.
4. A **group** is addressed (你们, 大家, everyone): all on stage, the most talkative first, at most
   `CAP`.
5. People talk **with each other**: nobody. So it is when the text calls a person who has spoken
   here (「小红，…」, 「…，小红？」), when it replies to a person's message, and when this person
   and one other have been talking since one of them called the other, until a character is named.
6. The character whom this person's partner has just **called** and who has not answered yet
   (悟空 said 「八戒，你说呢？」, and the person says 「说呀」).
7. Else it is open. `candidates` says among whom; the room asks the model how likely each of their
   names is to come next, and `choose` weighs that with how talkative they are and how the talk
   went: in a conversation the next speaker is mostly the one before the last. The partner of this
   person (who last answered them) stands as the one before the last. Without a model: the partner,
   else the most talkative.

Who is **reserved** (`/autoreply NAME off`) answers by rules 1 to 3 and 6 only.

After a character's line whom it calls is drawn in (`called`): 「八戒，你说是不是？」, "Master!".
Where characters talk on by themselves, nobody follows himself. A round, all that follows one human
message, has at most `CAP` turns.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from bot.mentions import calls, mentions, vocatives
from characters.card import PEOPLE, Character
from characters.turn import Scene, Turn
from text.folding import simplified

# Turns of characters after one human message. SillyTavern's auto mode has no cap, and runaway
# chatter is what its users complain of; three is a short exchange.
CAP = 3

# How readily somebody goes on, by how many turns ago they spoke. Counted in 西游记 at 2,370 places
# of the chapters that `mrp evaluate turns` does not hold out (0.61, 0.33, 0.28, 0.21 of those who
# could speak did), with the first as 1: the book is mostly dialogue, A B A B. Who has not spoken
# lately did in 0.33, but there only because the scene is known to hold a line of theirs.
RECENCY = {1: 0.0, 2: 1.0, 3: 0.55, 4: 0.45, 5: 0.35}
LONG_AGO = 0.35
READINESS = 0.5  # the exponent of talkativeness: 0.25 against 0.8 is a factor of 1.8


def answerers(
    turn: Turn,
    scene: Scene,
    everybody: Iterable[Character],
    *,
    reply_to: str | None = None,
    forced: str | None = None,
    reserved: Collection[str] = (),
) -> tuple[Character, ...]:
    """Who of the scene's cast answers what a person just said; at most `CAP`, maybe nobody.

    `scene` holds the turns before this one; `everybody` is all who could be summoned, so that a
    long name of somebody off stage is not taken for a short one of somebody present. `reply_to` is
    who said the line that is replied to: a character's id, or a person's shown name. `forced` is
    the id of the one who shall answer. `reserved` are ids of those who answer only when they are
    called, replied to or chosen.
    """
    present, decided = _decide(turn, scene, tuple(everybody), reply_to, forced, reserved)
    if decided is not None:
        return decided
    partner = _partner(turn, scene)
    return (next((c for c in present if c.id == partner), _by_talk(present)[0]),)


def candidates(
    scene: Scene,
    everybody: Iterable[Character],
    turn: Turn | None = None,
    *,
    reply_to: str | None = None,
    forced: str | None = None,
    reserved: Collection[str] = (),
) -> tuple[Character, ...]:
    """Among whom the model's opinion decides. Fewer than two: there is nothing to ask it.

    With `turn`, what a person just said (as in `answerers`); without, who goes on after the last
    turn of the scene: whom it called, else anybody but its speaker.
    """
    everybody = tuple(everybody)
    if turn is None and scene.turns and scene.turns[-1].side == "human":
        turn, scene = scene.turns[-1], replace(scene, turns=scene.turns[:-1])
    if turn is not None:
        present, decided = _decide(turn, scene, everybody, reply_to, forced, reserved)
        return present if decided is None else decided[:1]
    last = next((t for t in reversed(scene.turns) if t.side != "narration"), None)
    if last is None:
        return tuple(c for c in scene.cast if c.id not in reserved)
    return called(last, scene, everybody)[:1] or tuple(
        c for c in scene.cast if c.id != last.speaker and c.id not in reserved
    )


def choose(scores: Sequence[float], among: Sequence[Character], scene: Scene) -> Character:
    """Who goes on: the model's opinion × talkativeness × recency, the highest of them.

    `scores` are the natural-log probabilities of the candidates' names to come next, `scene` holds
    all that was said, a person's last message too. `among` is what `candidates` returned.

    Raises:
        ValueError: nobody to choose among, or another number of scores.
    """
    if not among:
        raise ValueError("nobody to choose among")
    ago = _ago(scene)

    def weight(score: float, character: Character) -> float:
        recency = RECENCY.get(ago.get(character.id, 0), LONG_AGO)
        return (
            score
            + READINESS * math.log(max(character.talkativeness, 0.01))
            + math.log(max(recency, 1e-9))
        )

    pairs = zip(scores, among, strict=True)
    return max(pairs, key=lambda pair: weight(*pair))[1]


def called(turn: Turn, scene: Scene, everybody: Iterable[Character]) -> tuple[Character, ...]:
    """Whom a line addresses by a name or title, in order; on stage, and never its speaker."""
    speaker = turn.speaker if turn.side == "character" else PEOPLE
    found = mentions(
        turn.text, dict.fromkeys((*scene.cast, *everybody)), scene=scene, speaker=speaker
    )
    text = simplified(turn.text)
    addressed = (m.character for m in vocatives(text, found) if m.character.id != speaker)
    return tuple(c for c in dict.fromkeys(addressed) if c in scene.cast)


def _decide(
    turn: Turn,
    scene: Scene,
    everybody: tuple[Character, ...],
    reply_to: str | None,
    forced: str | None,
    reserved: Collection[str],
) -> tuple[tuple[Character, ...], tuple[Character, ...] | None]:
    """Who may answer, and who does by rules 1 to 6; None where it is open."""
    for character in scene.cast:
        if character.id == forced:
            return scene.cast, (character,)
    found = mentions(
        turn.text, dict.fromkeys((*scene.cast, *everybody)), scene=scene, speaker=PEOPLE
    )
    spurned = {m.character.id for m in found if m.spurned}
    present = tuple(c for c in scene.cast if c.id not in spurned)
    text = simplified(turn.text)  # of the same length, so that mentions stand where they stood
    calls = [m.character for m in vocatives(text, found) if m.character in present]
    replied = [c for c in present if c.id == reply_to and not calls]
    named = dict.fromkeys((*calls, *replied, *(m.character for m in found)))
    answering = tuple(c for c in named if c in present)
    if answering:
        return present, answering[:CAP]
    waited_for = [c for c in _waited_for(turn, scene, everybody) if c in present]
    present = tuple(c for c in present if c.id not in reserved)
    if not present and not waited_for:
        return present, ()
    if _GROUP.search(text):
        return present, _by_talk(present)[:CAP]
    to_a_person = bool(reply_to) and all(c.id != reply_to for c in (*scene.cast, *everybody))
    if to_a_person or _among_people(turn, scene, everybody):
        return present, ()
    return present, tuple(waited_for[:1]) or None


def _by_talk(present: Iterable[Character]) -> tuple[Character, ...]:
    return tuple(sorted(present, key=lambda c: -c.talkativeness))


def _ago(scene: Scene) -> dict[str, int]:
    """How many lines ago each character spoke last; 1 is the last line. A person's partner: 2."""
    ago: dict[str, int] = {}
    said = [t for t in scene.turns if t.side != "narration"]
    for number, turn in enumerate(reversed(said), start=1):
        if turn.side == "character":
            ago.setdefault(turn.speaker, number)
    if said and said[-1].side == "human":
        partner = _partner(said[-1], replace(scene, turns=tuple(said[:-1])))
        ago = {who: max(number, 3) for who, number in ago.items()}
        if partner:
            ago[partner] = 2
    return ago


def _partner(turn: Turn, scene: Scene) -> str | None:
    """Id of the character this person is talking with: the one that spoke last, or, when other
    people have spoken since, the one that last answered this person."""
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


def _waited_for(
    turn: Turn, scene: Scene, everybody: tuple[Character, ...]
) -> tuple[Character, ...]:
    """Whom the partner's last line called and who has not spoken since."""
    partner = _partner(turn, scene)
    heard: set[str] = set()
    for earlier in reversed(scene.turns):
        if earlier.side == "character":
            if earlier.speaker == partner:
                return tuple(c for c in called(earlier, scene, everybody) if c.id not in heard)
            heard.add(earlier.speaker)
    return ()


def _among_people(turn: Turn, scene: Scene, everybody: tuple[Character, ...]) -> bool:
    """Whether a person talks to another person, by a call or as the answer to one."""
    people = {t.speaker for t in scene.turns if t.side == "human"} - {turn.speaker}
    if calls(turn.text, people):
        return True
    since: list[Turn] = []
    for earlier in reversed(scene.turns):
        if earlier.side == "character":
            break
        if earlier.side == "human":
            since.append(earlier)
    others = {t.speaker for t in since} - {turn.speaker}
    if len(others) != 1:
        return False
    if any(mentions(t.text, (*scene.cast, *everybody), scene=scene, speaker=PEOPLE) for t in since):
        return False
    pair = {turn.speaker, *others}
    return any(calls(t.text, pair - {t.speaker}) for t in since)


_GROUP = re.compile(
    r"你们|大家|诸位|各位|众位|列位|你俩|你等|各人|所有人"
    r"|\b(?:everyone|everybody|you all|all of you|both of you|you two|you guys|y['’]all)\b",
    re.IGNORECASE,
)
