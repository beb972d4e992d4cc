"""The host's pages in a real browser: the first steps without a script, and no page too wide.

Skipped with a reason where Playwright or Chromium is missing. MRP_STUDIO_PICTURES=FOLDER keeps
pictures of each page.
"""

# slow: starts a browser

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.studio.host_shots import pictures

pytestmark = pytest.mark.timeout(300)


async def test_every_page_in_every_look(studio, chromium, tmp_path):
    folder = os.environ.get("MRP_STUDIO_PICTURES")
    await pictures(studio, chromium, Path(folder) if folder else tmp_path)
