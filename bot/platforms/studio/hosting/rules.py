"""Rights, limits and filters: seen, changed at once for this process, and tried out."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from bot import settings
from bot.commands import COMMANDS
from bot.filters import SIDES, Filter, FilterError, load_filter
from bot.limits import LimitsError, load_limits
from bot.permissions import ACTIONS, Permissions, PermissionsError, load_permissions
from bot.platforms.studio.site import Ask
from characters.card import Character, Language, Words
from text.toml import read_toml, write_toml

T = TypeVar("T")

# Actions that are no order of their own, and what the page calls them.
ACTS: Mapping[str, Words] = {
    "forget_room": Words("/忘记 屋子", "/forget room"),
    "dismiss_all": Words("/退场 全部", "/dismiss all"),
    "undo_own": Words("/撤回 自己的话", "/undo one's own"),
    "character_review": Words("/角色 审核", "/character queue, approve"),
    "character_everywhere": Words("造到处能请的角色", "characters for all places"),
    "voice_room": Words("/语音 屋子", "/voice room"),
}
MOST_RULES = 100
NEW = "new"  # in place of the mark of a rule that is added


@dataclass(frozen=True, slots=True)
class Trial:
    """What the filter does with a sentence: rule and answer for each side, "" where it stands."""

    text: str
    speaker: str
    rules: Mapping[str, tuple[str, str]]


async def page(ask: Ask) -> web.StreamResponse:
    """All three, and the filter's tester."""
    return _page(ask)


def _page(
    ask: Ask,
    told: str = "",
    *,
    status: int = 200,
    trial: Trial | None = None,
    typed: Mapping[str, Any] | None = None,
    tried: tuple[int, Mapping[str, Any]] | None = None,
) -> web.Response:
    """The page; `typed` are the limits of a form that was refused, `tried` is such a rule of the
    filter, at its number."""
    rules = _raw_rules()
    shared = ask.site.house.shared
    assert shared.limits is not None  # a house makes them
    return ask.page(
        "rules.html",
        status=status,
        told=told,
        given=ask.site.desk.given,
        actions=_actions(shared.permissions, ask.language),
        limits=shared.limits,
        rules=[(rule, _mark(rule)) for rule in rules],
        new=NEW,
        tried=tried or (-1, {}),
        active=[rule.name for rule in shared.filter.rules],
        sides=SIDES,
        cast=list(ask.site.house.cast),
        trial=trial,
        typed=typed or {},
    )


def _actions(permissions: Permissions, language: Language) -> list[tuple[str, str, str, str]]:
    """Each action that has rights: its id, what people type, what that does, and who may."""
    typed = {c.id: f"/{(c.zh_names if language == 'zh' else c.names)[0]}" for c in COMMANDS}
    does = {c.id: c.does[language] for c in COMMANDS}
    rows = []
    for action in sorted(ACTIONS, key=lambda each: (each in ACTS, each)):
        shown = ACTS[action][language] if action in ACTS else typed[action]
        who = "nobody"
        if permissions.allows(action, moderator=False):
            who = "everyone"
        elif permissions.allows(action, moderator=True):
            who = "moderators"
        rows.append((action, shown, does.get(action, ""), who))
    return rows


