"""Draws docs/studio/*.png: every page of the studio, by day on a desk and by night on a phone.

    python docs/studio_scene.py [NAME…]                  all of them, or room.png, room-lore.png, …

A scene is played over a scripted engine and an embedded Redis, then Chromium visits every page of
the table of routes (`tests/studio/install.sh` gets it).
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from playwright.async_api import async_playwright

from bot.memory import open_memory
from characters.card import load_cast
from tests.studio.conftest import ARGUMENTS, CHROMIUM, Studio
from tests.studio.shots import photograph

HERE = Path(__file__).parent / "studio"


async def main(only: list[str]) -> None:
    with tempfile.TemporaryDirectory() as data:
        # What the host has set up here is nobody's business.
        os.environ |= {"HOME": data, "XDG_DATA_HOME": f"{data}/.local/share"}
        memory = await open_memory(None, folder=Path(data) / "mrp", patience=5)
        studio = Studio(load_cast(), memory)
        await studio.start()
        async with async_playwright() as started:
            browser = await started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            await photograph(studio, browser, HERE, only)
            await browser.close()
        await studio.stop()
        await memory.close()


if __name__ == "__main__":
    asyncio.run(main([name.removesuffix(".png") for name in sys.argv[1:]]))
