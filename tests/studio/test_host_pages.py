"""The host's pages in a real browser: the first steps without a script, and no page too wide.

Skipped with a reason where Playwright or Chromium is missing. MRP_STUDIO_PICTURES=FOLDER keeps
pictures of each page.
"""

# slow: starts a browser

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.studio.host_shots import pictures
from tests.studio.shots import ARGUMENTS

playwright = pytest.importorskip("playwright.async_api", reason="pip install playwright")
CHROMIUM = os.environ.get("MRP_CHROMIUM") or shutil.which("chromium") or ""

pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium: apt-get install chromium"),
    pytest.mark.timeout(300),
]


@pytest.fixture
async def chromium():
    async with playwright.async_playwright() as started:
        browser = await started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


async def test_every_page_in_every_look(studio, chromium, tmp_path):
    folder = os.environ.get("MRP_STUDIO_PICTURES")
    await pictures(studio, chromium, Path(folder) if folder else tmp_path)
