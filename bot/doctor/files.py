"""The files that options and the environment name: can they be read?"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from bot import settings
from bot.doctor.finding import Finding
from bot.filters import FilterError, load_filter
from bot.limits import LimitsError, load_limits
from bot.permissions import PermissionsError, load_permissions
from canon import Canon, CanonError
from characters.card import CardError, load_cast


def check_files(options: argparse.Namespace, environment: Mapping[str, str]) -> list[Finding]:
    """The cast, the book, the limits, the filter and the rights, as far as they are named."""

    def named(option: object, variable: str) -> Path | None:
        name = option or environment.get(variable)
        return Path(str(name)).expanduser() if name else settings.kept(variable)

    reading: tuple[tuple[str, Path | None, Callable[[Path], object]], ...] = (
        ("cast", options.cast, load_cast),
        ("book", named(options.canon, "MRP_CANON"), Canon.open),
        ("limits", named(options.limits, "MRP_LIMITS"), load_limits),
        ("filter", named(options.filter, "MRP_FILTER"), load_filter),
        ("rights", named(options.rights, "MRP_RIGHTS"), load_permissions),
    )
    findings = []
    for about, path, read in reading:
        if path is None:
            continue
        try:
            read(path)
        except (CardError, CanonError, LimitsError, FilterError, PermissionsError) as problem:
            findings.append(Finding("fault", about, str(problem), "mend it, or name another"))
        else:
            findings.append(Finding("well", about, str(path)))
    return findings
