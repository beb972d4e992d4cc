"""The libraries of pyproject.toml, one a line, for image layers that outlive changes of our code.

python deploy/requirements.py pyproject.toml                 what a bot needs
python deploy/requirements.py pyproject.toml quantize        what an extra needs besides
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path


def requirements(pyproject: Path, extras: list[str]) -> list[str]:
    """Requirement lines, extras that name other extras followed; without extras, the project's.

    Raises:
        SystemExit: an extra is not there.
    """
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    if not extras:
        return list(project["dependencies"])
    optional = project["optional-dependencies"]
    lines: dict[str, None] = {}
    wanted = list(extras)
    for extra in wanted:
        if extra not in optional:
            raise SystemExit(f"there is no extra {extra!r}; there are {', '.join(optional)}")
        for line in optional[extra]:
            own = re.fullmatch(re.escape(project["name"]) + r"\[([\w,-]+)\]", line)
            if own:
                wanted += [each for each in own[1].split(",") if each not in wanted]
            else:
                lines[line] = None
    return list(lines)


if __name__ == "__main__":
    print("\n".join(requirements(Path(sys.argv[1]), sys.argv[2:])))
