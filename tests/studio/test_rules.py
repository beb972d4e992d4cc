"""Rights, limits and filters: kept as the files that options name, and counting at once."""

import math
import re

import pytest

from bot import settings
from bot.filters import load_filter
from bot.limits import load_limits
from bot.permissions import ACTIONS, load_permissions
from tests.studio.conftest import held


@pytest.fixture
async def owner(studio):
    return await studio.browser("studio:owner", "主人", role="owner")


RULE = {"name": "钱", "words": "赌博\ncasino\n", "patterns": r"\d{11}", "say-zh": "莫谈钱财。"}


async def test_a_rule_is_kept_counts_at_once_and_can_be_tried(studio, owner):
    status, _, where = await owner.post("/owner/rules/filter", **RULE)
    assert (status, where) == (303, "/owner/rules")
    file = settings.kept("MRP_FILTER")
    assert file is not None
    assert load_filter(file) == studio.house.shared.filter
    assert studio.house.shared.filter.check("我们去赌 博", "zh") == "莫谈钱财。"
    _, text, _ = await owner.post("/owner/rules/trial", text="电话 13800001111", speaker="wukong")
    assert text.count("犯了“钱”这一条") == 2
    assert "莫谈钱财。" in text
    _, text, _ = await owner.post("/owner/rules/trial", text="<b>今天天气好</b>")
    assert text.count("可以说。") == 2
    assert "&lt;b&gt;今天" in text
    # changed: one side only, declined in the character's own words
    fields = {"name": "钱", "words": "赌博", "side-input": "yes", "number": "0"}
    await owner.post("/owner/rules/filter", **fields)
    _, text, _ = await owner.post("/owner/rules/trial", text="赌博", speaker="wukong")
    assert text.count("犯了“钱”这一条") == 1
    (wukong,) = [one for one in studio.house.cast if one.id == "wukong"]
    assert any(line in text for line in wukong.refusal.zh)
    await owner.post("/owner/rules/filter", number="0", do="remove")
    assert settings.kept("MRP_FILTER") is None
    assert studio.house.shared.filter.broken("赌博") is None


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"patterns": "("}, "does not compile"),
        ({"patterns": "(a+)+$"}, "takes too long"),
        ({"patterns": ".*"}, "holds for every text"),
        ({"words": "！！"}, "holds no letter"),
        ({"name": "x"}, "neither words nor patterns"),
    ],
)
async def test_a_rule_that_cannot_be_is_said_and_nothing_typed_is_lost(studio, owner, fields, says):
    await owner.post("/owner/rules/filter", **RULE)
    before = studio.house.shared.filter
    status, text, _ = await owner.post("/owner/rules/filter", **fields)
    assert status == 400
    assert says in text
    assert str(settings.folder()) not in text
    assert studio.house.shared.filter == before
    assert all(value.replace("(", "(") in text for key, value in fields.items() if key != "name")
    status, _, _ = await owner.post("/owner/rules/filter", number="7", **RULE)
    assert status == 409


async def test_a_rule_that_is_refused_stays_in_its_place_with_all_that_was_typed(studio, owner):
    await owner.post("/owner/rules/filter", **RULE)
    _, page = await owner.get("/owner/rules")
    mark = held('name="number" value="0"><input type="hidden" name="was" value="([0-9a-f]+)"', page)
    fields = {"name": "银两", "words": "元宝", "patterns": "(", "side-output": "yes"}
    fields |= {"say-zh": "不谈银两", "say-en": "No silver.", "number": "0", "was": mark}
    status, page, _ = await owner.post("/owner/rules/filter", **fields)
    assert (status, "没有做成" in page) == (400, True)
    first = page[page.index('id="words-0"') - 400 : page.index('id="name-1"')]
    for typed in ('value="银两"', ">元宝<", ">(<", ">不谈银两<", ">No silver.<"):
        assert typed in first
    assert 'name="side-input" value="yes">' in first  # not checked
    assert 'name="side-output" value="yes" checked>' in first
    status, _, _ = await owner.post("/owner/rules/filter", **(fields | {"patterns": ""}))
    assert status == 303
    assert [rule.name for rule in studio.house.shared.filter.rules] == ["银两"]


