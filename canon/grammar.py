"""How a narrator introduces speech: the words of `canon/lexicon/narration.toml` as patterns.

A `Grammar` knows a chapter's names (aliases, discovered names, roles such as 那老者) and
answers three questions about a clause: which persons it mentions, which of them acts, and
which of them is acted upon.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from canon.names import ChapterNames, alternation

LEXICON = Path(__file__).parent / "lexicon"


@lru_cache(maxsize=1)
def words() -> dict[str, tuple[str, ...]]:
    """The word lists of narration.toml, each as a tuple."""
    data = tomllib.loads((LEXICON / "narration.toml").read_text(encoding="utf-8"))
    return {
        key: tuple(dict.fromkeys(value.split()))
        for key, value in data.items()
        if isinstance(value, str)
    }


@lru_cache(maxsize=1)
def groups() -> dict[str, int]:
    """Words for several persons (二人) and how many they are; 0 where that is open."""
    data = tomllib.loads((LEXICON / "narration.toml").read_text(encoding="utf-8"))
    return {word: int(size) for size, row in data["groups"].items() for word in row.split()}


@dataclass(frozen=True)
class Mention:
    """A person named in a clause.

    start, end: offsets in the section's text, of the whole phrase (那老者).
    surface: the name without determiner (老者).
    name: the canonical name, or the surface when no table knows it.
    acts: whether the person does what the clause says (else it is spoken to or acted upon).
    known: whether the name is of a table or discovered (not only a role).
    firm: whether it acts beyond doubt: first in its clause, or right after an introducer.
    """

    start: int
    end: int
    surface: str
    name: str
    acts: bool
    known: bool
    firm: bool = False


# 三个 is a group of persons only where it goes on as a clause does (三个真字 is none).
_THEN_ACTS = "(?=[恐怕惧怒喊接转回立躬低抬连急战滴垂掣举持执手都齐一又也就却同正在闻听见笑说道商议收即只慌叫喝跪上走出进撞忙急各拜磕叩赶谢答应俱骂问喜努径吆雄欢])"


class Grammar:
    """A book's names, compiled once; `in_chapter` gives the view of one chapter."""

    def __init__(self, names: Iterable[str]) -> None:
        # One-character aliases (怪, 妖) only count with a word in front (那怪, 老妖): the
        # patterns for roles find those.
        every = frozenset(names)
        self.known = frozenset(name for name in every if len(name) > 1)
        single = "".join(sorted(name for name in every if len(name) == 1))
        lists = words()
        heads = "".join(lists["role_heads"])
        heralds = alternation(lists["role_heralds"])
        self.pattern = re.compile(
            r"(?:[那这](?:一个|几个|两个|个|位|些|伙|班|起|条|员|名|群|对)?)?(?P<name>"
            f"{alternation(self.known | set(lists['roles']))}"
            f"|(?:{heralds})[{heads}]|(?<=[那这])[{heads}]"
            f"|(?:{alternation(groups())}){_THEN_ACTS}"
            # 操曰: a one-character name where a clause begins and goes on with a verb.
            f"|(?<![\u4e00-\u9fff])[{single or '□'}](?=[曰道大笑怒叹答谢泣急乃遂又亦闻见问]))"
        )
        self.opener = re.compile(f"(?:{alternation(lists['openers'])})")

    def narrates(self, sentence: str) -> bool:
        """Whether only the narrator can have said this sentence: it opens as narration does."""
        sentence = sentence.lstrip()
        if self.opener.match(sentence):
            return True
        match = self.pattern.match(sentence)
        if match is None:
            return False
        rest = sentence[match.end() :]
        # A name that is called ("八戒，…", "行者啊") is not narration.
        if not rest or rest[0] in "，。！？、：；啊呀呵哥我你":
            return False
        return match["name"] in self.known or match.group()[0] in "那众"

    def mentions(
        self, names: ChapterNames, text: str, begin: int, end: int, *, last: bool
    ) -> list[Mention]:
        """Persons named in the clause text[begin:end], left to right.

        last: whether this is the clause that ends with the speech verb; there "只听得 X 道"
            has X speak, in an earlier clause X is only heard.
        """
        found: list[Mention] = []
        for match in self.pattern.finditer(text, begin, end):
            surface = match["name"]
            following = text[match.end() : end]
            if following.startswith(("的", "之")) or _PLACE_OF.match(following):
                continue  # 八戒的嘴, 行者耳边: the owner is not the topic
            before = text[begin : match.start()]
            if before.endswith(("把", "将", "把那", "把个")) and _FRIGHTENED.match(following):
                before = ""
            firm = _firm(before)
            if surface in groups():
                acts = firm
            elif found and _SAME_PHRASE.fullmatch(text[found[-1].end : match.start()]):
                acts = found[-1].acts  # 八戒沙僧, 龙子、龙孙: one phrase
            else:
                acts = _acts(before, last, surface in self.known)
            found.append(
                Mention(
                    match.start(),
                    match.end(),
                    surface,
                    names.resolve(surface, match.start()),
                    acts,
                    surface in self.known or len(surface) == 1,
                    acts and firm,
                )
            )
        return found

    def stranger(self, text: str, begin: int, end: int, *, last: bool) -> str:
        """Somebody without a known name who is introduced in this clause, else "".

        那满朝官齐声喝采, 闪出一个瞽者, 被面前几个胆大的扯住: the clause has a subject of its
        own, so the search for the speaker must not go on to earlier clauses. Returns the
        person's designation where it can be cut out, else "?".
        """
        clause = text[begin:end].strip()
        match = _office().match(clause)
        if match is not None:
            return match["name"]
        match = _APPEARS.search(clause) or _ENTERS.search(clause)
        if match is not None:
            name = match["name"]
            return name if 2 <= len(name) <= 4 else "?"
        match = _THERE_IS.match(clause) if last else None
        if match is not None:
            return match["name"]
        match = _DEMONSTRATIVE.match(clause)
        if match is not None and (last or match["startled"]):
            named = _UP_TO_VERB.match(clause, match.end())
            return named["name"] if named else "?"
        # 只听得路旁叫: a voice, nobody seen. In an earlier clause it is only heard.
        return "?" if last and _HEARD.match(clause) else ""


