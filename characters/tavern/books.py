"""Lorebooks as V2 and V3 cards hold them, and as SillyTavern's world files do, in and out.

Both say the same in other words: a world file has `key`, `order` and `disable` where a card's book
has `keys`, `insertion_order` and `enabled`, and keeps in the entry what a card's book keeps in the
entry's `extensions`. What is not known here stays in `raw` and goes out as it came in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from characters.lore import DEEPEST_SCAN, SCAN, Entry, Logic, Lorebook
from characters.tavern.fields import Fields, kind
from characters.tavern.values import compact
from text.folding import fold

MOST_ENTRIES = 5_000
LONGEST_ENTRY = 40_000  # characters
LONGEST_KEY = 1_000
MOST_KEYS = 500
_LOGIC: tuple[Logic, ...] = ("any", "not all", "not any", "all")
# How a world file, and in a card's book an entry's `extensions`, call the same.
_EXTENSIONS = {
    "selectiveLogic": "selectiveLogic",
    "excludeRecursion": "exclude_recursion",
    "preventRecursion": "prevent_recursion",
    "delayUntilRecursion": "delay_until_recursion",
    "probability": "probability",
    "useProbability": "useProbability",
    "group": "group",
    "groupWeight": "group_weight",
    "scanDepth": "scan_depth",
    "matchWholeWords": "match_whole_words",
    "caseSensitive": "case_sensitive",
    "sticky": "sticky",
    "cooldown": "cooldown",
    "delay": "delay",
    "characterFilter": "character_filter",
}
_DECORATOR = re.compile(r"@{2,3}([a-z_]+)[ \t]*(.*)")


def is_book(raw: Mapping[str, Any]) -> bool:
    """Whether a file's table is a lorebook by itself."""
    if raw.get("spec") == "lorebook_v3":
        return True
    return isinstance(raw.get("entries"), dict | list) and "data" not in raw


def read_book(raw: Mapping[str, Any], where: str, path: str = "", name: str = "") -> Lorebook:
    """A lorebook from its table; `path` is where that stands in the file.

    Raises:
        CardError: a field is of the wrong kind, or there is too much.
    """
    if raw.get("spec") == "lorebook_v3":
        return read_book(Fields(where, raw).table("data").raw, where, f"{path}data.", name)
    fields = Fields(where, raw, path)
    rows = raw.get("entries")
    if rows is None:
        rows = []
    if not isinstance(rows, dict | list):
        raise fields.wrong("entries", f"must be a list or a table of entries, not a {kind(rows)}")
    if len(rows) > MOST_ENTRIES:
        raise fields.wrong(
            "entries", f"holds {len(rows)} entries; at most {MOST_ENTRIES} are taken"
        )
    world = isinstance(rows, dict)
    listed: Iterable[tuple[Any, Any]] = rows.items() if isinstance(rows, dict) else enumerate(rows)
    entries = []
    for key, row in listed:
        if not isinstance(row, dict):
            raise fields.wrong(f"entries.{key}", f"must be a table, not a {kind(row)}")
        entries.append(_entry(Fields(where, row, f"{path}entries.{key}."), world))
    rest = {key: value for key, value in raw.items() if key != "entries"}
    return Lorebook(
        name=fields.text("name").strip()[:80] or name,
        entries=tuple(entries),
        scan=fields.whole("scan_depth", SCAN, 0, DEEPEST_SCAN),
        budget=fields.whole("token_budget", 0, 0, 1 << 20) or None,
        recursive=fields.flag("recursive_scanning", world),
        world=world,
        raw=compact(rest),
    )


def _entry(row: Fields, world: bool) -> Entry:
    """One entry. In a world file all stands in it, in a card's book most in its `extensions`."""
    more = row if world else row.table("extensions")
    named = (lambda key: key) if world else _EXTENSIONS.__getitem__
    text, decorators = _decorated(row.text("content", LONGEST_ENTRY))
    keys = row.texts("key" if world else "keys", LONGEST_KEY, MOST_KEYS)
    keys = tuple(key for key in keys if key.strip())
    secondary = row.texts("keysecondary" if world else "secondary_keys", LONGEST_KEY, MOST_KEYS)
    patterns = row.flag("use_regex")
    extra = _listed(decorators.get("additional_keys", ""))
    excluded = _listed(decorators.get("exclude_keys", ""))
    logic = _LOGIC[more.whole(named("selectiveLogic"), 0, 0, 3)]
    if not row.flag("selective", bool(secondary)) or patterns:
        secondary = ()
    if not secondary and (extra or excluded):
        secondary, logic = (extra, "any") if extra else (excluded, "not any")
    filtered = more.table(named("characterFilter"))
    who = frozenset(fold(name.removesuffix(".png")) for name in filtered.texts("names"))
    who -= {""}
    excludes = filtered.flag("isExclude")
    case = row.flag("case_sensitive") or more.flag(named("caseSensitive"))
    name = row.text("comment").strip() or row.text("name").strip()
    chance = more.number(named("probability"), 100, 0, 100)
    return Entry(
        name=(name or (keys[0] if keys else text[:20]))[:80].strip(),
        text=text,
        keys=keys,
        secondary=tuple(key for key in secondary if key.strip()),
        logic=logic,
        patterns=patterns,
        constant=(row.flag("constant") and not patterns) or "activate" in decorators,
        enabled=_enabled(row, world)
        and not ("dont_activate" in decorators and "activate" not in decorators),
        order=row.number("order" if world else "insertion_order", 100, -1e9, 1e9),
        priority=row.number("priority", 0, -1e9, 1e9) if "priority" in row else None,
        scan=_scan(more, named("scanDepth"), decorators),
        chance=chance if more.flag(named("useProbability"), True) else 100,
        case=case,
        whole=more.flag(named("matchWholeWords")),
        sticky=more.whole(named("sticky"), 0, 0, DEEPEST_SCAN),
        cooldown=more.whole(named("cooldown"), 0, 0, DEEPEST_SCAN),
        delay=_delay(more, named("delay"), decorators),
        calls=not more.flag(named("preventRecursion")),
        called=not more.flag(named("excludeRecursion")),
        only_called=more.number(named("delayUntilRecursion"), 0, 0, 100) > 0
        if not isinstance(more.raw.get(named("delayUntilRecursion")), bool)
        else more.flag(named("delayUntilRecursion")),
        group=more.text(named("group")).strip()[:80],
        weight=more.number(named("groupWeight"), 100, 0, 1e6),
        only=frozenset() if excludes else who,
        never=who if excludes else frozenset(),
        raw=compact(row.raw),
    )


