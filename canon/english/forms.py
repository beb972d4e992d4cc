"""Which forms of a name are one person's: Mr. Pell and Pell, but not Mr. and Mrs. Pell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache

from canon.english.grammar import long_names, words

Split = Mapping[str, tuple[str, tuple[str, ...]]]


@cache
def titles() -> frozenset[str]:
    """Mr, Lady, Captain …, without dots."""
    return words("male_titles") | words("female_titles") | words("other_titles")


def split_title(name: str) -> tuple[str, tuple[str, ...]]:
    """(title without its dot, the other words) of a name."""
    first, *rest = name.split()
    if rest and first.rstrip(".") in titles():
        return first.rstrip("."), tuple(rest)
    return "", (first, *rest)


def joined(counts: Counter[str], sexes: Mapping[str, str]) -> dict[str, str]:
    """Form of a name → the name that its person goes by.

    counts: how often each form speaks or acts. sexes: he or she of a form, where that is known.
    """
    split = {name: split_title(name) for name in counts}
    group: dict[str, set[str]] = {name: {name} for name in counts}

    def join(one: str, other: str) -> None:
        if group[one] is not group[other]:
            group[one] |= group[other]
            group.update(dict.fromkeys(group[one], group[one]))

    by_last: dict[str, list[str]] = {}
    for name, (title, rest) in split.items():
        if title or len(rest) > 1:
            by_last.setdefault(rest[-1], []).append(name)
    for one, other in _titled_given(split):
        join(one, other)
    for last, forms in by_last.items():
        for one in forms:
            for other in forms:
                if one < other and _may_be_one(split[one], split[other], counts, split, sexes):
                    join(one, other)
        owner = _of_bare(last, {id(group[one]): group[one] for one in forms}, split, sexes)
        if last in counts and owner:
            join(min(owner), last)
    for name in counts:
        full = [
            n for n, (title, rest) in split.items() if not title and rest[0] == name and n != name
        ]
        if len({id(group[n]) for n in full}) == 1:
            join(full[0], name)
        long = long_names().get(name, "")
        if long in counts and not titled(long, split):
            join(long, name)
    names: dict[str, str] = {}
    for forms_of in group.values():
        best = _best(forms_of, counts, by_last, group)
        names.update(dict.fromkeys(forms_of, best))
        names.setdefault(best, best)
    return names


def titled(given: str, split: Split) -> bool:
    """Whether somebody goes by a title and this given name (Lady Catherine is no Kitty)."""
    return any(title and rest[0] == given for title, rest in split.values())


def _titled_given(split: Split) -> list[tuple[str, str]]:
    """Sir William and Sir William Lucas: pairs of a title's given name and its full one."""
    pairs = []
    for name, (title, rest) in split.items():
        full = [n for n, (t, r) in split.items() if t == title and len(r) > 1 and r[0] == rest[0]]
        if title and len(rest) == 1 and len({split[n][1][-1] for n in full}) == 1:
            pairs += [(name, one) for one in full]
    return pairs


def _of_bare(
    last: str, people: Mapping[int, set[str]], split: Split, sexes: Mapping[str, str]
) -> set[str]:
    """Whose name a bare last name is; of Mr., Mrs. and Miss Pell it is the man's."""
    of = [(forms, sex_of(forms, split, sexes)) for forms in people.values()]
    if last in words("male_names"):  # Mrs. Charles is not Charles
        of = [(forms, sex) for forms, sex in of if sex != "she"]
    men = [forms for forms, sex in of if sex == "he"]
    owner = [of[0][0]] if len(of) == 1 else men
    return owner[0] if len(owner) == 1 else set()


def sex_of(forms: set[str], split: Split, sexes: Mapping[str, str]) -> str:
    """he or she of one person, by titles, given names and pronouns; "" where they do not tell."""
    for title, rest in (split[one] for one in sorted(forms)):
        if title in words("male_titles") or (not title and rest[0] in words("male_names")):
            return "he"
        if title in words("female_titles") or (not title and rest[0] in words("female_names")):
            return "she"
    return next((sexes[one] for one in sorted(forms) if one in sexes), "")


def _may_be_one(
    one: tuple[str, tuple[str, ...]],
    other: tuple[str, tuple[str, ...]],
    counts: Counter[str],
    split: Split,
    sexes: Mapping[str, str],
) -> bool:
    """Whether two names with the same last word may be one person's."""
    (title, rest), (title2, rest2) = one, other
    female = {title, title2} & words("female_titles")
    # A captain is a Mr., a countess Madame; Miss and Mrs. are two, and so are a knight and a Mr.
    same = title == title2 or not female or (len(female) == 2 and not female & {"Miss", "Mrs"})
    same = same and {title, title2} != {"Mr", "Sir"}
    if len(rest) > 1 and len(rest2) > 1:
        return rest[0] == rest2[0] and (same or not title or not title2)
    if len(rest) == len(rest2) == 1:
        return same
    if not same and title and title2:
        return False
    (alone, full) = (title2, rest) if len(rest) > 1 else (title, rest2)
    kin = _kin(full, split, sexes)
    if len(kin) > 1:
        # Of two sisters, Miss Pell is not who goes by her given name.
        kin = {given for given in kin if not counts[given]}
        if kin != {full[0]}:
            return False
    given = counts[full[0]]
    seldom = 4 * counts[_form(alone, full[-1], split)] <= given
    if title and title2:
        # Miss Pell is the sister of Miss Anne Pell, who goes by Anne.
        return given == 0 or (alone != "Miss" and seldom)
    sex = sex_of({" ".join(full)} & set(split), split, sexes)
    if alone == "Miss" and f"Miss {full[-1]}s" in split:
        return False
    if alone in words("female_titles"):
        return alone not in ("Mrs", "Lady") and (sex == "she" or (sex == "" and alone != "Miss"))
    # Who goes by his given name is not Mr.: that is his father.
    return sex != "she" and given == 0


def _form(title: str, last: str, split: Split) -> str:
    """The name that is this title and last name, with its dot where the book has one."""
    return next((name for name, (t, rest) in split.items() if (t, rest) == (title, (last,))), "")


def _kin(full: tuple[str, ...], split: Split, sexes: Mapping[str, str]) -> set[str]:
    """Given names of all who share a last name and, where that is known, are he or she alike."""

    def sex(given: str) -> str:
        of = {n for n, (_, r) in split.items() if len(r) > 1 and (r[0], r[-1]) == (given, full[-1])}
        return sex_of(of | ({given} & set(split)), split, sexes)

    own = sex(full[0])
    givens = {r[0] for _, r in split.values() if len(r) > 1 and r[-1] == full[-1]}
    return {given for given in givens if not own or sex(given) in ("", own)}


def _best(
    forms: set[str],
    counts: Counter[str],
    by_last: Mapping[str, list[str]],
    group: Mapping[str, set[str]],
) -> str:
    """The name that a person goes by: one word where that is enough, else its commonest form."""
    single = [one for one in forms if " " not in one]
    if single:
        return max(sorted(single), key=lambda one: counts[one])
    commonest = max(sorted(forms), key=lambda one: counts[one])
    last = commonest.split()[-1]
    alone = len({id(group[one]) for one in by_last.get(last, ())}) == 1 and last not in group
    return last if alone and split_title(commonest)[0] else commonest
