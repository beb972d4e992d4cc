"""Speech tags that stand behind the quote: “…”林远说。 “…，”苏晴笑着问道，“…”

Modern Chinese prose has them, the old novels nearly none: a book is looked at once (`tags_after`),
and only where it has them do they count. A colon at the end of the clause announces the next quote
instead, so it is no tag of the last one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from canon.book import Book, Section
from canon.grammar import words

_VERB = re.compile(
    "(?:说道|说|问道|问|答道|回答|答|喊道|喊|叫道|叫|笑道|骂道|骂|吼道|吼|叹道|叹|道|嚷道|嚷|嘟囔|嘀咕|喃喃|解释"
    "|补充|提醒|命令|吩咐|开口|插嘴|插话|接口|接话|应道|应声|应|反驳|反问|追问|安慰|劝|催促|招呼|抱怨|嘲讽|打趣"
    "|坦白|承认|宣布|告诉|警告|低语|耳语|自语|哭诉|求|央求|冷哼|哼)"
    "(?:道|着|了|了一?[句声]|起来|[他她我们]+)?$"
)
_TAG = re.compile(
    r"[”」』\"][ \t\u3000]*(?P<tag>[^\n。！？!?“”「」『』\"]{2,60})(?P<end>[。！？!?\n“「『\"]|$)"
)
# 林远点了点头，压低声音：“…”: the first clause of the sentence that announces a quote.
_COLON = re.compile(
    r"(?:^|[\n。！？”」])[\s\u3000]*(?P<tag>[^\n。！？：“”「」，]{2,24})(?:，[^\n。！？：“”「」]{0,40})?"
    r"[：:][“「『\"]"
)
_OPENING = re.compile('[“「『]|"(?=[^\\s"])')
_LEAST, _SHARE = 2, 0.08

# With these a designation goes on as what somebody does; no name has them inside.
_MANNER = frozenset(
    "皱笑说问道点摇看把将抬叹怒喊叫答接望回转想站走坐伸拿也又便就却则没不连立马挑眯瞪盯指拍拉推抱搂咬耸撇撅哼嗯哈"
    "嘿忍放继补解提追插应嘟嘀喃缓朝向跟从被让给听见闻着了的地得还才只再突猛很太最更并但因为于之其他她它我你您们吗"
    "呢吧啊呀嘛这那哪什怎谁头齐异同闷"
)
_NO_START = frozenset(
    "他她它我你您咱这那哪谁有没一二两三几众各每某随接于只不又也便还就却说问笑话声然后忽突"
)
_HEARD = ("声音", "的声", "喊声", "哭声", "笑声", "话音")
_SEVERAL = re.compile("[俩们众]|[两三四几]人")
_PRONOUN = re.compile("[他她]")
# 林远皱着眉: how much of a designation's uses are of the longer one, for it to be the name.
_LONGER = 0.8


@dataclass(frozen=True)
class Tag:
    """A tag behind a quote: characters start..end of the section's text, without its full stop.

    leads_on: whether the speech goes on right behind it. spoken: whether it has a verb of speaking
    (else it only tells what the speaker does).
    """

    start: int
    end: int
    leads_on: bool
    spoken: bool


def tag_after(text: str, at: int) -> Tag | None:
    """The tag behind the quote that ends at `at`, in its own paragraph, if there is one."""
    match = _TAG.match(text, at - 1)
    if match is None:
        return None
    tag = match["tag"].rstrip(" \u3000")
    if not tag or tag[-1] in "：:":
        return None
    clauses = [clause.strip(" \u3000") for clause in re.split("[，,、]", tag)]
    spoken = any(_VERB.search(clause) for clause in clauses if clause)
    start = match.start("tag")
    end = start + len(tag)
    return Tag(start, end, match["end"] in tuple('“「『"'), spoken)


def tags_after(book: Book) -> bool:
    """Whether this book's tags stand behind the quotes often enough to be its way of telling."""
    tags = quotes = 0
    for section in book.sections:
        quotes += len(_OPENING.findall(section.plain, section.body))
        tags += sum(_VERB.search(head) is not None for head in _tags(section))
    return tags >= max(_LEAST, _SHARE * quotes)


def _tags(section: Section) -> Iterator[str]:
    for match in _TAG.finditer(section.plain, section.body):
        tag = match["tag"].strip(" \u3000，,、")
        if tag and tag[-1] not in "：:":
            yield tag


def named_after(book: Book, *, least: int = 2) -> Counter[str]:
    """Names of two to four characters that tags behind quotes, or before a colon, begin with."""
    heads: list[str] = []
    families = frozenset(word for word in words()["surnames"]) | frozenset("老小阿大")
    for section in book.sections:
        for tag in _tags(section):
            # What is done right behind a quote has a subject, too; a name is known by its family.
            if _VERB.search(re.split("[，,、]", tag)[-1]) or _of(families, tag):
                heads.append(tag)
        found_here = _COLON.finditer(section.plain, section.body)
        heads += [match["tag"] for match in found_here if _of(families, match["tag"])]
    letters = "\n".join(section.plain for section in book.sections)
    starts = Counter(head[:2] for head in heads if _may_begin(head))
    found: Counter[str] = Counter()
    for start, count in starts.items():
        if count < least:
            continue
        for name in _whole(start, heads, letters):
            if _SEVERAL.search(name):
                continue
            found[name] += sum(head.startswith(name) for head in heads)
    return Counter({name: count for name, count in found.items() if count >= least})


def _of(families: frozenset[str], head: str) -> bool:
    return (head[:1] in families or head[:2] in families) and not head.endswith(_HEARD)


def _may_begin(head: str) -> bool:
    return (
        len(head) >= 2
        and "\u4e00" <= head[0] <= "\u9fff"
        and head[0] not in _NO_START
        and head[1] not in _MANNER
        and head[:2] not in words()["roles"]
    )


def _whole(name: str, heads: list[str], letters: str) -> list[str]:
    """The name that these two characters begin: longer where it hardly stands without more."""
    if len(name) < 4:
        longer = Counter(
            head[: len(name) + 1]
            for head in heads
            if head.startswith(name) and len(head) > len(name) and head[len(name)] not in _MANNER
        )
        stands = letters.count(name)
        # 林小月 alone, or 林小月 and 林小虎: hardly ever is it 林小 without more.
        grown = [more for more, n in longer.items() if n >= 2 or letters.count(more) >= 3]
        if not grown or sum(letters.count(more) for more in grown) < _LONGER * stands:
            return [name]
        return [whole for more in grown for whole in _whole(more, heads, letters)]
    return [name]


def pronoun(tag: str) -> bool:
    """Whether the tag names its speaker by 他 or 她 only."""
    return bool(_PRONOUN.match(tag))
