"""Checks of a generated reply: empty, out of role, repeated, looping; and what can be kept. Pure.

    fault_of("作为人工智能，我不能…", recent=[])                   ->  "assistant"
    without("老孙在此。作为一个AI，我……", "assistant", recent=[])   ->  "老孙在此。"

A reply with a fault is asked for once more; if the second one has one too, it is cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import Literal

# "others": it began as somebody else, whose label was cut off with all that followed. "tells": it
# holds what was whispered to the speaker (`bot.whispers`). "recites": it went on with what the
# model was told to do, which was cut off. "echoes": it gives back what was said to the speaker.
# "mistaken": the speaker says that it is somebody else (`characters.selves`). "strays": it is in
# another language than the talk.
Fault = Literal[
    "empty",
    "assistant",
    "repeats",
    "loops",
    "others",
    "tells",
    "recites",
    "echoes",
    "mistaken",
    "strays",
]

_ASSISTANT = re.compile(
    r"作为(?:一[个名位种款])?(?:由\S{0,12}(?:开发|训练)的)?\s*(?:人工智能|AI|大?语言模型|智能助手|聊天机器人)"
    r"|我(?:只|仅)?是(?:一[个名位种款])?(?:由\S{0,12}(?:开发|训练|创造)的)?\s*"
    r"(?:人工智能|AI(?![A-Za-z])|大?语言模型|智能助手|虚拟助手|聊天机器人|ChatGPT|通义|书生)"
    # Nobody of theirs knows the word but who asks what that is; who denies it knows it.
    r"|(?<![甚什][么麼])(?<![甚什]么是)大?语言模型(?![^。！!]*[？?])"
    r"|\b(?:AI|(?:large )?language model) (?:designed|trained|created|developed|built)\b"
    r"|(?<!what )(?<!what is )(?<!what's )\b(?:a|an AI|AI) language model\b(?![^.!]*\?)"
    r"|不是(?:一[个名位种款])?(?:人工智能|AI(?![A-Za-z])|大?语言模型|智能助手|聊天机器人)"
    r"|(?:\bnot|n['’]t) (?:just |only )?an? (?:ai\b|(?:large )?language model|chatbot)"
    r"|(?:抱歉|对不起|很遗憾)[，,]?\s*(?:我|作为)[^。！？]{0,10}(?:无法|不能)(?:提供|回答|协助|满足|继续|参与|扮演)"
    r"|(?:还有|有)(?:什么|其他)?(?:可以|能)(?:帮助?|为)您的"
    r"|\bas an? (?:ai|artificial intelligence|(?:large )?language model|virtual assistant)\b"
    r"|\bI(?:['’]?m| am) (?:just |only )?an? (?:ai\b|artificial intelligence"
    r"|(?:large )?language model|virtual assistant|chatbot)"
    r"|\bI(?:['’]?m sorry|\s+apologi[sz]e), but I (?:can(?:no|['’])t|am unable to)"
    r"|\bI(?:['’]?m| am) sorry, I (?:can(?:no|['’])t|am unable to) "
    r"(?:answer|understand|assist|help|provide|fulfil|comply|continue|discuss)"
    r"|\bI (?:do not|don['’]t) have (?:an? |any )?(?:personal (?:identity|feelings|opinions)"
    r"|physical (?:form|body)|feelings or|emotions or|consciousness)"
    r"|\b(?:do not|don['’]t) have (?:enough|sufficient) information"
    r"|\b(?:rephrase|clarify|elaborate on) (?:your|the) (?:question|request|statement)"
    r"|\blet me know if you (?:have any (?:other |more )?questions|need (?:any|more|further))"
    r"|\bplease provide (?:more|further|additional) (?:context|details|information)"
    r"|有(?:什么|甚么|哪些)(?:问题)?(?:需要|要我|想要我)(?:为您|帮您|帮你)?(?:解答|解决|协助)"
    r"|没有(?:足够|具体)的信息|请(?:您|你)?(?:提供|给出)(?:更多|具体|详细)"
    r"|(?:换一?[个种](?:说法|方式)|重新)(?:表述|描述|提问)"
    r"|\bI can(?:no|['’])t (?:assist|help) (?:you )?with (?:that|this)\b"
    r"|\bis there anything else (?:I can (?:help|assist)|you need help)",
    re.IGNORECASE,
)
_FENCE = "```"
_SENTENCE = re.compile(r"[^。！？!?…\n.]*[。！？!?…\n.]*[」』”’\"')）]*")
_TO_THE_END = re.compile(r".*[。！？!?…\n.][」』”’\"')）]*", re.DOTALL)
# A run of one unit, said over and over: 好好好好好好好好 or 去去就来，去去就来，…
# Of a longer unit, a whole sentence, three are enough.
_LOOP = re.compile(r"(.{1,24}?)\1{3,}|(.{25,120}?)\2{2,}", re.DOTALL)
_LONGEST_LOOP = 24  # characters of it that are still speech
# Five Chinese characters or words of a clause that come four times within sixty; a name or a
# 阿弥陀佛 is shorter, and so is what comes again where somebody counts (走到第一座山，走到第二座…).
_FRAME, _FRAMES, _WITHIN = 5, 4, 60
_CLAUSE = re.compile(r"[^，。！？；：、…,.!?;:\n]+")
_SHORT = 8  # characters: shorter lines may well come again
_ECHO = 5  # Chinese characters or words in a row of what was said, that are more than taking it up
_UNIT = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")
_ALIKE = 0.8
# The share of two lines that is the same, letter by letter in order, from which on one only says
# the other again with another word or two: 罪孽 and 罪业.
_NEARLY = 0.85
_NUMBER = re.compile(r"[0-9一二三四五六七八九十百千万两]")


def fault_of(
    text: str,
    recent: Iterable[str],
    *,
    cut_short: bool = False,
    asked: str = "",
    coder: bool = True,
) -> Fault | None:
    """The worst that is wrong with a reply. `recent` are the speaker's own last lines; `cut_short`
    says that a stop string ended it; `asked` is what it answers; a block of code
    is an assistant's unless the speaker is a `coder`."""
    if not text:
        return "others" if cut_short else "empty"
    if _ASSISTANT.search(text) or (not coder and _FENCE in text):
        return "assistant"
    if loop_at(text) is not None:
        return "loops"
    if any(alike(text, earlier) for earlier in recent):
        return "repeats"
    return "echoes" if echoes(text, asked) else None


