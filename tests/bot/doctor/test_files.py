"""Files that options and the environment name."""

from __future__ import annotations

import argparse

from bot.doctor.files import check_files
from bot.house import add_options


def check(words: list[str], environment: dict[str, str]):
    parser = argparse.ArgumentParser()
    add_options(parser)
    return {f.about: f.level for f in check_files(parser.parse_args(words), environment)}


def test_what_is_not_named_is_not_looked_for():
    assert check([], {}) == {"cast": "well"}


def test_the_environment_and_options_name_them(tmp_path):
    limits = tmp_path / "limits.toml"
    limits.write_text("person = { burst = 3, per_minute = 4 }\n", encoding="utf-8")
    broken = tmp_path / "filter.toml"
    broken.write_text("[[rule]", encoding="utf-8")
    found = check(["--filter", str(broken)], {"MRP_LIMITS": str(limits), "MRP_CANON": "/nowhere"})
    assert found == {"cast": "well", "book": "fault", "limits": "well", "filter": "fault"}


def test_a_cast_that_is_not_there(tmp_path):
    assert check(["--cast", str(tmp_path / "none")], {})["cast"] == "fault"
