"""The dashboard asks for what the bot counts, and for nothing else."""

import json
import re
from pathlib import Path

from bot.metrics import Metrics
from engine.stats import Stats

FILE = Path(__file__).resolve().parents[2] / "deploy" / "grafana.json"
DASHBOARD = json.loads(FILE.read_text(encoding="utf-8"))


class Engine:
    def stats(self) -> Stats:
        return Stats()


def test_every_figure_it_asks_for_is_counted():
    counted = Metrics(Engine(), {"said": 1}).text().decode()
    kinds = dict(re.findall(r"^# TYPE (\S+) (\w+)", counted, re.MULTILINE))
    names = {f"{name}_bucket" if kind == "histogram" else name for name, kind in kinds.items()}
    asked = {
        name
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
        for name in re.findall(r"\bmrp_\w+", target["expr"])
    }
    assert asked <= names, asked - names
    assert len(asked) >= 8


def test_panels_stand_side_by_side_and_say_what_they_show():
    taken = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, at["y"]) for x in range(at["x"], at["x"] + at["w"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
        assert panel["description"]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
