"""What a card says of where a model comes from: commit, hardware."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]


def commit() -> str:
    """The commit of this code: git's in a checkout, else what the build wrote; or "unknown"."""
    if (ROOT / ".git").exists():
        with contextlib.suppress(OSError):  # an image has no git
            asked = ["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"]
            found = subprocess.run(asked, capture_output=True, text=True, check=False)
            return found.stdout.strip() or "unknown"
    with contextlib.suppress(OSError):
        return (ROOT / "bot" / "COMMIT").read_text(encoding="ascii").strip() or "unknown"
    return "unknown"


def hardware() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{os.cpu_count()} CPU cores, {platform.machine()}"
