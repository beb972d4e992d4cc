"""What a card says of the commit, with git and without.

# slow: imports torch
"""

from __future__ import annotations

from pathlib import Path

import pytest

from trainer import provenance


def test_a_checkout_without_git_is_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / ".git").mkdir()
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.commit() == "unknown"


def test_an_image_says_what_its_build_wrote(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.commit() == "unknown"
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot" / "COMMIT").write_text("1a2b3c4\n")
    assert provenance.commit() == "1a2b3c4"
