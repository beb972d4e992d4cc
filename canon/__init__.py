"""The book: who says what, what happened, and what a character can know by now.

    book = read_book(path)                      # chapters, offsets kept
    table = table_of(book)                      # the shipped alias table, or names discovered
    quotes = attribute(book, table)             # who says what, to whom, how sure
    scenes = find_scenes(book, quotes, table)   # turns with narration, participants, place
    build(book, table, folder)                  # all of it and a search index, on disk
    canon = Canon.open(folder)                  # at once; canon.as_of(27).search("…")

Nothing in the code is about one novel: what is known of a book is data in `canon/books`.
"""

from canon.book import Book, Section, read_book
from canon.canon import Canon, Found, Hit
from canon.error import CanonError
from canon.folder import Built, build
from canon.names import NameTable, read_table
from canon.scenes import BookScene, BookTurn, find_scenes, read_scenes
from canon.speakers import Quote, attribute, table_of

__all__ = [
    "Book",
    "BookScene",
    "BookTurn",
    "Built",
    "Canon",
    "CanonError",
    "Found",
    "Hit",
    "NameTable",
    "Quote",
    "Section",
    "attribute",
    "build",
    "find_scenes",
    "read_book",
    "read_scenes",
    "read_table",
    "table_of",
]