def _raw_rules() -> list[dict[str, Any]]:
    """The filter's rules as they were written; [] where none are kept here."""
    file = settings.kept("MRP_FILTER")
    if file is None:
        return []
    try:
        found = read_toml(file).get("rule", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return []
    return [dict(rule) for rule in found if isinstance(rule, dict)]


def _mark(rule: Mapping[str, Any]) -> str:
    """What tells a rule from another, and from itself after a change."""
    return sha256(json.dumps(rule, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _kept(variable: str, text: str, load: Callable[[Path], T]) -> T:
    """Keep a file if it can be read as what it is.

    Raises:
        What `load` raises: nothing was changed; the message names no file.
        SettingsProblem: it cannot be written.
    """
    trial = settings.keep(f"{variable}.TRIAL", text)
    try:
        found = load(trial)
    except (PermissionsError, LimitsError, FilterError) as problem:
        raise type(problem)(str(problem).removeprefix(f"{trial}: ")) from problem
    finally:
        settings.keep(f"{variable}.TRIAL", "")
    settings.keep(variable, text)
    return found


def _settled(ask: Ask, variable: str) -> web.Response | None:
    """A page that says so, where an option or the environment names the file."""
    given = ask.site.desk.given.get(variable)
    if not given:
        return None
    return _page(ask, ask.site.pages.words(ask.language)("rules given", given), status=409)


async def rights(ask: Ask) -> web.StreamResponse:
    """Who may give which order."""
    if answer := _settled(ask, "MRP_RIGHTS"):
        return answer
    plain = Permissions()
    before = {action: who for action, _, _, who in _actions(plain, ask.language)}
    asked = {action: ask.text(f"who-{action}", 12) or before[action] for action in ACTIONS}
    changed = {action: who for action, who in asked.items() if who != before[action]}
    try:
        found = _kept("MRP_RIGHTS", write_toml(changed), load_permissions)
    except (PermissionsError, settings.SettingsProblem) as problem:
        words = ask.site.pages.words(ask.language)
        return _page(ask, words("in its words", problem), status=400)
    ask.site.house.shared.permissions = found
    return ask.see("owner", "rules")


async def limits(ask: Ask) -> web.StreamResponse:
    """How much may be asked, and who is not heard."""
    if answer := _settled(ask, "MRP_LIMITS"):
        return answer
    words, table = ask.site.pages.words(ask.language), dict[str, Any]()
    for who in ("person", "room"):
        numbers = {key: _number(ask.text(f"{who}-{key}", 12)) for key in ("burst", "per_minute")}
        if None in numbers.values():
            return _page(ask, words("rules number"), status=400, typed=ask.form)
        table[who] = numbers
    table["blocked"] = ask.text("blocked", 20_000).split()
    try:
        found = _kept("MRP_LIMITS", write_toml(table), load_limits)
    except (LimitsError, settings.SettingsProblem) as problem:
        return _page(ask, words("in its words", problem), status=400, typed=ask.form)
    held = ask.site.house.shared.limits
    assert held is not None
    held.person, held.room, held.blocked = found.person, found.room, found.blocked
    return ask.see("owner", "rules")


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if 0 <= found < 1e6 else None


async def filter(ask: Ask) -> web.StreamResponse:
    """A rule of the filter is added, changed or taken away."""
    if answer := _settled(ask, "MRP_FILTER"):
        return answer
    rules, words = _raw_rules(), ask.site.pages.words(ask.language)
    was, removed = ask.text("was", 16), ask.text("do", 10) == "remove"
    number = int(ask.text("number", 4)) if ask.text("number", 4).isdecimal() else len(rules)
    number = len(rules) if was == NEW else number
    changed = number < len(rules) and was not in ("", _mark(rules[number]))
    if number > len(rules) or number >= MOST_RULES or changed:
        tried = None if removed else (len(rules), _rule(ask))
        return _page(ask, words("rules gone"), status=409, tried=tried)
    rules[number : number + 1] = [] if removed else [_rule(ask)]
    try:
        text = write_toml({"rule": rules}) if rules else ""
        found = _kept("MRP_FILTER", text, load_filter) if text else _none()
    except (FilterError, settings.SettingsProblem) as problem:
        tried = (number, _rule(ask))
        return _page(ask, words("in its words", problem), status=400, tried=tried)
    ask.site.house.shared.filter = found
    return ask.see("owner", "rules")


def _none() -> Filter:
    settings.keep("MRP_FILTER", "")
    return Filter()


def _rule(ask: Ask) -> dict[str, Any]:
    """The form's rule as a table of the file."""

    def lines(name: str) -> list[str]:
        return [line.strip() for line in ask.text(name, 20_000).splitlines() if line.strip()]

    told: dict[str, Any] = {"name": ask.text("name", 60).strip() or "rule"}
    told |= {key: lines(key) for key in ("words", "patterns") if lines(key)}
    sides = [side for side in SIDES if ask.text(f"side-{side}", 3)]
    told["sides"] = sides or list(SIDES)
    said = {language: lines(f"say-{language}") for language in ("zh", "en")}
    if any(said.values()):
        told["say"] = {language: found for language, found in said.items() if found}
    return told


async def trial(ask: Ask) -> web.StreamResponse:
    """A sentence is tried: what the filter that holds now would do with it."""
    text, speaker = ask.text("text", 5000), ask.text("speaker", 60)
    found, held = dict[str, tuple[str, str]](), ask.site.house.shared.filter
    one: Character | None = next((c for c in ask.site.house.cast if c.id == speaker), None)
    for side in SIDES:
        rule = held.broken(text, side)
        said = held.check(text, ask.language, side=side, speaker=one) or ""
        found[side] = (rule.name, said) if rule else ("", "")
    return _page(ask, trial=Trial(text, speaker, found))
