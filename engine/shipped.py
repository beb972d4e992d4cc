"""Where the model that comes with the project lies."""

from __future__ import annotations

from pathlib import Path

SHIPPED = Path(__file__).resolve().parent.parent / "models" / "xiyou-mini.gguf"
