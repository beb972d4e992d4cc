"""Fit the weights of the clues about English speakers to novels with somebody else's labels.

    python -m benchmarks.english_fit FOLDER NOVEL … [--more FOLDER …] [--steps 80]

FOLDER is as in `benchmarks.english_quotes`. The weights are those of a conditional random field:
the likelihood of the labelled speakers against all runs of speakers, with a Gaussian prior. Where
the speaker is not among the candidates, "somebody else" is right. Prints the likelihood by step
and the weights of `canon.english.weights`; needs torch (the extra `train`).
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.english_quotes import labels, names_of, plain
from canon import read_book, table_of
from canon.english import cast_of, styles_of
from canon.english.dialogue import UNDECIDED, Clues, pair_clues, weighed
from canon.english.evidence import NARRATOR, Evidence
from canon.english.weights import CLUES, SAME, TURNS

PIECE, MOST = 60, 11  # units of a piece of a chapter, candidates of a unit
PRIOR = 4.0  # standard deviation of a weight
KEYS = (list(CLUES), list(SAME), list(TURNS))


@dataclass(frozen=True)
class Row:
    """One unit. people: candidates with their clues. right: which of them speak, None unknown."""

    people: dict[str, Clues]
    pairs: tuple[Clues, Clues]
    right: list[bool] | None


def read(folder: Path) -> Iterator[list[Row]]:
    """The units of one novel, by chapter."""
    names = names_of(folder)
    book = read_book(folder / "novel_text.txt")
    table = table_of(book)
    cast, marks = cast_of(book, table), styles_of(book)
    gold = labels(folder, names)
    chapters = []
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    at = 0
    for section in book.sections:
        found = Evidence(section.text, section.body, marks, cast)
        units = [unit for unit in found.units if any(not quote[3] for quote in unit.quotes)]
        said: list[str] = []
        for unit in units:
            count: Counter[str] = Counter()
            for start, stop, *_ in unit.quotes:
                while at < len(gold) and gold[at][1] <= section.start + start:
                    at += 1
                if at < len(gold) and gold[at][0] < section.start + stop:
                    count[gold[at][2]] += 1
            said.append(count.most_common(1)[0][0] if count and not unit.several else "")
            for name, clue in unit.clues:
                if clue == "tagged" and said[-1]:
                    votes[name][said[-1]] += 1
        chapters.append((units, found.mentions, said))
    forms = {person.name: person.aliases for person in table.people}
    for units, mentions, said in chapters:
        rows = []
        for index, people in enumerate(
            weighed(units, mentions, cast, [unit.seen for unit in units])
        ):
            right = None
            # A tag's name that is none of theirs says nothing about the weights.
            strange = any(
                clue == "tagged" and not _may(name, names, forms) and name != NARRATOR
                for name, clue in units[index].clues
            )
            if said[index] and not strange:
                right = [_is(name, said[index], names, forms, votes) for name in people]
                right[-1] = not any(right)  # UNDECIDED: somebody else
            rows.append(Row(people, pair_clues(units, index), right))
        if rows:
            yield rows


def _is(
    name: str,
    speaker: str,
    names: Mapping[str, set[str]],
    forms: Mapping[str, Sequence[str]],
    votes: Mapping[str, Counter[str]],
) -> bool:
    """Whether a name of ours stands for this person of theirs."""
    if name == UNDECIDED:
        return False
    may = _may(name, names, forms)
    ranked = [one for one, _ in votes[name].most_common() if name == NARRATOR or one in may]
    return speaker == ranked[0] if ranked else speaker in may


def _may(name: str, names: Mapping[str, set[str]], forms: Mapping[str, Sequence[str]]) -> set[str]:
    """The persons of theirs that a name of ours may stand for."""
    return {one for form in (name, *forms.get(name, ())) for one in names.get(plain(form), ())}


class Pieces:
    """All pieces of chapters as tensors: piece × unit × candidate (× clue)."""

    def __init__(self, chapters: Sequence[Sequence[Row]]) -> None:
        pieces = [c[at : at + PIECE] for c in chapters for at in range(0, len(c), PIECE)]
        count = len(pieces)
        self.clues = torch.zeros(count, PIECE, MOST, len(KEYS[0]))
        self.same = torch.zeros(count, PIECE, len(KEYS[1]))
        self.turns = torch.zeros(count, PIECE, len(KEYS[2]))
        self.there = torch.zeros(count, PIECE, MOST, dtype=torch.bool)
        self.right = torch.zeros(count, PIECE, MOST, dtype=torch.bool)
        self.ids = torch.full((count, PIECE, MOST), -1)
        for p, piece in enumerate(pieces):
            number: dict[str, int] = {}
            for u, row in enumerate(piece):
                for key, weight in enumerate(KEYS[1]):
                    self.same[p, u, key] = row.pairs[0][weight] if u else 0
                for key, weight in enumerate(KEYS[2]):
                    self.turns[p, u, key] = row.pairs[1][weight] if u else 0
                for c, (name, clues) in enumerate(row.people.items()):
                    self.there[p, u, c] = True
                    self.right[p, u, c] = row.right is None or row.right[c]
                    if name != UNDECIDED:
                        self.ids[p, u, c] = number.setdefault(name, len(number))
                    for clue, times in clues.items():
                        self.clues[p, u, c, KEYS[0].index(clue)] = times
            for u in range(len(piece), PIECE):  # behind the last unit: one state
                self.there[p, u, 0] = self.right[p, u, 0] = True

    def likelihood(self, weights: Sequence[torch.Tensor]) -> torch.Tensor:
        """Log-likelihood of what is right, summed over the pieces."""
        own = (self.clues @ weights[0]).masked_fill(~self.there, -1e4)
        same, turns = self.same @ weights[1], self.turns @ weights[2]
        every = self._all(own, same, turns)
        return (self._all(own.masked_fill(~self.right, -1e4), same, turns) - every).sum()

    def _all(self, own: torch.Tensor, same: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
        ahead = own[:, 0][:, None, :]  # two back × last
        before = torch.full_like(self.ids[:, 0], -1)[:, :1]
        for u in range(1, PIECE):
            now, last = self.ids[:, u], self.ids[:, u - 1]
            again = ((last[:, :, None] == now[:, None, :]) & (now >= 0)[:, None, :]).float()
            back = ((before[:, :, None] == now[:, None, :]) & (now >= 0)[:, None, :]).float()
            score = ahead[:, :, :, None] + (back * turns[:, u, None, None])[:, :, None, :]
            step = torch.logsumexp(score, dim=1)
            ahead = step + again * same[:, u, None, None] + own[:, u][:, None, :]
            before = last
        return torch.logsumexp(ahead.flatten(1), dim=1)


def fit(pieces: Pieces, steps: int) -> list[dict[str, float]]:
    """Weights of the clues, and of the pairs."""
    start = (CLUES, SAME, TURNS)
    weights = [
        torch.tensor([table[k] for k in keys]) for table, keys in zip(start, KEYS, strict=True)
    ]
    for weight in weights:
        weight.requires_grad_()
    adam = torch.optim.Adam(weights, lr=0.15)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    units = int((pieces.there.sum(2) > 1).sum())
    for step in range(steps):
        adam.zero_grad()
        likely = pieces.likelihood(weights)
        prior = sum(((w / PRIOR) ** 2).sum() / 2 for w in weights)
        (prior - likely).backward()
        adam.step()
        rate.step()
        if step % 5 == 0 or step == steps - 1:
            print(step, round(likely.item() / units, 4), flush=True)
    return [
        {key: round(value, 2) for key, value in zip(keys, weight.tolist(), strict=True)}
        for keys, weight in zip(KEYS, weights, strict=True)
    ]


def main() -> None:
    """Fit to the novels that are named."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("novels", nargs="+", metavar="NOVEL")
    parser.add_argument("--more", type=Path, nargs="*", default=[], help="folders of passages")
    parser.add_argument("--times", type=int, default=4, help="how often those count")
    parser.add_argument("--steps", type=int, default=80)
    args = parser.parse_args()
    chapters = [rows for novel in args.novels for rows in read(args.folder / novel)]
    chapters += [rows for folder in args.more for rows in read(folder)] * args.times
    rights = [any(row.right[:-1]) for rows in chapters for row in rows if row.right]
    print(len(rights), "labelled units, the speaker a candidate in", sum(rights), flush=True)
    print(json.dumps(fit(Pieces(chapters), args.steps), indent=1))


if __name__ == "__main__":
    main()