def loop_at(text: str) -> int | None:
    """Where a reply begins to go round in a circle; the first round is still speech."""
    for match in _LOOP.finditer(text):
        unit = match[1] or match[2]
        if match.end() - match.start() > _LONGEST_LOOP and any(map(str.isalnum, unit)):
            return match.start() + len(unit)
    return _frame_at(text)


def _frame_at(text: str) -> int | None:
    """Where the same words come a second time that stand in a reply over and over, each time with
    something else behind them: 你听我说的话，悟空会听。你听我说的心，悟空会听。…"""
    seen: dict[tuple[str, ...], list[tuple[int, int]]] = {}
    count = 0
    for clause in _CLAUSE.finditer(text):
        units = [
            (unit[0].casefold(), clause.start() + unit.start())
            for unit in _UNIT.finditer(clause[0])
        ]
        for at in range(len(units) - _FRAME + 1):
            places = seen.setdefault(tuple(unit for unit, _ in units[at : at + _FRAME]), [])
            if not places or count + at >= places[-1][0] + _FRAME:  # 哈哈哈哈哈哈 is one
                places.append((count + at, units[at][1]))
        count += len(units)
    circles = [
        second
        for places in seen.values()
        for (first, _), (_, second), (last, _) in zip(
            places, places[1:], places[_FRAMES - 1 :], strict=False
        )
        if last - first <= _WITHIN
    ]
    return min(circles, default=None)


def echoes(text: str, asked: str) -> bool:
    """Whether a reply is hardly more than a piece of what it answers."""
    ours, theirs = _UNIT.findall(text.casefold()), _UNIT.findall(asked.casefold())
    if min(len(ours), len(theirs)) < _ECHO:
        return False
    same = SequenceMatcher(None, ours, theirs, autojunk=False).find_longest_match()
    return same.size >= _ALIKE * len(ours)


def alike(text: str, earlier: str) -> bool:
    """Whether a line says again what another one said, or is put together from its clauses."""
    ours, theirs = _bare(text), _bare(earlier)
    if min(len(ours), len(theirs)) < _SHORT:
        return False
    if ours == theirs or _clauses(text) <= _clauses(earlier):
        return True
    if _numbers(ours) == _numbers(theirs):  # who counts says nothing again
        match = SequenceMatcher(None, ours, theirs, autojunk=False)
        if match.quick_ratio() >= _NEARLY and match.ratio() >= _NEARLY:
            return True
    a, b = _grams(ours), _grams(theirs)
    return len(a & b) >= _ALIKE * min(len(a), len(b)) and len(a & b) >= 0.6 * max(len(a), len(b))


def without(text: str, fault: Fault, recent: Sequence[str]) -> str:
    """What can be kept of a faulty reply; "" when nothing can."""
    match fault:
        case "assistant":
            found = _ASSISTANT.search(text)
            left = _whole_sentences(text, found.start() if found else len(text))
            return _ended(left.partition(_FENCE)[0].rstrip()) if _FENCE in left else left
        case "recites":
            return _ended(text)
        case "loops":
            at = loop_at(text)
            return text[:at].rstrip("，,、 ") if at else ""
        case "echoes" | "mistaken" | "strays":
            return text
        case "repeats":
            said = {_bare(s) for line in recent for s in _SENTENCE.findall(line)}
            kept = [s for s in _SENTENCE.findall(text) if _bare(s) and _bare(s) not in said]
            left = "".join(kept).strip()
            return "" if any(alike(left, line) for line in recent) else left
        case _:
            return ""


def _ended(text: str) -> str:
    """A text without what stands after its last sentence."""
    whole = _TO_THE_END.match(text)
    return whole[0].strip() if whole else ""


def _whole_sentences(text: str, end: int) -> str:
    """The sentences that lie before `end` as a whole."""
    left = ""
    for match in _SENTENCE.finditer(text):
        if match.end() > end:
            break
        left += match[0]
    return left.strip()


def _bare(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


def _numbers(text: str) -> list[str]:
    return _NUMBER.findall(text)


def _clauses(text: str) -> set[str]:
    return {bare for clause in _CLAUSE.findall(text) if (bare := _bare(clause))}


def _grams(text: str) -> set[str]:
    return {text[i : i + 3] for i in range(len(text) - 2)}
