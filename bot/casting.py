"""Who answers: values in, names out. No model, no clock, no dice.

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

After a character's line whom it calls is drawn in (`called`): 「八戒，你说是不是？」, "Master!".
Where characters talk on by themselves, nobody follows himself. A round, all that follows one human
message, has at most `CAP` turns.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from characters.card import PEOPLE, Character
from characters.turn import Scene, Turn
from text.folding import fold, fold_text, simplified

# Turns of characters after one human message. SillyTavern's auto mode has no cap, and runaway
# chatter is what its users complain of; three is a short exchange.
CAP = 3

# How readily somebody goes on, by how many turns ago they spoke. Counted in 西游记 at 2,370 places
# of the chapters that `mrp evaluate turns` does not hold out (0.61, 0.33, 0.28, 0.21 of those who
# could speak did), with the first as 1: the book is mostly dialogue, A B A B. Who has not spoken
# lately did in 0.33, but there only because the scene is known to hold a line of theirs.
RECENCY = {1: 0.0, 2: 1.0, 3: 0.55, 4: 0.45, 5: 0.35}
LONG_AGO = 0.35
_MOST = 100  # names of one text that are looked at
READINESS = 0.5  # the exponent of talkativeness: 0.25 against 0.8 is a factor of 1.8


@dataclass(frozen=True, slots=True)
class Mention:
    """A name found in a text. `spurned`: the text says that this one should not speak."""

    character: Character
    start: int
    end: int
    spurned: bool = False


def mentions(
    text: str, cast: Iterable[Character], *, scene: Scene | None = None, speaker: str = ""
) -> tuple[Mention, ...]:
    """Every name of `cast` in the text, in order; longest name first, never overlapping.

    With a scene also the titles that `speaker` may use for those on stage, and without the names
    of people that hold a character's name.
    """
    people = (
        frozenset(t.speaker for t in scene.turns if t.side == "human") if scene else frozenset()
    )
    names = _names(tuple(cast), people)
    if names.pattern is None:
        return ()
    folded = fold_text(text)
    text = folded.text
    works = [match.span() for match in _WORK.finditer(text)][::-1]  # the next one last
    found: list[Mention] = []
    last = 0  # where the name before ends, in the folded text
    for match in names.pattern.finditer(text):
        start, end = match.span()
        character = names.owner.get(fold(match[0]))
        if character is None and scene is not None:
            character = _titled(names.titles.get(fold(match[0]), ()), match, scene, speaker)
        if (
            character is None
            or _within(works, start, end)
            or _names_oneself(text, start, end)
            or (match[0].islower() and match[0].isascii() and _SOME.search(_before(text, start)))
        ):
            continue
        joined = found and found[-1].spurned and _JOINT.fullmatch(text, last, start)
        spurned = (
            bool(joined)
            or bool(_WAVED_AWAY.search(text, max(0, start - 32), start))
            or bool(_HUSHED.match(text, end))
        )
        found.append(Mention(character, *folded.span(start, end), spurned))
        last = end
        if len(found) == _MOST:
            break
    return tuple(found)


def _within(works: list[tuple[int, int]], start: int, end: int) -> bool:
    """Whether a place is inside a title in 《》. Those that are behind it are dropped."""
    while works and works[-1][1] <= start:
        works.pop()
    return bool(works) and works[-1][0] < start and end < works[-1][1]


def answerers(
    turn: Turn,
    scene: Scene,
    everybody: Iterable[Character],
    *,
    reply_to: str | None = None,
    forced: str | None = None,
) -> tuple[Character, ...]:
    """Who of the scene's cast answers what a person just said; at most `CAP`, maybe nobody.

    `scene` holds the turns before this one; `everybody` is all who could be summoned, so that a
    long name of somebody off stage is not taken for a short one of somebody present. `reply_to` is
    who said the line that is replied to: a character's id, or a person's shown name. `forced` is
    the id of the one who shall answer.
    """
    present, decided = _decide(turn, scene, tuple(everybody), reply_to, forced)
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
) -> tuple[Character, ...]:
    """Among whom the model's opinion decides. Fewer than two: there is nothing to ask it.

    With `turn`, what a person just said (as in `answerers`); without, who goes on after the last
    turn of the scene: whom it called, else anybody but its speaker.
    """
    everybody = tuple(everybody)
    if turn is None and scene.turns and scene.turns[-1].side == "human":
        turn, scene = scene.turns[-1], replace(scene, turns=scene.turns[:-1])
    if turn is not None:
        present, decided = _decide(turn, scene, everybody, reply_to, forced)
        return present if decided is None else decided[:1]
    last = next((t for t in reversed(scene.turns) if t.side != "narration"), None)
    if last is None:
        return scene.cast
    return called(last, scene, everybody)[:1] or tuple(
        c for c in scene.cast if c.id != last.speaker
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
    addressed = (m.character for m in _vocatives(text, found) if m.character.id != speaker)
    return tuple(c for c in dict.fromkeys(addressed) if c in scene.cast)


def _decide(
    turn: Turn,
    scene: Scene,
    everybody: tuple[Character, ...],
    reply_to: str | None,
    forced: str | None,
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
    calls = [m.character for m in _vocatives(text, found) if m.character in present]
    replied = [c for c in present if c.id == reply_to and not calls]
    named = dict.fromkeys((*calls, *replied, *(m.character for m in found)))
    answering = tuple(c for c in named if c in present)
    if answering:
        return present, answering[:CAP]
    if not present:
        return present, ()
    if _GROUP.search(text):
        return present, _by_talk(present)[:CAP]
    to_a_person = bool(reply_to) and all(c.id != reply_to for c in (*scene.cast, *everybody))
    if to_a_person or _among_people(turn, scene, everybody):
        return present, ()
    waited_for = [c for c in _waited_for(turn, scene, everybody) if c in present]
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
    if _calls(turn.text, people):
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
    return any(_calls(t.text, pair - {t.speaker}) for t in since)


def _calls(text: str, people: Iterable[str]) -> bool:
    text = fold_text(text).text
    return any(
        _opens(text, match.start()) and _closes(text, match.end(), strictly=True)
        for name in people
        if name
        for match in re.finditer(re.escape(fold_text(name).text), text)
    )


def _vocatives(text: str, found: Sequence[Mention]) -> list[Mention]:
    """Those that the text calls, not only mentions; names in a row are called together."""
    chosen: list[Mention] = []
    row: list[Mention] = []
    for index, mention in enumerate(found):
        if row and not _LINK.fullmatch(text, row[-1].end, mention.start):
            row = []
        row.append(mention)
        following = found[index + 1] if index + 1 < len(found) else None
        if following and _LINK.fullmatch(text, mention.end, following.start):
            continue
        tagged = text[row[0].start - 1 : row[0].start] == "@"  # @悟空 is a call whatever follows
        if tagged or (_opens(text, row[0].start) and _closes(text, row[-1].end)):
            chosen += [m for m in row if not m.spurned]
        row = []
    return chosen


def _opens(text: str, start: int) -> bool:
    before = _before(text, start).rstrip(" ")
    return not before or before[-1] in _BREAKS or bool(_DEAR.search(before))


def _before(text: str, start: int) -> str:
    return text[max(0, start - 24) : start]  # longer than all that we look for


def _closes(text: str, end: int, *, strictly: bool = False) -> bool:
    after = text[end : end + 24].lstrip(" ")
    if not after or after[0] in _BREAKS:
        return True
    return not strictly and bool(_TO_YOU.match(after))


def _titled(
    owners: Sequence[tuple[Character, frozenset[str]]],
    match: re.Match[str],
    scene: Scene,
    speaker: str,
) -> Character | None:
    """Whom a title means, from this speaker, among those on stage."""
    text, (start, end) = match.string, match.span()
    meant = [
        character
        for character, by in owners
        if character in scene.cast
        and character.id != speaker
        and (not by or (speaker or PEOPLE) in by)
    ]
    if not meant or text[end : end + 1] == "们" or _SOMEBODYS.search(_before(text, start)):
        return None
    if match[0].isascii() and not (_opens(text, start) and _closes(text, end)):
        return None
    heard = [t.speaker for t in scene.turns if t.side == "character"]
    return max(
        meant, key=lambda c: max((i for i, who in enumerate(heard) if who == c.id), default=-1)
    )


def _names_oneself(text: str, start: int, end: int) -> bool:
    """「我叫悟空。」, "I am Wukong": who says so calls nobody."""
    return bool(_MYSELF.search(_before(text, start))) and (
        end >= len(text) or text[end : end + 1] in _BREAKS
    )


_BREAKS = '，。！？；：、…—～“”「」『』‘’（）,.!?;:~"()\n'
# 「好八戒，」「我的儿」: what stands before a name without being a sentence.
_DEAR = re.compile(
    r"(?:^|[，。！？；：、…—“「『,.!?;:\n])\s*"
    r"(?:好|我的|我那|你这|喂|嘿|哎|那个|my dear|dear|oh|hey|hi|hello|but|so|and|well|yo)$",
    re.IGNORECASE,
)
# 「八戒你看」, 「悟空快来」, "Pigsy what is that": a name and then what is said to its owner.
_TO_YOU = re.compile(
    r"[你您快请且啊呀哟]|(?:you|what|why|how|where|when|who|please|come|tell|look|help|stop"
    r"|(?:are|can|could|do|did|have|will|would) you)\b",
    re.IGNORECASE,
)
_SOMEBODYS = re.compile(
    r"(?:[我你您他她咱]|我们|你们|他们|人家|别人|谁|的|之|[个位名些])(?:家|家的)?$"
)
_MYSELF = re.compile(
    r"(?:我叫|我是|我就是|叫我|称我|我名叫|我的名字是|本人"
    r"|\bI(?:['’]m| am)|\bmy name is|\bcall me)\s*$",
    re.IGNORECASE,
)
_SOME = re.compile(r"\b(?:an?|some|any)\s+$", re.IGNORECASE)
_WORK = re.compile(r"《[^《》]*》")
_WAVED_AWAY = re.compile(
    r"(?:别|甭|休|勿|莫|没|没有|(?<!要)不要|不用|不必|不许|不准|(?<!是)不是|不是在|不想)(?:再|去|来|又)?"
    r"(?:叫|喊|唤|召|找|问|理|理会|让|请|管|吵|听|跟|和|对)(?:你[，,]?\s*)?$"
    r"|(?:除了|除却|除|忽略|跳过|略过|无视)$"
    r"|(?:\bdon['’]?t|\bdo not|\bnever|\bno need to|\bnot|\bdidn['’]?t)\s+"
    r"(?:call|ask|wake|bother|tell|summon|listen to|talk to|mean|let)\s+(?:for\s+)?$"
    r"|(?:^|[,;.!?—]\s*|\bbut\s+)not\s+(?:you,?\s*)?$"
    r"|\b(?:except(?:\s+for)?|besides|apart from|other than|(?:any|every)(?:one|body)\s+but|ignore"
    r"|skip|leave)\s+$",
    re.IGNORECASE,
)
_HUSHED = re.compile(
    r"\s*[，,]?\s*(?:你)?(?:先|且|也|就)?(?:"
    r"(?:别|不要|不许|不准|莫|休|不用|不必)(?:再)?(?:说|讲|插嘴|吭声|开口|答|回答|作声|出声|吵)"
    r"|闭嘴|住口|住嘴|退下|走开|歇着|(?:之外|以外)"
    r"|(?:be quiet|shut up|don['’]?t (?:speak|talk|answer)|keep quiet|hush|stay out of"
    r"|out of (?:this|it)))",
    re.IGNORECASE,
)
_JOINT = re.compile(r"\s*(?:和|与|及|跟|同|、|或|以及|and|or|nor|,\s*nor|&)\s*", re.IGNORECASE)
# Between names that are called in one breath; may be nothing: 「悟空八戒沙僧，都过来」.
_LINK = re.compile(r"\s*(?:和|与|及|跟|同|、|还有|以及|and|&)?\s*", re.IGNORECASE)
_GROUP = re.compile(
    r"你们|大家|诸位|各位|众位|列位|你俩|你等|各人|所有人"
    r"|\b(?:everyone|everybody|you all|all of you|both of you|you two|you guys|y['’]all)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Names:
    """All that may stand for somebody: one pattern, and whose each of its words is."""

    pattern: re.Pattern[str] | None
    owner: dict[str, Character]
    titles: dict[str, list[tuple[Character, frozenset[str]]]]


@lru_cache(maxsize=64)
def _names(cast: tuple[Character, ...], people: frozenset[str]) -> _Names:
    owner: dict[str, Character] = {}
    titles: dict[str, list[tuple[Character, frozenset[str]]]] = {}
    words: set[str] = set()
    for character in cast:
        for name in character.names:
            owner.setdefault(fold(name), character)
        words.update(character.names)
        words.update((*character.lookalikes.zh, *character.lookalikes.en))
        for title in character.titles:
            for word in (*title.words.zh, *title.words.en):
                titles.setdefault(fold(word), []).append((character, title.by))
                words.add(word)
    # Only those: a person called 空 must not take a character's name apart.
    words.update(
        name for name in people if fold(name) not in owner and any(n in fold(name) for n in owner)
    )
    if not owner:
        return _Names(None, owner, titles)
    return _Names(_pattern({fold_text(word).text for word in words}), owner, titles)


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Any of the words, the longest first; Latin ones whole. One branch for each first letter, so
    that most places of a text are passed at once."""
    latin: dict[str, list[str]] = {}
    other: dict[str, list[str]] = {}
    for word in sorted(words, key=lambda word: (-len(word), word)):
        part = r"\s+".join(map(re.escape, word.split()))
        if word[-1].isascii() and word[-1].isalnum():
            part += r"(?![A-Za-z0-9_])"
        begins = latin if word[0].isascii() and word[0].isalnum() else other
        begins.setdefault(word[0].casefold(), []).append(part)
    branches = [f"(?={re.escape(first)})(?:{'|'.join(parts)})" for first, parts in other.items()]
    if latin:
        inner = "|".join(f"(?:{'|'.join(parts)})" for parts in latin.values())
        firsts = "".join(map(re.escape, latin))
        branches.append(rf"(?<![A-Za-z0-9_])(?=[{firsts}])(?:{inner})")
    firsts = "".join(re.escape(first) for first in (*other, *latin))
    return re.compile(rf"(?=[{firsts}])(?:{'|'.join(branches)})", re.IGNORECASE)
