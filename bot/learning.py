"""Facts about people in what they say: what they ask to be remembered, and what a model finds.

    asked_to_remember("悟空，记住我怕水")            ->  ("我怕水",)
    facts_in(answer, lines)                          # out of the model's answer to ask_for_facts

「记住：我对花生过敏」 and "remember that I am a vegetarian" are found at once, by patterns. In idle
time the model reads what somebody said and writes a list of facts, held to a grammar. A model,
above all a small one, makes things up; so nothing is believed that the person's own words, spoken
of themselves, do not carry. Pure.

Everybody may send 4,096 characters of anything, and all rooms wait while they are looked at. So
runs of blanks are one blank before any pattern sees them, a request is looked for from its verb
backwards, and no pattern can match one text in many ways: a test holds all of it under 20 ms.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.recall import terms
from characters.card import Language, Words
from characters.markup import Markup, Role
from characters.prompt import Span

MOST_TOLD = 5  # facts out of one message
MOST_LINES = 12  # of a person that the model reads at a time
LONGEST_LEARNED = 80  # characters
ENOUGH = 0.8  # of a fact's terms must be in the words it comes from
SURE_ENOUGH = 0.5

# -- at once ---------------------------------------------------------------------------------------

_SENTENCE = re.compile(r"[^。！？!?\n；;]*[。！？!?\n；;]*")
# A full stop ends an English sentence only before a space, so that 3.5 and a.m. stay whole.
_EN_SENTENCE = re.compile(r"(?<=[.])\s+(?=[A-Z])")

# What a request begins with: the verb, and what it is about.
_ASKED_ZH = re.compile(
    r"(?:(?P<keep>记住|记下|记着|记好|牢记|记牢)|(?P<mind>记得|别忘了|别忘记|不要忘记|不要忘了|莫忘))"
    r"(?:了|啊|呀|哦|喔|咯|一下|一件事|这件事|这一点|这句话|哈)?"
    r"(?P<gap>[，,：:、\s“「\"]*)"
)
# What stands before it: nothing, a pause, or who is asked and how.
_PLEASE_ZH = re.compile(
    r"(?:^|[，,、：:\s]|请|麻烦|烦请|劳烦|拜托|务必|千万|一定要|可要|你要|你得|你可|您要|给我|帮我|替我|"
    r"好好|都|你|您)$"
)
_LONGEST_PLEASE = 8  # characters that are looked at before a verb; of the one below, too
# What makes it no request: a question, somebody else who remembers, an if.
_QUESTION_ZH = re.compile(
    r"[？?]\s*$|(?:吗|么|没有|没|不)[？?。！!\s]*$|不记得|记不记得|还记得|可记得|是否"
)
_NOT_YOU_ZH = re.compile(
    r"(?:(?<![帮给替])[我俺]|他|她|它|谁|人|大家|他们|她们|要是|如果|假如|倘若|若|万一|不用|不必|不要|别|没|没有|不|无需|"
    r"甭|难|才|会|能|已经|早就|总算|终于|就|才能|怎么|为什么|为何|哪|说|道|曰|叫)(?:你|您|都)?\s*[：:“「\"]?\s*$"
)
_EMPTY_ZH = re.compile(
    r"^(?>我刚才说的话?|我说的话?|我的话|刚才的话|这一点|这[个些点]|那个|[我俺你他她它]|"
    r"就好|就行|了|啊|吧|哦|呀|没|\W)*+$"
)

_ASKED_EN = re.compile(
    r"(?:^|[,;:\-]\s*|\b(?:please|pls|and|also|just|now|so|always|must|should|to|but|oh|hey)\s+)"
    r"(?P<verb>remember|keep in mind|bear in mind|make a note|note|don['’]?t (?:ever )?forget|"
    r"do not forget|never forget)"
    r"(?P<this>\s+(?:this|one thing|the following)(?=\s*[:,-]))?"
    r"(?P<gap>\s*[:,]\s*(?:that\s+)?|\s+that\s+|\s+)(?P<fact>.+)",
    re.IGNORECASE,
)
_NOT_YOU_EN = re.compile(
    r"\b(?:i|he|she|they|we|who|nobody|no one|somebody|someone|everyone|people|cannot|can['’]?t|"
    r"don['’]?t|do not|doesn['’]?t|didn['’]?t|won['’]?t|never|not|if|do|did|does|to|"
    r"(?:i|he|she|they|we)['’](?:ll|d)|will|would|used to|try to|trying to|hard to)\s*$",
    re.IGNORECASE,
)
_WANTS_YOU_EN = re.compile(
    r"\b(?:want|need|like|ask|tell|beg|order|you(?:['’]ll)? have|you need)\s+(?:you\s+)?to\s*$"
    r"|\b(?:please|pls)\s*$",
    re.IGNORECASE,
)
_STORY_EN = re.compile(
    r"^(?:when|how|what|why|where|who|whether|if|to\b|me\b\W*$|us\b\W*$|it\b\W*$|this\W*$|that\W*$|"
    r"(?:(?:that|the|those|this)\s+)?(?:time|day|night|evening|morning|one|moment|guy|girl|place|"
    r"days|times|year|summer|winter)\b|my words\W*$|what i (?:said|told)|(?:that|this)\W*$|"
    r"(?:him|her|them|you|yourself)\b)",
    re.IGNORECASE,
)


def asked_to_remember(text: str, names: Iterable[str] = ()) -> tuple[str, ...]:
    """What somebody asks to be remembered, in their own words; () when they ask for nothing.

    `names` are those of whom they may ask: 「悟空记住我怕水」. 「你还记得吗」, 「我记得你」,
    "remember when we met?" and "remember to eat" ask for nothing.
    """
    found: list[str] = []
    called = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    if called:
        text = re.sub(rf"(?:{called})(?=[你您请可要得]*[记牢别])", r"\g<0>，", text)
    for sentence, begin in _sentences(text):
        fact = _asked_zh(sentence, text, begin) or _asked_en(sentence, text, begin)
        if fact:
            found.append(fact)
            if len(found) >= 4 * MOST_TOLD:
                break
    return tuple(dict.fromkeys(found))[:MOST_TOLD]


def _sentences(text: str) -> Iterator[tuple[str, int]]:
    """Each sentence, runs of blanks as one, and where it begins."""
    at = 0
    for match in _SENTENCE.finditer(text):
        for part in _EN_SENTENCE.split(match[0]):
            if part.strip():
                begin = text.find(part, at)
                at = begin + len(part)
                yield " ".join(part.split()), begin


def _from(fact: str, text: str, begin: int) -> str:
    """What a sentence asks after a colon is all that follows, to the end of the text."""
    rest = " ".join(text[begin:].split())
    return rest[rest.find(fact) :]


def _asked_zh(sentence: str, text: str, begin: int) -> str:
    at = 0
    while match := _ASKED_ZH.search(sentence, at):
        verb = at = match.start()
        before = sentence[max(0, verb - _LONGEST_PLEASE) : verb]
        if _PLEASE_ZH.search(before):
            break
        at += 1
    else:
        return ""
    if _QUESTION_ZH.search(sentence) or _NOT_YOU_ZH.search(before):
        return ""
    fact = sentence[match.end() :]
    # 「记得给我买瓜」 is an errand; 「记得我不吃瓜」 is about the person.
    if match["mind"] and not re.match(r"[俺我咱本]", fact):
        return ""
    if re.search(r"[：:]", match["gap"]):
        fact = _from(fact, text, begin)
    fact = _bare(fact)
    return "" if _EMPTY_ZH.match(fact) or len(fact) < 2 else fact


def _asked_en(sentence: str, text: str, begin: int) -> str:
    match = _ASKED_EN.search(sentence)
    if not match:
        return ""
    before = sentence[: match.start("verb")]
    wants = bool(_WANTS_YOU_EN.search(before))
    if not wants and (_NOT_YOU_EN.search(before) or sentence.endswith("?")):
        return ""
    fact, errand = match["fact"], re.match(r"forget|note\b", match["verb"].split()[-1], re.I)
    told = bool(re.search(r"[:,]|that", match["gap"], re.IGNORECASE))
    if _STORY_EN.match(fact) and not (told and re.match(r"when|how|what|why|where|who", fact)):
        return ""
    if not told and not re.match(r"(?:i|i['’]\w+|my|we|our|mine)\b", fact, re.IGNORECASE):
        return ""
    if errand and not told and not re.match(r"(?:i|i['’]\w+|my)\b", fact, re.IGNORECASE):
        return ""
    if ":" in match["gap"]:
        fact = _from(fact, text, begin)
    fact = _bare(fact)
    return fact if len(re.findall(r"\w+", fact)) >= 2 else ""


def _bare(fact: str) -> str:
    return " ".join(fact.split()).strip("，,。.！!？?；;、：: 」”\"'")


# -- in idle time ----------------------------------------------------------------------------------

# A list of at most three facts; digits are how sure the model is, of ten.
GRAMMAR = r"""
root ::= "[" ( fact ( ", " fact ){0,2} )? "]"
fact ::= "{\"fact\": \"" letter+ "\", \"sure\": " [1-9] "}"
letter ::= [^"\\\x00-\x1F]
"""
LONGEST_ANSWER, LONGEST_BOND = 160, 80  # tokens
_FACT = re.compile(r'\{"fact": "([^"\\]+)", "sure": ([1-9])\}')

_READ_FACTS = Words(
    "抄出说话的人讲自己的事实，以后还用得着的：名字、来历、职业、喜好、禁忌、亲友、打算。照原话，一条一句；"
    "没有就写 []。",
    "Copy the facts that the speaker tells about themselves and that will still matter later: "
    "name, home, work, likes, dislikes, family, plans. In their own words, one sentence each; "
    "write [] when there are none.",
)
# A small model does what it is shown, not what it is told. What has no facts comes first: after it
# the 0.5B would answer [] to everything.
_SHOWN_FACTS: dict[Language, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "zh": (
        ("那我们走吧！我才不信呢。", ()),
        ("我叫阿青，最怕打雷，今天可真冷。", ("我叫阿青", "我最怕打雷")),
        ("是啊，我弟弟后天要来看我。", ("我弟弟后天要来看我",)),
    ),
    "en": (
        ("Let's go, then! I don't believe a word.", ()),
        ("I'm Ben, I hate thunder, and it's cold today.", ("I'm Ben", "I hate thunder")),
        ("Oh yes, my sister visits me on Tuesday.", ("My sister visits me on Tuesday",)),
    ),
}
_READ_BOND = Words(
    "用一句话写出{name}和{character}交情如何、聊过什么。只写对话里有的，谁的事就是谁的事。",
    "Say in one sentence how {name} and {character} stand and what they talked about. Only what is "
    "in the talk, and of each what is theirs.",
)
_SHOWN_BOND: dict[Language, tuple[str, str]] = {
    "zh": (
        "阿青：师父，我怕打雷。\n法明：莫怕，念经便是。\n阿青：那我跟你学，我后天要去洛阳。",
        "阿青怕打雷，后天要去洛阳，想跟法明学念经；法明待他温和。",
    ),
    "en": (
        "Ben：Father, thunder frightens me.\nFaming：Then pray, my son.\n"
        "Ben：Teach me. On Tuesday I leave for York.",
        "Ben fears thunder, leaves for York on Tuesday and wants to learn praying from Faming, who "
        "is kind to him.",
    ),
}


@dataclass(frozen=True, slots=True)
class Learned:
    """A fact out of the model's answer: `line` is the number of the line it comes from."""

    text: str
    sure: float
    line: int


def ask_for_facts(line: str, language: Language, markup: Markup) -> tuple[Span, ...]:
    """The prompt whose answer `facts_in` reads: what a line tells about whoever says it."""
    shown = [
        (said, "[" + ", ".join(f'{{"fact": "{fact}", "sure": 9}}' for fact in facts) + "]")
        for said, facts in _SHOWN_FACTS[language]
    ]
    return question(_READ_FACTS[language], line, markup, shown)


def ask_for_bond(
    turns: Sequence[tuple[str, str]], name: str, character: str, language: Language, markup: Markup
) -> tuple[Span, ...]:
    """The prompt whose answer `bond_in` reads. `turns` are (shown name, text)."""
    told = _READ_BOND[language].format(name=name, character=character)
    talk = "\n".join(f"{who}：{text}" for who, text in turns)
    return question(told, talk, markup, [_SHOWN_BOND[language]])


def question(
    told: str, text: str, markup: Markup, shown: Sequence[tuple[str, str]] = ()
) -> tuple[Span, ...]:
    """A prompt that asks the model something else than to speak: `told` is how, `text` of what,
    `shown` are examples of a text and its answer."""
    begin = (Span(markup.begin, control=True),) if markup.begin else ()
    blocks: list[Span] = []
    asked: list[tuple[Role, str]] = [("system", told)]
    for example, answer in shown:
        asked += (("user", example), ("assistant", answer))
    for role, words in (*asked, ("user", text)):
        blocks += (Span(markup.open(role), control=True), Span(markup.said(words, role)))
        blocks += (Span(closing, control=True) for closing in markup.shut(role))
    return (*begin, *blocks, Span(markup.open("assistant") + markup.thought, control=True))


def facts_in(answer: str, lines: Sequence[str]) -> tuple[Learned, ...]:
    """The facts of an answer that the lines carry, also where the answer breaks off."""
    found = []
    for text, digit in _FACT.findall(answer)[:MOST_TOLD]:
        text, sure = _bare(text), int(digit) / 10
        if not lines or not 2 <= len(text) <= LONGEST_LEARNED or _PASSING.search(text):
            continue
        scores = [supported(text, line) for line in lines]
        best = max(range(len(lines)), key=lambda i: scores[i])
        sure = min(sure, scores[best])
        if scores[best] >= ENOUGH and sure >= SURE_ENOUGH:
            found.append(Learned(text, round(sure, 2), best))
    return tuple({fact.text: fact for fact in found}.values())


def uncalled(text: str, names: Iterable[str]) -> str:
    """A line without the name that it calls first (「八戒，我怕水」): a small model would write it
    into every fact."""
    called = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.sub(rf"^\s*(?:{called})\s*[，,、：:！!]\s*", "", text, flags=re.I) if called else text


def telling(lines: Iterable[str]) -> list[str]:
    """The lines in which somebody says anything of themselves; it costs time to read others."""
    return [line for line in lines if any(_told_in(part) for part, _ in _sentences(line))]


def _told_in(sentence: str) -> str:
    """What a sentence tells of whoever says it, without the question it ends in; or ""."""
    if _ASKS.search(sentence):
        sentence = "，".join(re.split("[，,]", sentence)[:-1])
    telling = _OF_MYSELF.search(sentence) and not _ASKS.search(sentence)
    return sentence if telling else ""


def supported(fact: str, line: str) -> float:
    """How much of a fact (0..1) one sentence carries in which somebody speaks of themselves.

    Questions carry nothing: 「我是不是该怕你？」 tells nothing of who asks. Nor does a sentence of
    which one clause denies what the fact says, or says what it denies.
    """
    claims = _clauses(fact)
    # Of whom it is said is known: 「我叫阿青，家在扬州」 carries 「我家在扬州」.
    wanted = [(claim.denied, _others(claim.terms)) for claim in claims]
    total = sum(len(some) for _, some in wanted)
    best = 0.0
    for sentence, _ in _sentences(line):
        clauses = _clauses(_told_in(sentence))
        if not total or any(_opposite(claim, clause) for claim in claims for clause in clauses):
            continue  # 「我不吃肉」 does not carry 「我吃肉」
        affirmed = {term for clause in clauses if not clause.denied for term in clause.terms}
        denied = any(clause.denied for clause in clauses)
        whole = {term for clause in clauses if denied for term in clause.terms}
        carried = sum(len(some & (whole if denies else affirmed)) for denies, some in wanted)
        best = max(best, carried / total)
    return best


@dataclass(frozen=True, slots=True)
class _Clause:
    """What a clause is compared by. `bare` are its terms without what denies them."""

    denied: bool
    terms: frozenset[str]
    bare: frozenset[str]


def _clauses(text: str) -> list[_Clause]:
    clauses = []
    for part in dict.fromkeys(re.split("[，,]", text)):
        found = frozenset(terms(part))
        denied = bool(_NO.search(part))
        bare = frozenset(terms(_NO.sub("", part))) if denied else found
        clauses.append(_Clause(denied or bool(_HATES.search(part)), found, bare))
    return clauses


def _opposite(claim: _Clause, clause: _Clause) -> bool:
    wanted = _others(claim.bare)
    return (
        claim.denied != clause.denied
        and bool(wanted)
        and len(wanted & clause.bare) >= ENOUGH * len(wanted)
    )


def _others(terms: frozenset[str]) -> frozenset[str]:
    """The terms that do not speak of oneself."""
    return frozenset(term for term in terms if not set(term) & set("我俺咱吾"))


# What is said to somebody, or thought just now, is nothing to remember of who says it; nor is what
# does not say of whom.
_PASSING = re.compile(
    r"^[他她它]|^(?:he|she|it|they)\b|[你您]|[我俺咱]们?(?:看|猜|想想|觉得|知道|不?信|走|接着|继续)|"
    r"\b(?:you|your|yours|let['’]s|we should)\b|\b(?:i|we) (?:think|guess|suppose|knew|know|see)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(r"[？?]|(?:吗|么|呢)\W*$|是不是|有没有|能不能|会不会")
_OF_MYSELF = re.compile(r"[我俺咱吾]|\b(?:i|i['’]\w+|my|mine|me|we|our)\b", re.IGNORECASE)
_NO = re.compile(r"[不没别无未]|\b(?:not|no|never|cannot|\w+n['’]t)\b", re.IGNORECASE)
_HATES = re.compile(r"\bhate\b", re.IGNORECASE)


def bond_in(answer: str, turns: Sequence[tuple[str, str]]) -> str:
    """How two stand, out of the model's answer; "" where the talk does not carry it."""
    line = answer.strip().partition("\n")[0].strip()
    if not 4 <= len(line) <= 200:
        return ""
    wanted = set(terms(line))
    talk = {term for who, text in turns for term in terms(f"{who} {text}")}
    return line if wanted and len(wanted & talk) / len(wanted) >= 0.5 else ""
