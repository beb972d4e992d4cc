"""Learning when a book has nothing to say: questions it answers, and made ones that it does not.

python -m evaluation.answerable --qa FILE … --canon DIR --other NOVEL … [--novel NOVEL]

Questions without an answer are made from those with one: asked before their chapter has been
reached, put to another character, or with the people, places and things in them replaced by others
of the book's or by strangers. To them come what people say in other novels about somebody who is in
theirs, and `questions/unknown.toml`. With `--novel` (the folder's book) half of its notes are left
out of an index and told to it: truly, to one of those in them, and falsely: with somebody else in
somebody's place, with another number, or to another. Two logistic models on the signs of
`canon.nothing` are learned, the second (whether a premise holds) only with `--novel`, and their
biases set so that they turn few of the answerable questions away. The weights go into
`canon/ranking.toml`, for books with notes or without, as the folder is.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canon import Canon, build, read_book, table_of
from canon.events import Event
from canon.names import Person, Term
from canon.nothing import FITS, HOLDS, SIGNS
from canon.numbers import in_chinese, numbers
from canon.ranking import RANKING, ranking, write_ranking
from canon.speakers import attribute
from characters.card import load_cast
from evaluation.search import read_rows
from text.toml import read_toml

UNKNOWN = Path(__file__).parent / "questions" / "unknown.toml"
# Of the answerable: for their words, and for what they take for granted.
TURNED_AWAY, DOUBTED = 0.045, 0.03
_FROM_OTHERS = 120
_STATEMENTS = 600  # notes, each told truly and falsely
_IN_CHINESE = 0.6  # of the statements
# What teaches whether a premise holds.
_PREMISES = ("answerable", "other names", "another asked")
TRUE, FALSE = "true statement", "false statement"
_PULL = 0.5
_YOU = re.compile(r"[你您]|\byour?\b", re.IGNORECASE)
# What invented foreign names are made of.
_LETTERS = "卡尔斯特拉罗德克伦维西莫亚巴多纳雷曼费格"
_SYLLABLES = ("bra", "del", "van", "mor", "tis", "ken", "sol", "rik", "than", "wey", "lor", "gus")


@dataclass(frozen=True)
class Asked:
    """A question, whom it is for ("" for nobody), the last chapter known (0: all), its kind, and
    whether the book has an answer."""

    text: str
    character: str
    last: int
    kind: str
    answered: bool


def made_from(canon: Canon, rows: Sequence[Mapping[str, Any]], dice: random.Random) -> list[Asked]:
    """Answerable questions as they are, and asked too early, of others, and with other names."""
    found = []
    leads = sorted({row["character"] for row in rows if row.get("character")})
    for row in rows:
        chapters = [piece["chapter"] for piece in row["evidence"]]
        text, character = row["question"], row.get("character", "")
        found.append(Asked(text, character, 0, "answerable", True))
        found.append(Asked(text, character, max(chapters), "answerable", True))
        early = min(chapters) - dice.randint(1, 12)
        if early >= 1:
            found.append(Asked(text, character, early, "too early", False))
        other = with_other_names(canon, text, dice)
        if other != text:
            found.append(Asked(other, character, 0, "other names", False))
        strange = with_strangers(canon, text, dice)
        if strange != text:
            found.append(Asked(strange, character, 0, "strangers", False))
        if character and _YOU.search(text):
            another = dice.choice([lead for lead in leads if lead != character])
            found.append(Asked(text, another, 0, "another asked", False))
    return found


def with_strangers(canon: Canon, text: str, dice: random.Random) -> str:
    """A question with the people in it replaced by somebody with a foreign name."""
    forms = {f for p in canon.names.people for f in (p.name, *p.aliases, *p.en) if len(f) > 1}
    for form in sorted((f for f in forms if f in text), key=len, reverse=True):
        size = dice.randint(3, 4)
        name = "".join(dice.choice(_SYLLABLES if form.isascii() else _LETTERS) for _ in range(size))
        text = text.replace(form, name.capitalize())
    return text


def with_other_names(canon: Canon, text: str, dice: random.Random) -> str:
    """A question with its people, places and things replaced by others of the book."""
    table = canon.names
    kinds: list[Sequence[Person | Term]] = [table.people, table.places, table.things]
    for kind in kinds:
        names = {
            form: i for i, one in enumerate(kind) for form in (one.name, *one.aliases, *one.en)
        }
        long = [name for name in names if len(name) > 1 and name in text]
        for name in sorted(long, key=len, reverse=True):
            if name not in text:
                continue
            other = kind[dice.randrange(len(kind))]
            if name.isascii() and not other.en:
                continue
            text = text.replace(name, other.en[0] if name.isascii() else other.name)
    return text


def from_others(canon: Canon, novels: Sequence[Path], dice: random.Random) -> Iterator[Asked]:
    """What people of other novels ask about somebody of theirs."""
    book = "".join(canon.text(chapter.number) for chapter in canon.chapters())
    for novel in novels:
        other = read_book(novel)
        table = table_of(other)
        names = [p.name for p in table.people if len(p.name) > 1 and p.name not in book]
        named = re.compile("|".join(map(re.escape, names)) or "(?!)")
        asked = [
            sentence
            for quote in attribute(other, table)
            for sentence in re.findall("[^。！？，]*[^。！？]*？", quote.text)
            if 10 <= len(sentence) <= 40 and named.search(sentence)
        ]
        for sentence in dice.sample(asked, min(_FROM_OTHERS, len(asked))):
            yield Asked(sentence, "", 0, "other novels", False)


def statements(canon: Canon, events: Sequence[Event], dice: random.Random) -> Iterator[Asked]:
    """True statements of notes that a folder does not have, and false ones made of them."""
    count = canon._store.index.people.sum(axis=1)
    # Often enough named that a name on its own tells nothing.
    known = [
        (person, float(count[row]) ** 0.5)
        for person in canon.names.people
        if len(person.name) > 1 and (row := canon._store.row_of(person.name)) is not None
    ]
    leads = [person for person, _ in sorted(known, key=lambda one: -one[1])[:4]]
    for event in dice.sample(list(events), min(_STATEMENTS, len(events))):
        text = event.told if dice.random() < _IN_CHINESE else event.english
        who = _people_in(canon, text)
        if not who:
            continue
        asked = dice.choice([one for one in who if one in leads] or leads)
        you = "you" if text.isascii() else "你"
        said = _renamed(text, asked, you)
        yield Asked(said, asked.name, 0, TRUE, True)
        others = [one for one in who if one is not asked]
        spoken = [(p, w) for p, w in known if p not in who and (p.en or not text.isascii())]
        if others and spoken:
            people, weights = zip(*spoken, strict=True)
            by = dice.choices(people, weights)[0]
            false = _renamed(said, dice.choice(others), by.en[0] if text.isascii() else by.name)
            if false != said:
                yield Asked(false, asked.name, 0, FALSE, False)
        if others and asked in who and (absent := [one for one in leads if one not in who]):
            yield Asked(said, dice.choice(absent).name, 0, FALSE, False)
        counted = [number for number in numbers(said) if number in said]
        if counted:
            other = in_chinese(int(10 ** dice.uniform(0.5, 3.5)))
            if other not in counted:
                false = said.replace(dice.choice(counted), other)
                yield Asked(false, asked.name, 0, FALSE, False)


def _people_in(canon: Canon, text: str) -> list[Person]:
    """Those of the table whom a note names, in either language."""
    named = canon._store.lexicon.read(text).people
    return [person for person in canon.names.people if person.name in named]


def _renamed(text: str, person: Person, other: str) -> str:
    """A text with one of its people called otherwise, under any name of more than a character."""
    forms = person.en if text.isascii() else (person.name, *person.aliases)
    for form in sorted((form for form in forms if len(form) > 1), key=len, reverse=True):
        text = re.sub(re.escape(form) + (r"\b" if form.isascii() else ""), other, text)
    return text


def with_statements(novel: Path, dice: random.Random) -> Iterator[tuple[Asked, list[float] | None]]:
    """Statements with their signs in an index that has every second note of the book."""
    book = read_book(novel)
    table = table_of(book)
    with tempfile.TemporaryDirectory() as folder:
        build(book, replace(table, events=table.events[::2]), Path(folder) / "canon")
        half = Canon.open(Path(folder) / "canon")
        for asked in statements(half, table.events[1::2], dice):
            yield asked, signs_of(half, asked)


def written(path: Path) -> Iterator[Asked]:
    """The project's own questions without an answer."""
    cast = load_cast()
    for row in read_toml(path)["unknown"]:
        for text in row["question"].values():
            name = cast[row["character"]].name["zh"]
            yield Asked(text, name, row.get("as_of", 0), row["kind"], False)


