"""How an English narrator says who speaks: who does what in a sentence, as patterns.

The word lists are `canon/lexicon/speech.toml`. A `Subject` is whoever a pattern finds: a name, a
pronoun, or a role (the old man, his wife).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LEXICON = Path(__file__).parent.parent / "lexicon" / "speech.toml"


@cache
def words(key: str) -> frozenset[str]:
    """One word list of speech.toml."""
    return frozenset(str(_lexicon()[key]).split())


@cache
def long_names() -> dict[str, str]:
    """Short given name → the long one."""
    table = _lexicon()["short"]
    assert isinstance(table, dict)
    return {short: full for full, row in table.items() for short in row.split()}


@cache
def _lexicon() -> dict[str, str | dict[str, str]]:
    return tomllib.loads(LEXICON.read_text(encoding="utf-8"))


def _any(*keys: str) -> str:
    every = sorted({word for key in keys for word in words(key)}, key=len, reverse=True)
    return "(?:" + "|".join(map(re.escape, every)) + ")"


TITLE = rf"(?:{_any('male_titles', 'female_titles', 'other_titles')}\b\.?)"
_VERB = rf"{_any('verbs')}\b"
_ACT = rf"{_any('verbs', 'gestures')}\b"
_GAP = r"[ \n]+"
# Mary’s mother is not Mary.
_WORD = r"[A-ZÀ-Þ][A-Za-zÀ-ÿ]*(?:[’'-](?!s\b)[A-Za-zÀ-ÿ]+)*(?![A-Za-zÀ-ÿ’']|-(?!-))"
_NO_NAME = rf"(?!{_any('function_words')}\b)"
_NO_OTHER = rf"(?!{_any('function_words', 'male_titles', 'female_titles')}\b)"
_OF = rf"(?:(?:of|de|van|von|du|le|la|di|da){_GAP}(?:(?:the|der|den){_GAP})?)?"
NAME = (
    rf"{_NO_NAME}(?:{TITLE}{_GAP})?(?:St\.?{_GAP}|(?:van|von|de){_GAP}(?:der{_GAP})?)?{_WORD}"
    rf"(?:{_GAP}{_OF}{_NO_OTHER}{_WORD})*"
)
_FOND = "(?:[Pp]oor|[Oo]ld|[Ll]ittle|[Yy]oung|[Dd]ear|[Gg]ood)"
_NAMED = rf"(?:[Tt]he{_GAP}(?:[a-z-]+{_GAP}){{0,2}}?|{_FOND}{_GAP})?(?P<name>{NAME})"
_ROLES = _any("male_roles", "female_roles", "either_roles", "male_trades", "female_trades")
PERSON = rf"(?:{_ROLES}|(?:[a-z]+(?:man|woman|keeper|ess)|[a-z]{{3,}}(?:er|or|ist)))\b"
_WHOSE = "[Tt]he|[Aa]n?|[Hh]is|[Hh]er|[Mm]y|[Tt]heir|[Oo]ur|[Aa]nother|[Oo]ne|[Tt]hat"
_ROLE = (
    rf"(?P<det>{_WHOSE}|[A-ZÀ-Þ][A-Za-zÀ-ÿ]*[’']s)"
    rf"{_GAP}(?:[a-z’'-]+,?{_GAP}){{0,3}}?(?P<noun>{PERSON})"
)
_PRONOUN = rf"(?P<pronoun>[Hh]e|[Ss]he|[Ii]t|[Tt]hey|[Ww]e|I)\b(?:{_GAP}(?:both|all)\b)?"
WHO = rf"(?:{_PRONOUN}|{_NAMED}|{_ROLE})"
_ADV = rf"(?:(?:[a-z]+ly|{_any('adverbs')}),?{_GAP})"
_AUX = rf"(?:{_any('auxiliaries')}{_GAP})"
_NEAR = "(?:on|in|with|of|at|from|behind|beside|under|near|who)"
_ASIDE = rf"(?:,[^,.;:!?“”\"\n]{{2,60}},|{_GAP}{_NEAR}{_GAP}[^,.;:!?“”\"]{{2,40}}?)?"
_AND = rf"(?:{_GAP}and{_GAP}(?:the{_GAP})?(?P<also>{NAME}))?"

# said Martha; flashed Martha; stammered unhappy Tom; faltered forth the owner of that name
_NO_ADJECTIVE = _any("prepositions", "adverbs")
_INVERTED = re.compile(
    rf"[\s,;:—–-]*{_ADV}?(?P<verb>{_VERB}|[a-z]+ed\b){_GAP}"
    rf"(?:(?:forth|out|in|on|up){_GAP})?{_ADV}?"
    rf"(?:(?!{_NO_ADJECTIVE}\b)[a-z]+{_GAP}(?={NAME}))?{WHO}{_AND}"
)
# “…,” was her answer
_ANSWER = re.compile(
    rf"[\s,;:—–-]*(?:was|came|were){_GAP}(?P<whose>his|her)\b[^,.;:]{{0,30}}?"
    r"\b(?:answer|reply|response|remark|words|question)"
)
# came Martha’s voice; was Martha’s only answer
_WHOSE_VOICE = re.compile(
    rf"[\s,;:—–-]*(?:came|was|were|in){_GAP}(?P<name>(?:{TITLE}{_GAP})?[A-ZÀ-Þ][A-Za-zÀ-ÿ]+)[’']s\b"
    r"[^,.;:]{0,30}?\b(?:voice|answer|reply|response|remark|comment|contribution|words|question)"
)
# …, but Mr. Hale, much offended, laid his book aside, and said
_CLAUSE = re.compile(
    rf"(?:^|[;:—–]{_GAP}?|--|,{_GAP}(?:(?:and|but|while|till|until|then){_GAP})?"
    rf"|\b(?:but|while|till|until|and|last){_GAP}){WHO}{_AND}{_ASIDE}{_GAP}"
    r"(?!(?:and|or|of|in|to|with|by|for|at|on|from|who|whose|that|as|the|his|her)\b)(?P<verb>[a-z]+)"
)
# met by Lydia, who, flying to her, cried; and: interrupted by Martha
_WHO_CRIED = re.compile(rf"(?P<name>{NAME}),?{_GAP}who\b[^.;!?]*$")
_BY = re.compile(
    rf"\b(?:accosted|addressed|answered|asked|greeted|interrupted|met|told){_GAP}by{_GAP}(?P<by>{NAME})[,:]?$"
)
# Martha, laughing, said; he had only whispered
_DOES = rf"{WHO}{_AND}{_ASIDE}{_GAP}{_ADV}*(?:{_AUX}{_ADV}*)?"
_STRAIGHT = re.compile(rf"[\s,;:—–-]*(?:(?:and|but|then|as|for){_GAP})?{_DOES}(?P<verb>{_ACT})")
_ANYWHERE = re.compile(rf"(?<![A-Za-z’'-]){_DOES}(?P<verb>{_VERB})")
# Martha put down her spoon.
_ACTS = re.compile(
    r"(?:(?:and|but|then|so|for|at last|now|yet|still|again|here|suddenly|presently|however),?"
    rf"{_GAP})*{WHO}{_AND}{_ASIDE}[ \n]+(?P<verb>[a-z]+)"
)
_SAYS = re.compile(rf"\b(?:{_VERB}|{_any('participles')}\b)")
_SAYS_AT_END = re.compile(rf"\b{_VERB}(?:{_GAP}[a-z]+)?$")
SENTENCE = re.compile(r"(?<=[.!?…])[”’\"']*[\s]+(?=[A-Z“‘\"'(_])")
_TITLED = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|Capt|Col|Prof|Rev)\.$")


@dataclass(frozen=True)
class Subject:
    """Whoever does what a clause says.

    name: as it stands, without article, "" for others. pronoun: in small letters, "" for others.
    role: the noun of a role (man, wife), "" for others; whose: its determiner in small letters
    (the, his, Mary's). also: a second name (Tom and Huck). verb: what is done. age: "old" or
    "young" where the role tells (the old man, the boy).
    """

    name: str
    pronoun: str
    role: str
    whose: str
    also: str
    verb: str
    age: str = ""


def _subject(match: re.Match[str]) -> Subject | None:
    name = plain(match["name"] or "")
    if name.rstrip(".") in words("nobody"):
        return None
    role, whose = match["noun"] or "", match["det"] or ""
    if role and not is_person(role):
        return None
    pronoun = match["pronoun"] or ""
    pronoun = pronoun if pronoun == "I" else pronoun.casefold()
    whose = whose if whose[-2:] in ("’s", "'s") else whose.casefold()
    age = age_of(match.string[match.start("det") : match.end("noun")]) if role else ""
    return Subject(name, pronoun, role, whose, plain(match["also"] or ""), match["verb"], age)


def age_of(words_of_role: str) -> str:
    """ "old" or "young" by the words of a role, "" where they do not tell."""
    said = set(words_of_role.split())
    if said & {"old", "aged", "elderly"}:
        return "old"
    return "young" if said & {"young", "little", *words("young_roles")} else ""


def plain(surface: str) -> str:
    """A name on one line, without the possessive."""
    return re.sub(r"[’']s$", "", " ".join(surface.split()))


def tag_behind(text: str) -> Subject | None:
    """Who speaks by the words right behind a quote (said Martha; he only whispered), or None."""
    if match := _ANSWER.match(text):
        return Subject("", "he" if match["whose"] == "his" else "she", "", "", "", "answered")
    if match := _WHOSE_VOICE.match(text):
        return Subject(plain(match["name"]), "", "", "", "", "answered")
    match = _INVERTED.match(text)
    if match and (found := _subject(match)):
        return found
    match = _STRAIGHT.match(text)
    if match is None:
        return None
    first = text.lstrip(" \n,;:—–-")[:1]
    # “…” Hester said nothing: a new sentence with a gesture is no tag.
    if first.isupper() and not match["pronoun"] and match["verb"] in words("gestures"):
        return None
    return _subject(match)


def tag_before(text: str, known: Callable[[str], bool] = lambda name: True) -> Subject | None:
    """Who speaks by the last sentence in front of a quote that goes on into it, or None."""
    text = sentences(text)[-1] if text.strip() else ""
    tail = text.rstrip()
    if (match := _BY.search(tail)) and known(plain(match["by"])):
        return Subject(plain(match["by"]), "", "", "", "", "said")
    if not tail or not _SAYS.search(tail) or tail[-1] in "!?…":
        return None
    if tail[-1].isalpha() and not _SAYS_AT_END.search(tail):
        return None  # They called it the “long water”
    # The last clause that says who speaks: …, but the Hatter and the March Hare went
    found = [one for m in _ANYWHERE.finditer(tail) if (one := _subject(m))]
    if found:
        return found[-1]
    if (match := _WHO_CRIED.search(tail)) and known(name := plain(match["name"])):
        return Subject(name, "", "", "", "", "said")
    clauses = [one for m in _clauses(tail) if (one := _subject(m))]
    clauses = [one for one in clauses if not one.name or known(one.name)]
    return clauses[-1] if clauses else actor(tail, known)


def last_actor(sentence: str, known: Callable[[str], bool] = lambda name: True) -> Subject | None:
    """Who acts in the last clause of a sentence (He rose when the door opened and Ann came in)."""
    clauses = [one for m in _clauses(sentence.strip()) if (one := _subject(m))]
    clauses = [one for one in clauses if one.name and known(one.name)]
    return clauses[-1] if clauses else None


def _clauses(sentence: str) -> Iterator[re.Match[str]]:
    """Clauses with a subject, also where one begins within the aside of another."""
    at = 0
    while match := _CLAUSE.search(sentence, at):
        yield match
        at = match.start() + 1


def actor(sentence: str, known: Callable[[str], bool] = lambda name: True) -> Subject | None:
    """Who does what a sentence says, by its beginning; an adverbial phrase may stand first.

    `known` tells names from other words that begin with a capital (Leaning over, she …).
    """
    lowered = sentence.lstrip(" \n(")
    word = re.match(r"[A-Z][a-z]*", lowered)
    leads = word is not None and word[0] in words("function_words")
    first = lowered[:1].lower() + lowered[1:] if leads else lowered
    begins = [match for text in (first, lowered) if (match := _ACTS.match(text))]
    if comma := re.match(r"[^,]{1,90},\s+", lowered):
        begins += [match for match in (_ACTS.match(lowered, comma.end()),) if match]
    for match in begins:
        found = _subject(match)
        if found and found.pronoun not in ("it", "we") and (not found.name or known(found.name)):
            return found
    return None


def is_person(noun: str) -> bool:
    """Whether a noun means somebody: one of the word lists' roles, or formed like one."""
    return noun in _persons() or noun not in words("things")


@cache
def _persons() -> frozenset[str]:
    keys = ("male_roles", "female_roles", "either_roles", "male_trades", "female_trades")
    return frozenset().union(*(words(key) for key in keys))


def sentences(text: str) -> list[str]:
    """The sentences of a stretch of narration, none empty; Mr. ends none."""
    found: list[str] = []
    begin = 0
    for match in SENTENCE.finditer(text):
        if _TITLED.search(text[: match.start()]):
            continue
        found.append(text[begin : match.start()])
        begin = match.end()
    found.append(text[begin:])
    return [one for one in found if one.strip()]


def gender_of_role(noun: str) -> str:
    """ "he", "she" or "" of a role's noun."""
    if noun in words("either_roles"):
        return ""
    if noun in words("male_roles") or noun in words("male_trades"):
        return "he"
    if noun in words("female_roles") or noun in words("female_trades"):
        return "she"
    if noun.endswith("man") and not noun.endswith("woman"):
        return "he"
    return "she" if noun.endswith(("woman", "ess")) else ""


def may_be_anybody(noun: str) -> bool:
    """Whether a role may stand for somebody who has a name (the man, her mother)."""
    return noun in words("male_roles") | words("female_roles") | words("either_roles")
