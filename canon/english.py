"""English dialogue: where the quotes are, and who says them.

“…” "…" ‘…’ and '…' are told apart by which stands most at the beginnings of words; the other kind
stays inside, and an apostrophe is no mark. The speaker is named behind the quote (said Martha), in
front of it (Pell said, “…”), by what somebody does in the same paragraph (Martha laughed. “…”), by
he or she, or else by turns.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from canon.book import Book, Section
from canon.names import NameTable, Person, Scope

_VERBS = (
    "said says asked asks replied answered cried shouted whispered murmured muttered called "
    "exclaimed added continued went repeated returned remarked observed declared began "
    "snapped growled sighed laughed sneered hissed demanded inquired enquired protested "
    "insisted agreed admitted explained suggested ordered commanded begged pleaded warned "
    "promised told announced screamed yelled roared groaned moaned sobbed gasped breathed "
    "grumbled retorted interrupted ventured interposed ejaculated responded rejoined echoed "
    "mumbled stammered faltered thought chuckled giggled grinned smiled nodded wondered "
    "concluded confessed complained urged persisted objected"
)
_VERB = rf"(?:{'|'.join(_VERBS.split())})"
_TITLE = r"(?:Mr|Mrs|Ms|Miss|Dr|Sir|Lady|Lord|Captain|Colonel|Professor|Uncle|Aunt|Father|Mother)"
_WORD = r"[A-Z][A-Za-z’'-]*[A-Za-z]"
_NAME = rf"(?:{_TITLE}\.?[ \n]+)?{_WORD}(?:[ \n]+(?:of|de|van|von)?[ \n]*{_WORD}){{0,2}}"
_ROLE = r"(?:[Tt]he|[Aa]n?|[Hh]is|[Hh]er|[Mm]y)[ \n]+(?:[a-z]+[ \n]+){0,2}[a-z]{3,}"
_PRONOUN = r"(?:[Hh]e|[Ss]he)"
_WHO = rf"(?:(?P<name>{_NAME})|(?P<pronoun>{_PRONOUN})\b|(?P<role>{_ROLE})|(?P<me>I)\b)"
_ADVERB = r"(?:[ \n]+[a-z]+(?:ly)?)?"
_BEHIND = (
    re.compile(rf"^[\s,—–-]*{_VERB}[ \n]+{_WHO}"),
    re.compile(rf"^[\s,—–-]*{_WHO}{_ADVERB}[ \n]+{_VERB}\b"),
)
_ACTS = re.compile(rf"^\s*(?:(?:Then|And|But|So|At last|Now)\b,?[ \n]+)?{_WHO}[ \n]+[a-z]")
_SAYS = re.compile(rf"\b{_VERB}\b")
_SENTENCE = re.compile(r"(?<=[.!?…])[\s”’\"']+(?=[A-Z“‘\"'])")
_NO_NAME = (
    "The A An And But Then So If It That This There When What Who Why How Where Yes No Not "
    "Now Oh Ah Well In On At To For With As After Before His Her My Your Our Their You We "
    "They Chapter One All Some Nobody Everyone Somebody Nothing Once Still Perhaps Even Only "
    "Just Here Let Come Go"
)
_NO_NAMES = frozenset(_NO_NAME.split())
_LATIN = re.compile("[A-Za-z]")
_HAN = re.compile("[\u3400-\u9fff]")
_UNDECIDED = "?"

BEHIND, FRONT, BEAT, TURNS, HE_OR_SHE = 0.95, 0.9, 0.8, 0.6, 0.65


@dataclass(frozen=True)
class Utterance:
    """One quote. start, end: with its marks; first, last: the words. speaker: as in `Quote`."""

    start: int
    end: int
    first: int
    last: int
    speaker: str
    addressee: str
    kind: str
    confidence: float


def is_english(book: Book) -> bool:
    """Whether a book is written in Latin letters, by the first 20,000 characters of it."""
    sample = "".join(section.text[:5000] for section in book.sections[:4])
    return len(_LATIN.findall(sample)) > 5 * len(_HAN.findall(sample))


def styles_of(book: Book) -> tuple[str, str]:
    """The marks that open and close a speech in this book."""
    text = "\n".join(section.text for section in book.sections)
    counts = {
        ("“", "”"): len(re.findall("“(?=\\w)", text)),
        ('"', '"'): len(re.findall(r'(?:^|(?<=[\s(\[—–-]))"(?=\w)', text, re.M)),
        ("‘", "’"): len(re.findall("(?<![A-Za-z])‘(?=[A-Z])", text)),
        ("'", "'"): len(re.findall(r"(?:^|(?<=[\s(\[—–-]))'(?=[A-Z])", text, re.M)),
    }
    return max(counts, key=lambda marks: counts[marks])


def find_english(text: str, marks: tuple[str, str], begin: int) -> Iterator[tuple[int, int, bool]]:
    """(start, end, closed) of each quote with its marks, in order; none crosses a paragraph."""
    opening, closing = marks
    for start, end in _paragraphs(text, begin):
        at = start
        while (at := text.find(opening, at, end)) >= 0:
            if not _opens(text, at):
                at += 1
                continue
            close = _closing(text, at + 1, end, closing)
            yield at, end if close < 0 else close + 1, close >= 0
            at = end if close < 0 else close + 1


def _paragraphs(text: str, begin: int) -> Iterator[tuple[int, int]]:
    """Paragraphs: between blank lines where there are any, else lines."""
    pattern = re.compile(r"\n[ \t\r]*\n" if re.search(r"\n[ \t\r]*\n", text[begin:]) else r"\n")
    at = begin
    for gap in pattern.finditer(text, begin):
        if text[at : gap.start()].strip():
            yield at, gap.start()
        at = gap.end()
    if text[at:].strip():
        yield at, len(text)


def _opens(text: str, at: int) -> bool:
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    return (not before or not before.isalnum()) and bool(after) and not after.isspace()


def _closing(text: str, begin: int, end: int, closing: str) -> int:
    """Where the quote ends; -1 where its closing mark is missing."""
    if closing in ('"', "”"):
        return text.find(closing, begin, end)
    # ’ and ' are apostrophes, too: within a word (don’t) or at its end (the boys’ hats).
    places = [
        match.start()
        for match in re.finditer(re.escape(closing), text[begin:end])
        if not text[begin + match.end() : begin + match.end() + 1].isalnum()
    ]
    sure = [p for p in places if text[begin + p - 1] in '.,!?…—–-;:”"']
    if not places:
        return -1
    nested = text.find("‘" if closing == "’" else " '", begin, begin + (sure or places)[0])
    return begin + (sure[0] if sure and nested < 0 else places[0])


@dataclass(frozen=True)
class Cast:
    """Who speaks in the book: surface → canonical name, and he or she where that is known."""

    names: Mapping[str, str]
    pronouns: Mapping[str, str]

    def canonical(self, surface: str) -> str:
        """The name that stands for this person; the surface itself for a stranger."""
        return self.names.get(_plain(surface), _plain(surface))


def _plain(surface: str) -> str:
    return re.sub(r"[’']s$", "", " ".join(surface.split()))


def cast_of(book: Book, table: NameTable | None = None) -> Cast:
    """Names that speech tags and beats give away; a table's own aliases go before them."""
    marks = styles_of(book)
    counts: Counter[str] = Counter()
    for section in book.sections:
        before = 0
        for start, end, _ in find_english(section.text, marks, section.body):
            line = max(before, section.text.rfind("\n", 0, start) + 1)
            before = end
            behind, front = section.text[end : end + 80], section.text[line:start].strip()
            matches = [pattern.match(behind) for pattern in _BEHIND]
            matches += [_ACTS.match(behind), _ACTS.match(_SENTENCE.split(front)[-1])]
            for match in matches:
                if match and match["name"] and _plain(match["name"]).split()[0] not in _NO_NAMES:
                    counts[_plain(match["name"])] += 1
    names = {alias: p.name for p in (table.people if table else ()) for alias in p.aliases}
    bare: dict[str, set[str]] = {}
    for name in counts:
        bare.setdefault(re.sub(rf"^{_TITLE}\.? ", "", name), set()).add(name)
    for short, forms in bare.items():
        # Mr. Pell and Pell are one; Mr. and Mrs. Pell are two.
        titled = [name for name in forms if name != short]
        for name in forms:
            names.setdefault(name, short if len(titled) <= 1 else name)
        if len(titled) <= 1:
            names.setdefault(short, short)
    for full in [name for name in set(names.values()) if " " in name]:
        words = full.split()
        single = [word for word in (words[-1], words[0]) if names.get(word) == word]
        if single and not re.match(_TITLE, full):
            # Jem Harker, called Harker
            names.update({also: single[0] for also, meant in names.items() if meant == full})
    return Cast(names, _pronouns(book, names))