def signs_of(canon: Canon, asked: Asked) -> list[float] | None:
    """The signs of a question, or None where a word of it has decided already."""
    view = canon.as_of(asked.last) if asked.last else canon
    return view.signs(asked.text, character=asked.character or None)


def learn(
    signs: NDArray[np.float64],
    answered: NDArray[np.bool_],
    asked: NDArray[np.bool_] | None = None,
    away: float = TURNED_AWAY,
) -> NDArray[np.float64]:
    """Logistic regression by Newton's method, both classes with the same weight.

    asked: which of them are questions; default: all. away: the share of the answerable among these
    that is turned away.
    """
    each = np.where(answered, 0.5 / answered.sum(), 0.5 / (~answered).sum()) * len(answered)
    weights = np.zeros(signs.shape[1])
    pull = np.full(signs.shape[1], _PULL)
    pull[-1] = 0
    for _ in range(30):
        likely = 1 / (1 + np.exp(-(signs @ weights)))
        slope = signs.T @ (each * (likely - answered)) + pull * weights
        bend = (signs * (each * likely * (1 - likely))[:, None]).T @ signs + np.diag(pull)
        weights = weights - np.linalg.solve(bend + 1e-9 * np.eye(len(weights)), slope)
    kept = signs[answered if asked is None else answered & asked] @ weights
    weights[-1] -= float(np.quantile(kept, away))
    return weights


