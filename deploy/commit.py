"""A build hook of hatchling: writes the commit of a checkout into the wheel, as bot/COMMIT.

`mrp --version` reads it where there is no checkout. Outside of a checkout nothing is written, and
what an earlier step put there stays (the Dockerfile does).
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CommitHook(BuildHookInterface):  # type: ignore[type-arg]
    """Found by hatchling as the only hook of this file."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before a wheel or source archive is built."""
        root = Path(self.root)
        if version == "editable" or not (root / ".git").exists():
            return
        try:
            asked = subprocess.run(
                ["git", "-C", self.root, "describe", "--always", "--dirty", "--exclude=*"],
                capture_output=True, text=True, timeout=10, check=True,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError):
            return
        folder = Path(tempfile.mkdtemp())
        (folder / "COMMIT").write_text(asked.stdout, encoding="ascii")
        build_data["force_include"][str(folder / "COMMIT")] = "bot/COMMIT"
        self._made = folder

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Called after it."""
        if made := getattr(self, "_made", None):
            (made / "COMMIT").unlink()
            made.rmdir()