def _pronouns(book: Book, names: Mapping[str, str]) -> dict[str, str]:
    """he or she for each name, by its title and by the pronouns that follow it closely."""
    seen: dict[str, Counter[str]] = {}
    pattern = re.compile("|".join(sorted(map(re.escape, names), key=len, reverse=True)) or "(?!)")
    for section in book.sections:
        for match in pattern.finditer(section.text):
            count = seen.setdefault(names[match.group()], Counter())
            title = match.group().split()[0].rstrip(".")
            if title in ("Mr", "Sir", "Lord", "Uncle", "Father"):
                count["he"] += 5
            if title in ("Mrs", "Miss", "Ms", "Lady", "Aunt", "Mother"):
                count["she"] += 5
            near = section.text[match.end() : match.end() + 120].split("\n")[0]
            near = pattern.split(near)[0]  # up to the next name
            count["he"] += len(re.findall(r"\b(?:he|him|his)\b", near))
            count["she"] += len(re.findall(r"\b(?:she|her|hers)\b", near))
    return {
        name: count.most_common(1)[0][0]
        for name, count in seen.items()
        if count and count.most_common(1)[0][1] > 0.7 * count.total()
    }


def draft_english(book: Book) -> NameTable:
    """A name table made from the book's own tags: a start for a person to correct."""
    cast = cast_of(book)
    people: dict[str, list[str]] = {}
    for surface, name in cast.names.items():
        people.setdefault(name, []).append(surface)
    return NameTable(
        title=book.title,
        people=tuple(
            Person(name, en=(name,), scopes=(Scope(tuple(sorted({name, *also}))),))
            for name, also in people.items()
        ),
    )


