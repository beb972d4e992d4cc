"""Character Rouge-L: how alike two texts are, by their longest common subsequence.

F = 2·LCS / (len(a) + len(b)) over letters and digits, case folded. The subsequence is found with
whole rows of bits at a time (Hyyrö 2004), so that thousands of pairs cost seconds.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict


def folded(text: str) -> str:
    """Letters and digits only, widths and case aside."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in plain if letter.isalnum())


def rouge_l(one: str, other: str) -> float:
    """F of the longest common subsequence of two texts, 0 to 1; two empty texts are 0 alike."""
    return _f(folded(one), folded(other))


def _f(one: str, other: str) -> float:
    if not one or not other:
        return 0.0
    return 2 * common(one, other) / (len(one) + len(other))


def common(one: str, other: str) -> int:
    """Length of the longest common subsequence."""
    places: dict[str, int] = defaultdict(int)
    for at, letter in enumerate(one):
        places[letter] |= 1 << at
    every = (1 << len(one)) - 1
    row = every
    for letter in other:
        met = row & places[letter] if letter in places else 0
        row = ((row + met) | (row - met)) & every
    return len(one) - row.bit_count()


class Novelty:
    """Which texts of a group have not been said before, up to a likeness of `threshold`.

    RoleLLM names no number for its de-duplication; Self-Instruct takes .7, and so do we.
    """

    def __init__(self, threshold: float = 0.7) -> None:
        self.threshold = threshold
        self._seen: dict[str, list[str]] = defaultdict(list)

    def like(self, group: str, text: str) -> str:
        """The text of the group that this is too like; "" when it is new, and then it counts."""
        plain = folded(text)
        for seen in self._seen[group]:
            # 2·min/(a+b) bounds F: most pairs are settled by their lengths.
            bound = 2 * min(len(plain), len(seen)) / max(1, len(plain) + len(seen))
            if plain == seen or (bound >= self.threshold and _f(plain, seen) >= self.threshold):
                return seen
        self._seen[group].append(plain)
        return ""
