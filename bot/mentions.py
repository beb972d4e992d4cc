"""Names in a text: who is mentioned, who is called, who is waved away. Pure.

    found = mentions("八戒，你别叫悟空", cast, scene=scene, speaker=PEOPLE)
    vocatives(text, found)                       those that the text calls: 八戒

What a name is, and what only looks like one, is said in `bot.casting`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from characters.card import PEOPLE, Character
from characters.turn import Scene
from text.folding import fold, fold_text


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
        name = fold(match[0])
        character = names.owner.get(name)
        if character is None and scene is not None and name in names.titles:
            character = _titled(names.titles[name], match, scene, speaker)
        if (
            character is None
            or _within(works, start, end)
            or _names_oneself(_before(text, start), text[end : end + 1])
            or (match[0].islower() and match[0].isascii() and _SOME.search(_before(text, start)))
        ):
            continue
        joined = found and found[-1].spurned and _JOINT.fullmatch(text, last, start)
        around = text[max(0, start - 32) : start], text[end : end + 32]
        spurned = bool(joined) or _waved_away(*around)
        found.append(Mention(character, *folded.span(start, end), spurned))
        last = end
    return tuple(found)


def _within(works: list[tuple[int, int]], start: int, end: int) -> bool:
    """Whether a place is inside a title in 《》. Those that are behind it are dropped."""
    while works and works[-1][1] <= start:
        works.pop()
    return bool(works) and works[-1][0] < start and end < works[-1][1]


def calls(text: str, people: Iterable[str]) -> bool:
    text = fold_text(text).text
    return any(
        _opens(text, match.start()) and _closes(text, match.end(), strictly=True)
        for name in people
        if name
        for match in re.finditer(re.escape(fold_text(name).text), text)
    )


def vocatives(text: str, found: Sequence[Mention]) -> list[Mention]:
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


@lru_cache(maxsize=4096)
def _names_oneself(before: str, after: str) -> bool:
    """「我叫悟空。」, "I am Wukong": who says so calls nobody."""
    return (not after or after in _BREAKS) and bool(_MYSELF.search(before))


@lru_cache(maxsize=4096)
def _waved_away(before: str, after: str) -> bool:
    """Whether what stands around a name says that this one should not speak."""
    return bool(_WAVED_AWAY.search(before) or _HUSHED.match(after))


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