def learned(
    pairs: Sequence[tuple[Asked, list[float] | None]],
    names: Sequence[str],
    *,
    away: float = TURNED_AWAY,
) -> NDArray[np.float64]:
    """The weights of the signs of these names."""
    left = [(one, its) for one, its in pairs if its is not None]
    return learn(
        np.array([its for _, its in left])[:, [SIGNS.index(name) for name in names]],
        np.array([one.answered for one, _ in left]),
        np.array([one.kind != TRUE for one, _ in left]),
        away,
    )


def refused(signs: Sequence[float], names: Sequence[str], weights: NDArray[np.float64]) -> bool:
    """Whether a model turns a question away; one without weights never does."""
    values = [signs[SIGNS.index(name)] for name in names]
    return len(weights) > 0 and float(np.dot(values, weights)) <= 0


def main(argv: list[str] | None = None) -> int:
    """Learn the weights for the kind of book that the folder holds, and write them."""
    parser = argparse.ArgumentParser(description="learn when a book has nothing to say")
    parser.add_argument("--qa", type=Path, required=True, nargs="+", metavar="FILE")
    parser.add_argument("--canon", type=Path, required=True, metavar="DIR")
    parser.add_argument("--other", type=Path, default=[], nargs="+", metavar="NOVEL")
    parser.add_argument("--novel", type=Path, metavar="NOVEL", help="make false premises of it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, default=RANKING, metavar="FILE")
    args = parser.parse_args(argv)
    canon = Canon.open(args.canon)
    dice = random.Random(args.seed)
    rows = [row for path in args.qa for row in read_rows(path, ("question", "evidence"))]
    asked = [
        *made_from(canon, rows, dice),
        *from_others(canon, args.other, dice),
        *written(UNKNOWN),
    ]
    signs = [signs_of(canon, one) for one in asked]
    weights = learned([*zip(asked, signs, strict=True)], FITS)
    told = [*with_statements(args.novel, dice)] if args.novel else []
    mine = "noted" if canon.noted else "plain"
    sets = {name: ranking(noted=name == "noted") for name in ("noted", "plain")}
    premises = np.array(sets[mine].holds)
    if told:
        known = [pair for pair in zip(asked, signs, strict=True) if pair[0].kind in _PREMISES]
        premises = learned([*known, *told], HOLDS, away=DOUBTED)
    both = [*zip(asked, signs, strict=True), *told]
    for kind in dict.fromkeys(one.kind for one, _ in both):
        turned = [
            its is None or refused(its, FITS, weights) or refused(its, HOLDS, premises)
            for one, its in both
            if one.kind == kind
        ]
        print(f"{kind}: turned away {sum(turned)} of {len(turned)}")
    print(dict(zip(FITS, weights.round(2).tolist(), strict=True)))
    print(dict(zip(HOLDS, premises.round(2).tolist(), strict=False)))
    text = args.output.read_text(encoding="utf-8")
    sets[mine] = replace(sets[mine], fits=tuple(weights.tolist()), holds=tuple(premises.tolist()))
    comment = "\n".join(line[2:] for line in text.splitlines() if line.startswith("# "))
    write_ranking(sets, args.output, comment=comment)
    return 0


if __name__ == "__main__":
    sys.exit(main())
