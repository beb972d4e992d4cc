"""Whom a quote is said to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from canon.grammar import Grammar, groups, words
from canon.lead import Lead
from canon.names import ChapterNames

# After so much narration the last speaker is no longer who is spoken to.
_STILL_TALKING = 160
# What one does to a person while speaking to it (撇了沙僧 is not among them).
_FACING = re.compile("[对向与见问骂扯揪抱指迎望叫唤请谢拜朝告报搀]")
_CALL_ENDS = re.compile("[，。！？、：；啊呀呵呐哪耶哩]")


def called(words_said: str, names: ChapterNames) -> str:
    """The person whom the first words call by name (八戒，… ; 行者啊，…), else ""."""
    head = words_said.lstrip()[:8]
    cut = _CALL_ENDS.search(head)
    name = head[: cut.start()] if cut else ""
    return names.meaning.get(name, "") if len(name) > 1 else ""


@dataclass(frozen=True)
class Spoken:
    """One quote whose speaker is known.

    lead: what stands in front of it. words: what is said. calls: how this speaker addresses
    others (师父 → 唐僧). earlier: the chapter's turns so far, as (end offset, speaker, addressee).
    """

    lead: Lead
    words: str
    speaker: str
    calls: Mapping[str, str]
    earlier: Sequence[tuple[int, str, str]]


def addressee(text: str, spoken: Spoken, grammar: Grammar, names: ChapterNames) -> str:
    """The canonical name of whom the speaker speaks to, or "" when it cannot be told.

    text: the section's.
    """
    lead, words_said, speaker = spoken.lead, spoken.words, spoken.speaker
    earlier, calls = spoken.earlier, spoken.calls
    own = set(speaker.split("、"))
    targets: list[str] = []
    for index, (a, b) in enumerate(reversed(lead.clauses)):
        found = grammar.mentions(names, text, a, b, last=index == 0)
        here = [m.name for m in found if not m.acts and m.name not in own]
        here = [name for name in here if name not in groups()]
        if here and index == 0:
            return here[-1]  # 对八戒道, 扯住行者道
        if here and _FACING.search(text[a:b]):
            targets.append(here[-1])
        if any(m.acts for m in found):
            break
    by_name = called(words_said, names)
    # 长老 is said to any monk: such a word names its person only when nobody else is near.
    office = words_said.lstrip().startswith(words()["roles"])
    if by_name and by_name not in own and not office:
        return by_name
    by_kin = _by_kin(words_said, calls, earlier)
    if by_kin and by_kin not in own:
        return by_kin
    if targets:
        return targets[0]
    near = [turn for turn in earlier[-3:] if lead.end - turn[0] <= _STILL_TALKING]
    if near and near[-1][1] == speaker:
        return near[-1][2]
    for _, name, _ in reversed(near):
        if name not in ("", "?") and name not in own:
            return name
    if by_name and by_name not in own:
        return by_name
    for a, b in reversed(lead.sentences):
        for mention in reversed(grammar.mentions(names, text, a, b, last=False)):
            if mention.known and mention.name not in own and mention.name not in groups():
                return mention.name
    return ""


def _by_kin(
    words_said: str, calls: Mapping[str, str], earlier: Sequence[tuple[int, str, str]]
) -> str:
    head = words_said.lstrip()
    for word in sorted(calls, key=len, reverse=True):
        if head.startswith(word) and _CALL_ENDS.match(head[len(word) : len(word) + 1] or "，"):
            # One word for two persons (兄弟): the one who spoke last is meant.
            meant = calls[word].split("、")
            recent = [name for _, name, _ in reversed(earlier[-3:]) if name in meant]
            return (recent or meant)[0]
    return ""