def attribute_english(section: Section, marks: tuple[str, str], cast: Cast) -> list[Utterance]:
    """All quotes of one section in order, with their speakers."""
    return _Reader(section.text, section.body, marks, cast).read()


class _Reader:
    """One section while it is read from its first paragraph to its last."""

    def __init__(self, text: str, body: int, marks: tuple[str, str], cast: Cast) -> None:
        self.text = text
        self.cast = cast
        self.marks = marks
        self.body = body
        self.said: list[Utterance] = []
        self.mentions = [
            (match.start(), cast.names[match.group()])
            for match in re.finditer(
                "|".join(rf"\b{re.escape(n)}\b" for n in sorted(cast.names, key=len, reverse=True))
                or "(?!)",
                text,
            )
        ]

    def read(self) -> list[Utterance]:
        spans = list(find_english(self.text, self.marks, self.body))
        goes_on = False
        for begin, end in _paragraphs(self.text, self.body):
            own = [span for span in spans if begin <= span[0] < end]
            if not own:
                goes_on = False
                continue
            self._paragraph(begin, end, own, goes_on)
            goes_on = not own[-1][2]
        return self.said

    def _paragraph(
        self, begin: int, end: int, spans: Sequence[tuple[int, int, bool]], goes_on: bool
    ) -> None:
        """All quotes of a paragraph: each by its own tag, the others by the paragraph's."""
        tags: list[tuple[str, float] | None] = []
        for index, (start, stop, _) in enumerate(spans):
            before = spans[index - 1][1] if index else begin
            after = spans[index + 1][0] if index + 1 < len(spans) else end
            tags.append(self._tag(before, start, stop, after))
        common = max((tag for tag in tags if tag), key=lambda tag: tag[1], default=None)
        if common is None and goes_on and self.said:
            common = (self.said[-1].speaker, self.said[-1].confidence)
        turn = common or self._by_turns(begin)
        last = ""
        for index, (start, stop, closed) in enumerate(spans):
            speaker, sure = tags[index] or ((last, turn[1]) if last else turn)
            last = speaker
            words = self.text[start + 1 : stop - (1 if closed else 0)]
            front = self.text[spans[index - 1][1] if index else begin : start].strip()
            if _is_text(words, front, tags[index] is not None):
                self.said.append(Utterance(start, stop, start + 1, stop - 1, "", "", "text", 0.9))
                continue
            to = self._addressee(words, speaker)
            first, end_of = start + 1, stop - (1 if closed else 0)
            self.said.append(Utterance(start, stop, first, end_of, speaker, to, "speech", sure))

    def _tag(self, before: int, start: int, stop: int, after: int) -> tuple[str, float] | None:
        """(speaker, confidence) by the words between this quote and its neighbours."""
        text = self.text
        behind = text[stop:after]
        for pattern in _BEHIND:
            match = pattern.match(behind)
            if match is None:
                continue
            subject = self._subject(before, start) if match["pronoun"] else None
            if who := subject or self._who(match, start):
                return who[0], min(BEHIND, who[1])
        front = _SENTENCE.split(text[before:start].strip())[-1].strip()
        match = _ACTS.match(front) if front else None
        if match and (front[-1] in ",:" and _SAYS.search(front)):
            who = self._who(match, start)
            if who:
                return who[0], min(FRONT, who[1])
        if match and front[-1] in ".!?…:,—" and (who := self._who(match, start)):
            return who[0], min(BEAT, who[1])
        match = _ACTS.match(behind.strip()) if not front else None
        if match and match["name"] and (who := self._who(match, start)):
            return who[0], min(BEAT, who[1]) - 0.05
        return None

    def _subject(self, before: int, start: int) -> tuple[str, float] | None:
        """Who does something in front of the quote, in its paragraph: whom he or she means then."""
        for sentence in _SENTENCE.split(self.text[before:start].strip()):
            match = _ACTS.match(sentence.strip())
            if match and (match["name"] or match["role"]) and (who := self._who(match, start)):
                return who[0], min(BEAT, who[1])
        return None

    def _who(self, match: re.Match[str], at: int) -> tuple[str, float] | None:
        if match["name"]:
            words = _plain(match["name"]).split()
            # Martha Then: the next sentence begins
            known = [" ".join(words[:n]) for n in range(len(words), 0, -1)]
            surface = next((one for one in known if one in self.cast.names), " ".join(words))
            name = self.cast.canonical(surface)
            return None if name.split()[0] in _NO_NAMES else (name, 1.0)
        if match["pronoun"]:
            wanted = match["pronoun"].casefold()
            for place, name in reversed(self.mentions):
                if place < at and self.cast.pronouns.get(name, wanted) == wanted:
                    return name, HE_OR_SHE
            return None
        if match["me"]:
            return "I", 0.9
        role = _plain(match["role"] or "").casefold()
        return (re.sub("^(?:the|an?) ", "", role), 0.8) if role else None

    def _by_turns(self, at: int) -> tuple[str, float]:
        """The one of two who did not speak last, where they have just been speaking."""
        near = [
            one.speaker for one in self.said[-6:] if one.kind == "speech" and at - one.end < 600
        ]
        near = [name for name in near if name != _UNDECIDED]
        if not near:
            return _UNDECIDED, 0.0
        other = next((name for name in reversed(near) if name != near[-1]), "")
        return (other, TURNS) if other else (_UNDECIDED, 0.0)

    def _addressee(self, words: str, speaker: str) -> str:
        """Who is called by name in the quote, else the other of two."""
        for name, canonical in self.cast.names.items():
            called = rf"(?:^|[,.!?] ?(?:my |dear |old )*){re.escape(name)}[,.!?]"
            if canonical != speaker and re.search(called, words):
                return canonical
        near = {one.speaker for one in self.said[-4:] if one.speaker not in ("", _UNDECIDED)}
        near.discard(speaker)
        return near.pop() if len(near) == 1 else ""


def _is_text(words: str, before: str, tagged: bool) -> bool:
    """A word or title that is only quoted: within a sentence, without a mark at its end."""
    ended = words.rstrip()[-1:] in tuple(".,!?…—–-")
    return bool(before) and not tagged and not ended and before[-1] not in ",:"
