"""From the words of a question to the words of the book.

Readers ask in today's Chinese or in English; the book is written in the vernacular of the
Ming. `canon/lexicon/everyday.toml` maps today's words to those that old novels use,
`canon/lexicon/english.toml` English words to Chinese ones, and the book's own table names its
people, places and things. None of the general lists is about one book.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

from canon.grammar import words as grammar_words
from canon.names import NameTable, alternation
from canon.numbers import numbers
from canon.ranking import ASKED
from canon.traditional import fold_words

# The forms of a name, each as its tokens.
Forms = tuple[tuple[str, ...], ...]

LEXICON = Path(__file__).parent / "lexicon"

_MOST_OF_A_BOOK = 60  # chapters

HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0002ffff]+")
LATIN = re.compile(r"[a-z][a-z'’-]*")
_LETTERS = re.compile("[A-Za-z]{2,}")
_CAPITAL = re.compile(r"(?<![.?!]\s)(?<!^)\b[A-Z][a-z]+")
_YOU = re.compile(r"[你您]|\byou")
_TITLE = re.compile("《([^》]{1,20})》")
# Characters that foreign names are transcribed with, three in a row or more.
_TRANSCRIBED = re.compile(
    "[阿埃艾奥巴贝比彼波伯布查茨达丹德迪蒂杜多尔恩菲弗夫福伏戈格古哈海赫霍基加杰卡凯坎科克肯拉莱兰雷里丽利列林"
    "卢鲁路伦罗洛马玛麦迈曼米密莫姆穆纳娜内尼诺努欧帕佩皮普奇乔切萨塞沙莎什史斯思索塔泰坦特提汀托图维威沃乌西希"
    "谢休修雅亚扬耶伊因约扎詹兹佐]{3,}"
)
_NO_NAMES = re.compile("谢谢|多谢|哈{2,}")  # laughter and thanks have such characters, too


@lru_cache(maxsize=1)
def everyday() -> tuple[Mapping[str, tuple[str, ...]], frozenset[str]]:
    """(today's word → words of old novels, words of a question that say nothing)."""
    data = tomllib.loads((LEXICON / "everyday.toml").read_text(encoding="utf-8"))
    words: dict[str, tuple[str, ...]] = {}
    for key, value in data["words"].items():
        for word in key.split("/"):
            words[word] = tuple(dict.fromkeys(words.get(word, ()) + tuple(value.split())))
    return words, frozenset(data["drop"].split())


@lru_cache(maxsize=1)
def english() -> tuple[Mapping[str, tuple[str, ...]], frozenset[str]]:
    """(English word, stemmed → Chinese words, English words that say nothing)."""
    data = tomllib.loads((LEXICON / "english.toml").read_text(encoding="utf-8"))
    words: dict[str, tuple[str, ...]] = {}
    for key, value in data["words"].items():
        for word in key.split("/"):
            stemmed = _stems(word)
            words[stemmed] = tuple(dict.fromkeys(words.get(stemmed, ()) + tuple(value.split())))
    return words, frozenset(stem(word) for word in data["drop"].split())


@lru_cache(maxsize=1)
def synonyms() -> Mapping[str, tuple[str, ...]]:
    """Word → the other words that a word list gives its meaning to; English ones are stemmed."""
    found: dict[str, dict[str, None]] = {}
    for name, form in (("everyday", str), ("english", _stems)):
        data = tomllib.loads((LEXICON / f"{name}.toml").read_text(encoding="utf-8"))
        for key in data["words"]:
            words = [form(word) for word in key.split("/")]
            for word in words:
                found.setdefault(word, {}).update(dict.fromkeys(words))
    return {
        word: tuple(other for other in others if other != word and " " not in other)
        for word, others in found.items()
    }


def _stems(phrase: str) -> str:
    return " ".join(stem(word) for word in phrase.split())


@lru_cache(maxsize=1)
def _irregular() -> Mapping[str, str]:
    """Forms of English words that no rule makes → the word: ate → eat."""
    data = tomllib.loads((LEXICON / "english.toml").read_text(encoding="utf-8"))
    return {form: word for word, forms in data["forms"].items() for form in forms.split()}


@lru_cache(maxsize=1)
def elsewhere() -> tuple[re.Pattern[str], frozenset[str]]:
    """(Chinese words, English words) for what the world of an old novel does not have."""
    data = tomllib.loads((LEXICON / "elsewhere.toml").read_text(encoding="utf-8"))
    chinese = re.compile(alternation([*data["today"].split(), *data["other_works"].split()]))
    return chinese, frozenset(data["english"].split())


@lru_cache(maxsize=1)
def _stems_elsewhere() -> frozenset[str]:
    return frozenset(map(stem, elsewhere()[1]))


def elsewhere_in(text: str) -> list[tuple[int, int]]:
    """Where a folded text has words for what an old novel does not have, in order."""
    chinese, foreign = elsewhere()[0], _stems_elsewhere()
    latin = (match for match in LATIN.finditer(text) if stem(match.group()) in foreign)
    return sorted(match.span() for match in (*chinese.finditer(text), *latin))


def stem(word: str) -> str:
    """An English word without its commonest endings; enough to match demons with demon."""
    word = word.strip("'’-").removesuffix("'s").removesuffix("’s")
    word = _irregular().get(word, word)
    for ending, least in (("ies", 2), ("ing", 3), ("ed", 3), ("es", 3), ("s", 3), ("ly", 3)):
        if word.endswith(ending) and len(word) - len(ending) >= least and not word.endswith("ss"):
            word = word[: -len(ending)] + ("y" if ending == "ies" else "")
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz":
        word = word[:-1]
    return word.removesuffix("e") if len(word) > 3 else word


def tokens(text: str) -> list[str]:
    """What a text is indexed by: Chinese characters and pairs of them, English stems."""
    text = unicodedata.normalize("NFKC", text).casefold()
    found: list[str] = []
    for run in HAN.findall(text):
        found += run
        found += [run[i : i + 2] for i in range(len(run) - 1)]
    found += [stem(word) for word in LATIN.findall(text)]
    return found


@dataclass
class Question:
    """A question as weighted tokens.

    weights: token → weight; tokens as `tokens` makes them, people as "@name".
    kinds: token → what it is (one of KINDS), which the ranking has weights for.
    people: canonical names that it mentions.
    content: the tokens of its own content words (before any mapping), for judging whether the
        book has anything to say. elsewhere: words of it for what an old novel does not have.
    named: each person, place and thing that it names, as the tokens of each of its forms.
    strangers: what looks like a name, and is none that the tables or word lists have.
    called: what a title or a kind of place stands behind, with it (翠屏庵); the book may have it.
    spelled: the English words by which it names somebody or something, stemmed.
    numbers: the numbers that it states, as the book writes them.
    you: whether it says something of whom it is for.
    """

    weights: dict[str, float] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    people: tuple[str, ...] = ()
    content: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    named: tuple[Forms, ...] = ()
    strangers: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    spelled: dict[Forms, tuple[str, ...]] = field(default_factory=dict)
    numbers: tuple[str, ...] = ()
    you: bool = False

    def asked_of(self, name: str | None) -> list[tuple[str, str, float]]:
        """(token, kind, weight) of every token, and of one for the character asked."""
        found = [(token, self.kinds[token], weight) for token, weight in self.weights.items()]
        return [*found, (f"@{name}", ASKED, 1.0)] if name else found

    def tokens_of(self, forms: Forms) -> list[tuple[str, str, float]]:
        """(token, kind, weight) of the tokens by which it names one of `named`."""
        its = {token for form in forms for token in form} | set(self.spelled.get(forms, ()))
        return [(t, self.kinds[t], weight) for t, weight in self.weights.items() if t in its]

    def add(self, token: str, kind: str, weight: float) -> None:
        """Keep the larger weight: a word that is asked for twice counts once."""
        if weight > self.weights.get(token, 0.0):
            self.weights[token], self.kinds[token] = weight, kind


# Where a token of a question comes from: a character or a pair of the question's own, the book's
# words for one of today's, a person, another name, a place or thing, an English word of its own,
# the book's words for it, and English words of the same meaning.
OWN = frozenset({"pair", "person", "term", "english"})
KINDS = ("character", "pair", "mapped", "person", "term", "english", "gloss", "synonym")

# Weights, tuned once on the development questions; the exact values matter little.
CHARACTER = 0.35
PAIR = 1.0
MAPPED = 0.8
PERSON = 1.2
OTHER_NAME = 0.4
TERM = 1.2
SYNONYM = 0.4


class Lexicon:
    """The general word lists and one book's table, ready to read questions."""

    def __init__(self, table: NameTable, names: Iterable[str] = ()) -> None:
        self._people: dict[str, str] = {}
        # Words that mean one person in some chapters only (国王, 妖精) stay ordinary words, and so
        # does a single character that once seemed to speak (后 is in 以后).
        ordinary = set(grammar_words()["roles"])
        for name in names:
            if len(name) > 1 and name not in ordinary:
                self._people.setdefault(name, name)
        for person in table.people:
            for scope in person.scopes:
                for alias in (person.name, *scope.aliases):
                    everywhere = scope.last - scope.first > _MOST_OF_A_BOOK
                    if len(alias) > 1 and (everywhere or alias not in ordinary):
                        self._people.setdefault(alias, person.name)
        for person in table.people:
            self._people[person.name] = person.name
        self._english_people = {
            _one_way(en): person.name for person in table.people for en in person.en
        }
        self._terms: dict[str, tuple[str, ...]] = {}
        self._english_terms: dict[str, tuple[str, ...]] = {}
        for term in (*table.places, *table.things):
            forms = (term.name, *term.aliases)
            for form in forms:
                self._terms[form] = forms
            for en in term.en:
                self._english_terms[_one_way(en)] = forms
        self.people_pattern = re.compile(alternation(self._people) or "(?!)")
        self._terms_pattern = re.compile(alternation(self._terms) or "(?!)")
        named = {**self._english_people, **self._english_terms}
        # Six-Eared Macaque and Six Eared Macaque are one.
        either = alternation(named).replace(r"\ ", "[ -]") or "(?!)"
        self._english_pattern = re.compile(rf"\b(?:{either})(?:'s|s)?\b")

    def people_in(self, text: str) -> list[tuple[int, int, str]]:
        """(start, end, canonical name) of each person named in a text, under any alias."""
        return [
            (match.start(), match.end(), self._people[match.group()])
            for match in self.people_pattern.finditer(text)
        ]

    def read(self, question: str) -> Question:
        """Turn a question into weighted tokens."""
        asked = unicodedata.normalize("NFKC", question)
        question = asked.casefold()
        text = fold_words(question).replace("’", "'")
        read = Question()
        people: dict[str, None] = {}
        read.elsewhere = tuple(text[start:end] for start, end in elsewhere_in(text))
        text = self._read_english(text, read, people)
        for match in self.people_pattern.finditer(text):
            people.setdefault(self._people[match.group()])
        for match in self._terms_pattern.finditer(text):
            _add_words(read, self._terms[match.group()], "term", OTHER_NAME)
            read.named += (_forms(self._terms[match.group()]),)
        for name in people:
            read.add(f"@{name}", "person", PERSON)
        text = self.people_pattern.sub(" ", text)
        mapped, _ = everyday()
        for match in _mapped_pattern().finditer(text):
            _add_words(read, mapped[match.group()], "mapped", MAPPED)
            _add_words(read, synonyms()[match.group()], "synonym", SYNONYM)
        content: list[str] = []
        for run in HAN.findall(_dropped_pattern().sub(" ", text)):
            pairs = [run[i : i + 2] for i in range(len(run) - 1)]
            content += pairs or [run]
            for char in run:
                read.add(char, "character", CHARACTER)
            for pair in pairs:
                read.add(pair, "pair", PAIR)
        read.people = tuple(people)
        read.named += tuple(((f"@{name}",),) for name in people)
        # 三 in 三藏 and 八 in 八戒 count nothing.
        plain = self.people_pattern.sub(" ", self._terms_pattern.sub(" ", question))
        read.numbers, read.you = numbers(plain), bool(_YOU.search(question))
        read.strangers = self.strangers(asked)
        read.called = self._called(text)
        read.content = (*read.content, *content)
        return read

    def _called(self, text: str) -> tuple[str, ...]:
        """Titles and kinds of places with the one or two characters before them: 飞云真君."""
        text = self._terms_pattern.sub(" ", text)
        # 才 and 太 say nothing, but not in 秀才 and 师太.
        text = _dropped_but_titles().sub(lambda match: match["title"] or " ", text)
        return tuple(match.group() for match in _titled().finditer(text))

    def strangers(self, question: str) -> tuple[str, ...]:
        """Names that no list has: 《titles》, transcribed names, English words with a capital in
        mid-sentence, Latin letters among Chinese ones."""
        found = _TITLE.findall(question)
        text = self.people_pattern.sub(" ", self._terms_pattern.sub(" ", fold_words(question)))
        transcribed = _TRANSCRIBED.findall(_NO_NAMES.sub(" ", text))
        found += (name for name in transcribed if len(set(name)) > 1)
        known, dropped = english()
        plain = self._english_pattern.sub(" ", text.replace("’", "'").casefold())
        left = set(LATIN.findall(plain))
        latin = _CAPITAL if not HAN.search(question) else _LETTERS
        words = (word.casefold() for word in latin.findall(text))
        found += [w for w in words if w in left and stem(w) not in known and stem(w) not in dropped]
        return tuple(found)

    def _read_english(self, text: str, read: Question, people: dict[str, None]) -> str:
        """Read the English words of a question; returns the text without them."""
        for match in self._english_pattern.finditer(text):
            whole = _one_way(match.group())
            word = whole.removesuffix("'s")
            word = word if word in self._english_people else word.removesuffix("s")
            if word in self._english_people:
                person = self._english_people[word]
                people.setdefault(person)
                named: Forms = ((f"@{person}",),)
            else:
                forms = self._english_terms.get(word) or self._english_terms.get(whole, ())
                _add_words(read, forms, "term", TERM)
                named = _forms(forms)
                read.named += (named,) if forms else ()
            spelled = tuple(stem(part) for part in match.group().split())
            read.spelled[named] = read.spelled.get(named, ()) + spelled
        rest = self._english_pattern.sub(" ", text)
        mapped, dropped = english()
        stems = [stem(word) for word in LATIN.findall(rest)]
        at = 0
        content = []
        while at < len(stems):
            for size in (3, 2, 1):
                phrase = " ".join(stems[at : at + size])
                if at + size > len(stems):
                    continue
                if phrase in mapped and (size > 1 or phrase not in dropped):
                    _add_words(read, mapped[phrase], "gloss", MAPPED)
                    for other in synonyms()[phrase]:
                        read.add(other, "synonym", SYNONYM)
                    break
            else:
                size = 1
            for word in stems[at : at + size]:
                if word not in dropped:
                    read.add(word, "english", PAIR)
                    content.append(word)
            at += size
        # Names are words of the notes, too.
        for word in {word for words in read.spelled.values() for word in words}:
            read.add(word, "english", PAIR)
        read.content = tuple(content)
        return LATIN.sub(" ", rest)


def _one_way(name: str) -> str:
    """An English name in the one spelling that names are compared in: small, without hyphens."""
    return name.casefold().replace("-", " ")


def _forms(words: Iterable[str]) -> Forms:
    """The tokens of each form of a name: all pairs of its characters."""
    return tuple(tuple(t for t in tokens(word) if len(t) > 1) or (word,) for word in words)


def _add_words(read: Question, words: Iterable[str], kind: str, weight: float) -> None:
    for word in words:
        if len(word) == 1:
            read.add(word, kind, 0.6 * weight)
        for token in tokens(word):
            read.add(token, kind, weight if len(token) > 1 else CHARACTER * weight)


@cache
def _mapped_pattern() -> re.Pattern[str]:
    return re.compile(alternation(everyday()[0]))


@cache
def _dropped_pattern() -> re.Pattern[str]:
    return re.compile(alternation(everyday()[1]))


@cache
def _titles() -> tuple[str, ...]:
    data = tomllib.loads((LEXICON / "elsewhere.toml").read_text(encoding="utf-8"))
    return tuple(data["titles"].split())


@cache
def _dropped_but_titles() -> re.Pattern[str]:
    long = [title for title in _titles() if len(title) > 1]
    return re.compile(f"(?P<title>{alternation(long)})|{alternation(everyday()[1])}")


@cache
def _titled() -> re.Pattern[str]:
    """A title or a kind of place after two characters, or a longer title after one alone."""
    titles = _titles()
    long = [title for title in titles if len(title) > 1]
    han = "[\u4e00-\u9fff]"
    return re.compile(f"{han}{{2}}(?:{alternation(titles)})|(?<!{han}){han}(?:{alternation(long)})")