async def test_two_tabs_never_change_each_others_rules(studio, owner):
    def names():
        return [rule.name for rule in studio.house.shared.filter.rules]

    _, page = await owner.get("/owner/rules")  # both tabs were opened when there was none
    assert 'name="number" value="0"><input type="hidden" name="was" value="new"' in page
    for name in ("甲", "乙", "丙"):
        added = {"number": "0", "was": "new", "name": name, "words": name}
        assert (await owner.post("/owner/rules/filter", **added))[0] == 303
    assert names() == ["甲", "乙", "丙"]
    _, page = await owner.get("/owner/rules")
    marks = re.findall('name="was" value="([0-9a-f]{16})"', page)
    assert len(marks) == 3
    await owner.post("/owner/rules/filter", number="0", was=marks[0], do="remove")
    assert names() == ["乙", "丙"]
    # what the second tab has at 1 is 乙, which stands at 0 by now
    for more in ({"do": "remove"}, {"name": "丁", "words": "我写了很久的话"}):
        fields = {"number": "1", "was": marks[1], **more}
        status, page, _ = await owner.post("/owner/rules/filter", **fields)
        assert (status, names()) == (409, ["乙", "丙"])
        assert ("我写了很久的话" in page) == ("words" in more)


async def test_limits_count_at_once(studio, owner):
    fields = {"person-burst": "3", "person-per_minute": "6", "room-burst": "10"}
    fields |= {"room-per_minute": "20.5", "blocked": "discord:13\ntelegram:*"}
    status, _, _ = await owner.post("/owner/rules/limits", **fields)
    assert status == 303
    held = studio.house.shared.limits
    file = settings.kept("MRP_LIMITS")
    assert file is not None
    kept = load_limits(file)
    assert (held.person, held.room, held.blocked) == (kept.person, kept.room, kept.blocked)
    assert held.room.per_minute == 20.5
    assert held.is_blocked("telegram:5")
    for wrong in (
        {"person-burst": "0"},
        {"person-burst": "x"},
        {"room-burst": "inf"},
        {"blocked": "a"},
    ):
        status, text, _ = await owner.post("/owner/rules/limits", **(fields | wrong))
        assert status == 400
        assert held.person.burst == 3
        assert 'value="20.5"' in text  # what was typed is still there
    assert math.isfinite(held.room.burst)


async def test_rights_are_kept_where_they_differ(studio, owner):
    asked = {f"who-{action}": "everyone" for action in ACTIONS} | {"who-retry": "nobody"}
    status, _, _ = await owner.post("/owner/rules/rights", **asked)
    assert status == 303
    found = studio.house.shared.permissions
    file = settings.kept("MRP_RIGHTS")
    assert file is not None
    assert found == load_permissions(file)
    assert not found.allows("retry", moderator=True)
    assert found.allows("undo", moderator=False)
    assert "summon" not in found.rules  # as it is by default
    status, _, _ = await owner.post("/owner/rules/rights", **{"who-retry": "whoever"})
    assert status == 400
    await owner.post("/owner/rules/rights", **{"who-undo": "moderators"})
    assert studio.house.shared.permissions.rules == {}


async def test_what_the_command_line_settles_cannot_be_changed(studio, owner, monkeypatch):
    given = dict.fromkeys(("MRP_FILTER", "MRP_LIMITS", "MRP_RIGHTS"), "/etc/mrp/x.toml")
    monkeypatch.setattr(studio.site.desk, "given", given)
    _, text = await owner.get("/owner/rules")
    assert text.count("/etc/mrp/x.toml") == 3
    for part, fields in (("filter", RULE), ("limits", {}), ("rights", {})):
        status, _, _ = await owner.post(f"/owner/rules/{part}", **fields)
        assert status == 409
    assert not settings.folder().exists()
