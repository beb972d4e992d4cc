"""English dialogue: marks of every usage, and who speaks."""

from __future__ import annotations

from pathlib import Path

import pytest

from canon import Canon, attribute, build, read_book, table_of
from canon.english import is_english, styles_of

# Speaker of each quote, in order, "" for words that are only quoted.
PARAGRAPHS: list[tuple[str, list[str]]] = [
    ("“You’re late,” said Agnes. “The boys’ supper is cold.”", ["Agnes", "Agnes"]),
    (
        "“I couldn’t help it,” Captain Rudd replied, hanging up his coat. “The bridge was out.”",
        ["Rudd", "Rudd"],
    ),
    ("“Out?”", ["Agnes"]),
    ("“Washed away. ‘Never again,’ I told the ferryman, and he laughed.”", ["Rudd"]),
    ("Agnes put down her spoon. “Then how did you cross?”", ["Agnes"]),
    ("“I swam,” he said.", ["Rudd"]),
    ("“You swam!” she cried. “At your age!”", ["Agnes", "Agnes"]),
    ("Tobias looked up from his book and said, “May I see the river, sir?”", ["Tobias"]),
    ("“Certainly not,” snapped Agnes.", ["Agnes"]),
    ("They called it the “long water” in those parts, and nobody fished there.", [""]),
    ("“To-morrow, perhaps,” said Rudd, “if it’s dry. We’ll see,” he added.", ["Rudd"] * 2),
    ("“Mr. Rudd, you’ll do no such thing!” Agnes exclaimed.", ["Agnes"]),
]


def text(style: str) -> str:
    story = "\n\n".join(paragraph for paragraph, _ in PARAGRAPHS)
    if style == "straight":
        story = story.translate(str.maketrans("“”‘’", "\"\"''"))
    if style in ("british", "british straight"):
        swapped = story.replace("‘", "\x01").replace("Never again,’", "Never again,\x02")
        story = (
            swapped.replace("“", "‘").replace("”", "’").replace("\x01", "“").replace("\x02", "”")
        )
    if style == "british straight":
        story = story.translate(str.maketrans("“”‘’", "\"\"''"))
    return f"CHAPTER I. Home\n\n{story}\n\nCHAPTER II. Again\n\n{story}\n"


@pytest.mark.parametrize("style", ["curly", "straight", "british", "british straight"])
def test_everybody_speaks_in_every_usage(style: str, tmp_path: Path) -> None:
    path = tmp_path / "n.txt"
    path.write_text(text(style), encoding="utf-8")
    book = read_book(path)
    assert is_english(book)
    quotes = attribute(book, table_of(book))
    gold = [name for _ in (1, 2) for _, names in PARAGRAPHS for name in names]
    assert [quote.speaker for quote in quotes] == gold
    assert [quote.kind for quote in quotes] == ["speech" if name else "text" for name in gold]
    for quote in quotes:
        section = book.section(quote.section)
        assert "".join(quote.text.split()) in "".join(section.text[quote.start : quote.end].split())


def test_blanks_beside_inner_marks_stay(tmp_path: Path) -> None:
    path = tmp_path / "n.txt"
    path.write_text(text("curly"), encoding="utf-8")
    book = read_book(path)
    said = [quote.text for quote in attribute(book, table_of(book))]
    assert "Washed away. ‘Never again,’ I told the ferryman, and he laughed." in said


def test_mr_and_mrs_of_one_name_are_two_and_full_names_are_one(tmp_path: Path) -> None:
    story = (
        "“Sit,” said Mr. Hale.\n\n“Gladly,” said Mrs. Hale.\n\n“I too,” said Ruth Amory.\n\n"
        "“And tea?” asked Ruth.\n\n"
    )
    path = tmp_path / "n.txt"
    path.write_text(f"Chapter One\n\n{story}Chapter Two\n\n{story}", encoding="utf-8")
    book = read_book(path)
    said = [quote.speaker for quote in attribute(book, table_of(book)) if quote.section == 1]
    assert said == ["Mr. Hale", "Mrs. Hale", "Ruth", "Ruth"]


def test_a_speech_of_several_paragraphs_stays_one_speakers(tmp_path: Path) -> None:
    story = (
        "“First,” said Ann, “we row.\n\n“Then we walk.\n\n“Then we sleep.”\n\n“Yes,” said Ben.\n\n"
    )
    path = tmp_path / "n.txt"
    path.write_text(f"Chapter 1\n\n{story}Chapter 2\n\n{story}", encoding="utf-8")
    book = read_book(path)
    said = [quote.speaker for quote in attribute(book, table_of(book)) if quote.section == 1]
    assert said == ["Ann", "Ann", "Ann", "Ann", "Ben"]


def test_an_english_novel_is_built_and_searched(tmp_path: Path) -> None:
    path = tmp_path / "n.txt"
    path.write_text(text("curly"), encoding="utf-8")
    book = read_book(path)
    built = build(book, table_of(book), tmp_path / "canon")
    assert built.undecided == 0
    canon = Canon.open(tmp_path / "canon")
    hits = canon.search("Who swam across when the bridge was out?", k=2).passages
    assert "bridge was out" in hits[0].text
    assert "Agnes" in canon.present(1)


def test_the_mark_that_opens_most_speeches_is_the_books(tmp_path: Path) -> None:
    for style, mark in (("curly", "“"), ("straight", '"'), ("british", "‘")):
        path = tmp_path / f"{mark}.txt"
        path.write_text(text(style), encoding="utf-8")
        assert styles_of(read_book(path))[0] == mark


MILL = """It was raining when Eleanor Voss reached the mill. “Is anyone there?” she called.

No one answered at first; then a boy put his head out of the loft.

“Thank you,” said Eleanor.

Jem Harker was mending a net by the window. “Shut the door,” he growled. “There’s a draught.”

“I’m looking for my letters, Mr. Harker,” Eleanor began. “They told me at the inn—”

“They tell all sorts of things at the inn.”

“So there are none?”

“I didn’t say that.” Harker laid the net aside. “What’s it worth to you?”

"""
SPEAKERS = ["Eleanor", "Eleanor", "Harker", "Harker", "Eleanor", "Eleanor", "Harker", "Eleanor"]
SPEAKERS += ["Harker", "Harker"]


@pytest.mark.parametrize("straight", [False, True])
def test_he_is_whom_the_paragraph_is_about_and_bare_lines_go_by_turns(
    straight: bool, tmp_path: Path
) -> None:
    told = "".join(f"CHAPTER {n}\n\n{MILL}" for n in ("ONE", "TWO"))
    told = told.translate(str.maketrans("“”‘’", "\"\"''")) if straight else told
    (tmp_path / "n.txt").write_text(told, encoding="utf-8")
    book = read_book(tmp_path / "n.txt")
    table = table_of(book)
    assert {person.name for person in table.people} == {"Eleanor", "Harker"}
    said = [quote.speaker for quote in attribute(book, table) if quote.section == 2]
    assert said == SPEAKERS
