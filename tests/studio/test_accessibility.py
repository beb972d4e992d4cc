"""Every page, looked at by axe-core, by day on a desk and by night on a phone of 390 px.

Which pages there are is read from the table of routes, so a new page is looked at, too. Skipped
with a reason where there is no Chromium or no axe-core (`tests/studio/install.sh`).
"""

# slow: starts a browser

from __future__ import annotations

from pathlib import Path

import pytest

from bot.memory import Link, Visitor
from tests.studio.shots import DESK, PHONE, a_scene, addresses

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = ("serious", "critical")
RUN = """
() => axe.run(document, {resultTypes: ["violations"]}).then((found) => found.violations.map(
  (each) => [each.impact, each.id, each.nodes.map((node) => node.html.slice(0, 160))]))
"""

pytestmark = pytest.mark.timeout(400)


@pytest.mark.parametrize(
    ("theme", "size", "language"), [("light", DESK, "zh-CN"), ("dark", PHONE, "en-GB")]
)
async def test_no_page_shuts_anybody_out(studio, chromium, theme, size, language):
    if not AXE.is_file():
        pytest.skip("no axe-core: tests/studio/install.sh")
    room = await a_scene(studio)
    context = await chromium.new_context(locale=language, color_scheme=theme, viewport=size)
    await context.add_init_script(path=AXE)
    page = await context.new_page()
    wrong: list[str] = []

    async def look(where: str) -> None:
        answer = await page.request.get(studio.url + where)
        if "text/html" not in answer.headers.get("content-type", ""):
            return  # a file
        await page.goto(studio.url + where)
        looked.append(where)
        for impact, rule, nodes in await page.evaluate(RUN):
            if impact in SERIOUS:
                wrong.append(f"{where}: {rule} ({impact}): {nodes[:3]}")
        wide = await page.evaluate("document.documentElement.scrollWidth")
        if wide > size["width"]:
            wrong.append(f"{where}: {wide} px wide")

    looked: list[str] = []
    code = await studio.site.sessions.invite(Link(Visitor("studio:owner", "小明", "owner")))
    await look("/")
    await look(f"/enter/{code}")
    await page.locator("button.strong").click()
    for where in [*await addresses(studio, room), "/no/such/page"]:
        await look(where)
    await context.close()
    assert len(looked) > 16
    assert wrong == [], "\n".join(wrong)
