"""Our source stays within limits; `python tests/structure.py` shows where it does not."""

import pytest

from tests.structure import (
    BROAD_PER_THOUSAND,
    EXCEPTIONS,
    LIMITS,
    TESTED,
    cycles,
    sources,
    survey,
)

FOUND = survey()


def test_nothing_passes_a_limit():
    over = [str(one) for one in FOUND.findings if (one.limit, one.place) not in EXCEPTIONS]
    assert over == []


def test_exceptions_are_few_needed_and_have_their_reason():
    assert len(EXCEPTIONS) <= 5
    assert all(len(reason.split()) > 5 for reason in EXCEPTIONS.values())
    needed = {(one.limit, one.place) for one in FOUND.findings}
    assert set(EXCEPTIONS) <= needed


def test_files_do_not_import_each_other_in_a_circle():
    assert FOUND.cycles == []


def test_an_import_inside_a_function_says_why():
    assert FOUND.unexplained == []


def test_errors_are_swallowed_in_few_places():
    assert FOUND.broad_per_thousand <= BROAD_PER_THOUSAND, FOUND.broad


def test_most_files_have_a_test_file_of_their_name():
    assert FOUND.tested >= TESTED, FOUND.untested


# -- the survey itself -------------------------------------------------------------------------


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package on disk that the survey takes for ours."""
    monkeypatch.setattr("tests.structure.ROOT", tmp_path)
    monkeypatch.setattr("tests.structure.PACKAGES", ("ours",))
    (tmp_path / "mrp.py").write_text("")
    (tmp_path / "tests").mkdir()
    (tmp_path / "ours").mkdir()

    def write(name: str, text: str) -> None:
        (tmp_path / "ours" / name).write_text(text)

    return write


def test_the_survey_sees_what_is_too_long_and_too_wide(package):
    package("long.py", "x = 1\n" * (LIMITS["file lines"] + 1))
    package("wide.py", f"def f({', '.join(f'a{n}' for n in range(8))}):\n    pass\n")
    package("deep.py", "def f():\n" + "    x = 1\n" * LIMITS["function lines"])
    methods = "".join(f"    def m{n}(self):\n        self.a{n} = 1\n" for n in range(21))
    package("many.py", f"class C:\n{methods}")
    assert {(one.limit, one.place) for one in survey().findings} == {
        ("file lines", "ours/long.py"),
        ("function parameters", "ours/wide.py:f"),
        ("function lines", "ours/deep.py:f"),
        ("class methods", "ours/many.py:C"),
        ("class attributes", "ours/many.py:C"),
    }


@pytest.mark.parametrize(
    "imports",
    [
        "from ours import b",
        "import ours.b",
        "from ours.b import x",
        "from . import b",
        "def f():\n    from ours import b",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ours import b",
        "import importlib\ndef f():\n    importlib.import_module('ours.b')",
    ],
)
def test_the_survey_sees_every_kind_of_circle(package, imports):
    package("__init__.py", "")
    package("a.py", imports + "\n")
    package("b.py", "from ours import a\nx = 1\n")
    assert cycles(sources()) == [("ours/a.py", "ours/b.py")]


def test_the_survey_tells_explained_imports_and_broad_excepts(package):
    package(
        "a.py",
        "def f():\n    # heavy: only who asks for it pays\n    import json\n    import csv\n"
        "def g():\n    import json\n"
        "try:\n    pass\nexcept Exception:\n    pass\n"
        "try:\n    pass\nexcept BaseException:\n    raise\n"
        "try:\n    pass\nexcept (OSError, Exception):\n    pass\n",
    )
    found = survey()
    assert found.unexplained == ["ours/a.py:6"]
    assert found.broad == ["ours/a.py:9", "ours/a.py:17"]
    assert found.untested == ["ours/a.py"]
