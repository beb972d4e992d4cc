"""Names that a book gives away by itself: whoever stands in front of 道：.

Used beside an alias table, and alone where there is none; a build writes what was found as a
table for a person to correct and hand back.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from canon.book import Book
from canon.grammar import words
from canon.names import NameTable, Person, Scope

# The tag right after another quote, or at the start of a sentence: the whole clause is
# NAME + manner + verb, so the name's end is where manner or verb begins.
_MANNER = (
    "大怒|大喜|大惊|大叫|大骂|大笑|大哭|大喝|冷笑|陪笑|微笑|暗笑|含笑|喝|笑|怒|喜|惊|骂|叫|问|答|说|又|也|便|即|就|忙|"
    "闻言|听说|听见|听了|见说|慌了|慌忙|急|躬身|叩头|磕头|叹|厉声|高声|低声|回|奏|拜|谢|泣|哭|在旁|上前|跪|喏|接|恨|"
    "指|不觉|只是|只得|再|却|乃|应|急忙|连忙|点头|摇头|摆手|拍手|拱手|道"
)
_TAG = re.compile(
    r"(?:^|[”」。！？\n\u3000])[\s\u3000]*(?:却说|只见|且说|那|这|慌得|唬得)?"
    rf"(?P<name>[^，。！？；：“”‘’「」『』\s\u3000]{{1,5}}?)(?P<manner>{_MANNER})"
    r"[^，。！？；：“”‘’「」\s]{0,8}(?<=[道曰说云问叫])[：:；]"
)
# Characters no name begins with, or has inside.
_NEVER_FIRST = frozenset(
    "掣举拔吹教吩暗自轮挺丢抽按拖扑指抖那这又也便即就却再乃遂忙才方只正忽不有无是的了着在把被将对向与和为因以从到之其此我你他您吾汝"
    "一二三四五六七八九十两几众各诸皆俱都同且复更还未已若如若但凡因见听闻说问叫喝骂笑口心气连急大小慌答应回"
)
_NEVER = frozenset(
    "毫毛 寿诗 圣经 后人有诗 书略 上写 些人 内中 于是 看官 兵法 相者 常言 古人 俗语 古书 启奏 满心欢喜 僧谢 随后 向前 正是 有诗".split()
)
_NEVER_INSIDE = frozenset(
    "道曰说云问叫喝骂笑闻听见了着的得把被我你他们对向便即就又却也哭叹怒答应怪恨"
)


# A tag with nothing but a name: enough to trust it once, if the name occurs again elsewhere.
_BARE_TAG = re.compile(
    r"[”」。！？\n][\s\u3000]*(?:那|这|慌得)?(?P<name>[^，。！？；：“”‘’「」『』\s\u3000]{2,4}?)"
    r"(?:又|也|即|便)?(?:笑|答|应|说|奏|大怒|大喜|闻言|骂|喝|近前|上前|躬身|叩头|磕头|跪下|转身|进前|笑云|欠身){0,2}[道曰云][：:]"
)
_LEAST_ELSEWHERE = 1


def discover(book: Book, known: frozenset[str] = frozenset(), least: int = 3) -> Counter[str]:
    """Names of two to four characters that at least `least` speech tags begin with.

    known: names that need no discovery (an alias table's).

    Returns the number of tags for each name. Roles (老者, 国王) are left out: the grammar
    knows them already.
    """
    roles = set(words()["roles"])
    counts: Counter[str] = Counter()
    for section in book.sections:
        for match in _TAG.finditer(section.text, section.body):
            name = match["name"]
            if _may_be_name(name, roles):
                counts[name] += 1
    once: Counter[str] = Counter()
    for section in book.sections:
        for match in _BARE_TAG.finditer(section.text, section.body):
            name = match["name"]
            if counts[name] < least and _may_be_name(name, roles):
                once[name] += 1
    for name, count in once.items():
        seen = 0
        for section in book.sections:
            seen += section.text.count(name)
            if seen >= _LEAST_ELSEWHERE + count:
                counts[name] = max(least, count)
                break
    kept = {name: count for name, count in counts.items() if count >= least}
    # 行者暗 is 行者 and the beginning of a manner (暗笑道).
    heads = {name for name in counts if len(name) >= 2}.union(known)
    return Counter(
        {
            name: count
            for name, count in kept.items()
            if not any(alias in name for alias in known if len(alias) > 1)
            and not any(
                name[:cut] in known or counts[name[:cut]] > 2 * count
                for cut in range(2, len(name))
                if name[:cut] in heads
            )
        }
    )


# 操曰, 瑜大怒曰: histories call a person by the last character of the name.
_GIVEN = re.compile(
    "[”」。！？\n\u3000](?P<name>[\u4e00-\u9fff])(?:大怒|大喜|大惊|大笑|笑|怒|叹|答|谢|泣|急|乃|遂|又|亦)?[曰道][：:]"
)
_NO_GIVEN = _NEVER_FIRST | frozenset("诗词歌赋颂赞偈便说问叫唱念喝骂哭写制想")
_OFTEN = 8


def given_names(book: Book, names: Iterable[str]) -> dict[str, dict[int, str]]:
    """One-character names, and whose they are in each chapter: {"操": {1: "曹操", …}}.

    The owner is the discovered name of two or three characters that ends so and stands most
    often in the chapter, or in the last chapter that has one.
    """
    counts: Counter[str] = Counter()
    for section in book.sections:
        counts.update(match["name"] for match in _GIVEN.finditer(section.text, section.body))
    given = [c for c, n in counts.items() if n >= _OFTEN and c not in _NO_GIVEN]
    owners = {c: [n for n in names if 2 <= len(n) <= 3 and n.endswith(c)] for c in given}
    found: dict[str, dict[int, str]] = {}
    for char, candidates in owners.items():
        if not candidates:
            continue
        owner, chapters = "", {}
        for section in book.sections:
            count, name = max((section.text.count(name), name) for name in candidates)
            owner = name if count else owner
            if owner:
                chapters[section.number] = owner
        found[char] = chapters
    return found


def draft_table(book: Book) -> NameTable:
    """A name table made from the book alone: a start for a person to correct."""
    names = discover(book)
    given = given_names(book, names)
    scopes: dict[str, list[Scope]] = {}
    for char, chapters in given.items():
        for number, owner in chapters.items():
            scopes.setdefault(owner, []).append(Scope((char,), number, number))
    people = tuple(
        Person(name, scopes=tuple(scopes.get(name, ())))
        for name, _ in sorted(names.items(), key=lambda item: (-item[1], item[0]))
    )
    return NameTable(title=book.title, people=people)


_NEVER_LAST = frozenset("大奏亦喜怒皆报告入思将退俱忙")


def _may_be_name(name: str, roles: set[str]) -> bool:
    return (
        2 <= len(name) <= 4
        and name[-1] not in _NEVER_LAST
        and name[0] not in _NEVER_FIRST
        and not _NEVER_INSIDE.intersection(name)
        and name not in roles
        and name not in _NEVER
    )