_HEARD = re.compile("(?:[^，]{0,4}处|说不了|忽然?|却|又|猛)?(?:只|忽|又|却)?听(?:得|见|又|那|有)")
# 早有一个把门的…, 闪出一个瞽者
_APPEARS = re.compile(
    "(?:闪出|走出|转出|跳出|撞出|钻出|闪过|转过|走过|走上|来了?|遇着|撞见|[只忽又却早猛]见|早有|内有|旁有|忽有|时有|当有|被)"
    "[^，]{0,6}?(?:[一二三两几数]?[个员位伙群名对]|[几众])(?P<name>[^，个的]{1,10})$"
)
_ENTERS = re.compile(
    "(?:闪出|走出|转出|跳出|撞出|钻出|拥出|闪过|转过|跑过|走过)(?P<name>[^，来去的门洞外]{2,10})$"
)
_THERE_IS = re.compile(
    "(?:早|旁|忽|又|当|内|时)?有(?!旨|诗|词|赋|一|人)(?P<name>[^，的]{2,5}?)(?:奏|道|说|报|上前|来|在旁|启|出班|出)"
)
_DEMONSTRATIVE = re.compile(
    "(?:却说|只见|但见|忽见|且说|(?P<startled>唬得|慌得|喜得|急得|惊得|唬的|慌的))?"
    "[那这](?:几个|两个|三个|一个|个|位|些|众)?(?![时里壁厢边才般等样知曾肯敢消容一番场阵回])"
    "(?=[^他我你自]{2})"
)
_UP_TO_VERB = re.compile(
    "(?P<name>[^，上下里中内外边的]{2,4}?)"
    "(?=[都齐一又也就却同正在闻听见笑说道收即只慌叫喝跪走撞忙急各拜磕叩赶谢答应俱骂问喜立住回不把将着对向睁望低垂战气大厉高满心从得连奏])"
)


@lru_cache(maxsize=1)
def _office() -> re.Pattern[str]:
    """那监斩官又来奏: a word of up to four characters for a person, first in the clause."""
    endings = alternation(words()["role_endings"])
    return re.compile(
        "(?:却说|只见|忽见|忽有|早有|又有|且说|当有|时有|旁有|唬得|慌得|当时|此时|随有)?[那这]?(?:一个|个|几个|众|各)?"
        f"(?P<name>[^，他我你见的了着把将被对向又也便即却就才只正忽乃遂教令叫个一]{{1,3}}?(?:{endings}))(?:们|等)?{_THEN_ACTS}"
    )


# What follows an owner rather than somebody who acts.
_PLACE_OF = re.compile(
    "(?:院|禅院|寺|庙|祠|洞|山(?!神)|国(?![王丈师])|城|河|宫|府|庄(?!客)|耳边|耳内|耳朵|身边|身上|身后|面前|跟前|肚里|肚内|脚下|马前|门首|洞口|洞前|头上|背后|手里|手中)(?![道想说暗])"
)
_SAME_PHRASE = re.compile("并|及|[^，]{0,8}、[^，]{0,4}|")
_COUNTED = "那这个位一二两三四五六七八九十百千几数些名众诸"
_AFFECTED = re.compile("[了着住倒定退杀得脱]$")
# 把长老唬得…道: the one who is frightened speaks.
_FRIGHTENED = re.compile("[唬吓慌羞气急惊喜恼疼][得的]")
# The last of these words in front of a person tells whether it acts, even with a description
# in between (见那巡海的夜叉, 闪出太白金星).
_STRONG_OBJECT = (
    "对 向 与 和 把 将 见 请 叫 教 命 令 唤 差 着 领 引 同 问 骂 谢 变作 变做 是 乃 丢 抱 扯 捉 拿 救 辞 听得 闻得 即着 认得 在 到"
).split()


def _acts(before: str, last: bool, known: bool) -> bool:
    """Whether a person named after these words of its clause is the one who acts."""
    before = before.strip().rstrip(_COUNTED)
    if not before:
        return True
    introduced = _introduced().search(before)
    if introduced:
        return last or not introduced.group().endswith(("听得", "闻得"))
    if re.fullmatch("[那这][^，]{0,6}[上下里中内外边旁前后]", before):
        return True  # 那滩上僧人: where they are belongs to the name
    if _object().search(before) or _AFFECTED.search(before):
        return False
    words_before = list(_strong().finditer(before[-9:]))
    if words_before:
        return words_before[-1]["object"] is None
    return not known or len(before) <= 3


def _firm(before: str) -> bool:
    before = before.strip().rstrip(_COUNTED)
    return not before or bool(_introduced().fullmatch(before))


@lru_cache(maxsize=1)
def _strong() -> re.Pattern[str]:
    introducers = [word for word in words()["introducers"] if len(word) > 1] + ["被", "有"]
    return re.compile(
        f"(?P<subject>{alternation(introducers)})|(?P<object>{alternation(_STRONG_OBJECT)})"
    )


@lru_cache(maxsize=1)
def _introduced() -> re.Pattern[str]:
    return re.compile(f"(?:{alternation(words()['introducers'])})$")


@lru_cache(maxsize=1)
def _object() -> re.Pattern[str]:
    gaps = alternation(words()["object_gaps"])
    return re.compile(f"(?:{alternation(words()['object_words'])})(?:{gaps})?$")