def _enabled(row: Fields, world: bool) -> bool:
    return not row.flag("disable") if world else row.flag("enabled", True)


def _scan(more: Fields, key: str, decorators: Mapping[str, str]) -> int | None:
    written = decorators.get("scan_depth", "")
    if written.isdecimal():
        return min(int(written[:6]), DEEPEST_SCAN)
    return more.whole(key, 0, 0, DEEPEST_SCAN) if key in more else None


def _delay(more: Fields, key: str, decorators: Mapping[str, str]) -> int:
    written = decorators.get("activate_only_after", "")
    return int(written[:6]) if written.isdecimal() else more.whole(key, 0, 0, 1 << 20)


def _decorated(content: str) -> tuple[str, dict[str, str]]:
    """The text of an entry, and the decorators (`@@name value`) that stand before it."""
    found: dict[str, str] = {}
    rows = content.split("\n")
    while rows and (match := _DECORATOR.match(rows[0].strip())):
        found.setdefault(match[1], match[2].strip())
        rows.pop(0)
    return ("\n".join(rows).strip("\n") if found else content), found


def _listed(written: str) -> tuple[str, ...]:
    return tuple(part.strip()[:LONGEST_KEY] for part in written.split(",") if part.strip())


def write_book(book: Lorebook, *, world: bool | None = None) -> dict[str, Any]:
    """The table of a lorebook: a world file's or a card's; as it came, if nothing else is said."""
    world = book.world if world is None else world
    same = world == book.world
    rest: dict[str, Any] = json.loads(book.raw) if same and book.raw else {"name": book.name}
    if not book.raw:
        rest = {"name": book.name}
        if not world:
            rest |= {"description": "", "scan_depth": book.scan, "extensions": {}}
            rest["recursive_scanning"] = book.recursive
    if not world and not same:
        rest |= {"scan_depth": book.scan, "recursive_scanning": book.recursive, "extensions": {}}
    if book.budget is not None and "token_budget" not in rest and not world:
        rest["token_budget"] = book.budget
    rows = [_row(entry, n, world, same) for n, entry in enumerate(book.entries)]
    # A world file's entries are called by numbers, which need not be their places.
    entries: Any = rows
    if world:
        taken = {str(row.get("uid", n)) for n, row in enumerate(rows)}
        names = [str(row.get("uid", n)) for n, row in enumerate(rows)]
        entries = dict(
            zip(names if len(taken) == len(rows) else map(str, range(len(rows))), rows, strict=True)
        )
    return {**rest, "entries": entries}


def _row(entry: Entry, number: int, world: bool, same: bool) -> dict[str, Any]:
    raw = json.loads(entry.raw) if entry.raw else {}
    if raw and same and _entry(Fields("", raw), world) == entry:
        return dict(raw)
    named = (lambda key: key) if world else _EXTENSIONS.__getitem__
    more: dict[str, Any] = {
        named("selectiveLogic"): _LOGIC.index(entry.logic),
        named("excludeRecursion"): not entry.called,
        named("preventRecursion"): not entry.calls,
        named("delayUntilRecursion"): entry.only_called,
        named("probability"): entry.chance,
        named("useProbability"): True,
        named("group"): entry.group,
        named("groupWeight"): entry.weight,
        named("scanDepth"): entry.scan,
        named("matchWholeWords"): entry.whole,
        named("caseSensitive"): entry.case,
        named("sticky"): entry.sticky,
        named("cooldown"): entry.cooldown,
        named("delay"): entry.delay,
    }
    if entry.only or entry.never:
        names = sorted(entry.only or entry.never)
        more[named("characterFilter")] = {
            "isExclude": bool(entry.never),
            "names": names,
            "tags": [],
        }
    plain: dict[str, Any] = {
        "key" if world else "keys": list(entry.keys),
        "keysecondary" if world else "secondary_keys": list(entry.secondary),
        "comment": entry.name,
        "content": entry.text,
        "constant": entry.constant,
        "selective": bool(entry.secondary),
        "order" if world else "insertion_order": entry.order,
    }
    if entry.priority is not None:
        plain["priority"] = entry.priority
    if entry.patterns or not world:
        plain["use_regex"] = entry.patterns
    kept = raw if same else {}
    if world:
        return {**kept, "uid": number, **plain, "disable": not entry.enabled, **more}
    plain |= {"enabled": entry.enabled, "case_sensitive": entry.case}
    return {**kept, **plain, "extensions": {**kept.get("extensions", {}), **more}}
