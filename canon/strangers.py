"""Somebody without a known name who comes into a clause.

那满朝官齐声喝采, 闪出一个瞽者, 被面前几个胆大的扯住: such a clause has a subject of its own, so
the search for a speaker must not go on to earlier clauses.
"""

from __future__ import annotations

import re
from functools import cache

from canon.grammar import then_acts, words
from canon.names import alternation

UNNAMED = "?"

# 只听得路旁叫: a voice, nobody seen.
_HEARD = re.compile("(?:[^，]{0,4}处|说不了|忽然?|却|又|猛)?(?:只|忽|又|却)?听(?:得|见|又|那|有)")
# 有先跑的: one of many.
_SOME = re.compile("(?:早|内中|又|也|忽)?有(?:一个|几个|那|些)?[^，]{1,6}的$")
# 被面前几个胆大的扯住道: who lays hands on him speaks.
_SEIZED = re.compile("(?:却|又|早|反)?被[^，]{1,9}?[扯捻揪捉拿抓拦挡抱咬按][^，]{0,4}[道叫喝骂说]$")
_THERE_IS = re.compile(
    "(?:早|旁|忽|又|当|内|时)?有(?!旨|诗|词|赋|一|人)(?P<name>[^，的]{2,5}?)"
    "(?:奏|道|说|报|上前|来|在旁|启|出班|出)"
)


def stranger(text: str, begin: int, end: int, *, last: bool) -> str:
    """The stranger who acts in the clause text[begin:end], "?" without a designation, else "".

    last: whether the clause ends with the verb of speaking.
    """
    clause = text[begin:end].strip()
    match = _office().match(clause)
    if match is not None:
        return match["name"]
    match = _appears().search(clause) or _enters().search(clause)
    if match is not None:
        name = match["name"]
        return name if 2 <= len(name) <= 4 else UNNAMED
    if _SOME.match(clause) or (last and _SEIZED.match(clause)):
        return UNNAMED
    match = _THERE_IS.match(clause) if last else None
    if match is not None:
        return match["name"]
    match = _demonstrative().match(clause)
    if match is not None and (last or match["startled"]):
        named = _up_to_verb().match(clause, match.end())
        return named["name"] if named else UNNAMED
    # In an earlier clause a voice is only heard.
    return UNNAMED if last and _HEARD.match(clause) else ""


@cache
def _office() -> re.Pattern[str]:
    """那监斩官又来奏: a word of up to four characters for a person, first in the clause."""
    return re.compile(
        f"(?:却说|且说|当时|此时|{_words('seeing')}|{_words('startled')})?[那这]?"
        "(?:一个|个|几个|众|各)?(?P<name>[^，他我你见的了着把将被对向又也便即却就才只正忽乃遂教令叫个一]"
        f"{{1,3}}?(?:{_words('role_endings')}))(?:们|等)?{then_acts()}"
    )


@cache
def _appears() -> re.Pattern[str]:
    """早有一个把门的…, 闪出一个瞽者: counted."""
    return re.compile(
        f"(?:{_words('appearing')}|{_words('seeing')})[^，]{{0,6}}?"
        "(?:[一二三两几数]?[个员位伙群名对]|[几众])(?P<name>[^，个的]{1,10})$"
    )


@cache
def _enters() -> re.Pattern[str]:
    """里边走出降龙、伏虎二尊: not counted."""
    return re.compile(f"(?:{_words('appearing')})(?P<name>[^，来去的门洞外]{{2,10}})$")


@cache
def _demonstrative() -> re.Pattern[str]:
    """那 with a noun after it, as far as the noun's beginning; not 那时, 那里, 那知."""
    return re.compile(
        f"(?:却说|只见|但见|忽见|且说|(?P<startled>{_words('startled')}))?"
        "[那这](?:几个|两个|三个|一个|个|位|些|众)?"
        "(?![时里壁厢边才般等样知曾肯敢消容一番场阵回])(?=[^他我你自]{2})"
    )


@cache
def _up_to_verb() -> re.Pattern[str]:
    verbs = "".join(words()["then_acts"] + words()["up_to_verb"])
    return re.compile(f"(?P<name>[^，上下里中内外边的]{{2,4}}?)(?=[{verbs}])")


def _words(key: str) -> str:
    return alternation(words()[key])
