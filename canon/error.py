"""What can go wrong with a book, as one tree.

Every one of these is caused by what a person handed in (a file, a folder, a word on the
command line), so each carries `for_user = True`: the front door prints the sentence and
leaves with status 2 instead of showing a traceback.
"""

from __future__ import annotations


class CanonError(Exception):
    """Base of everything that the package raises on purpose."""

    for_user = True


class BookUnreadable(CanonError):
    """The novel cannot be read: missing, of a kind that is not read, too large, or empty."""


class NoChapters(CanonError):
    """No line of the novel looks like a chapter heading."""


class NoQuotes(CanonError):
    """The novel has no quotation marks that we know."""


class BadNameTable(CanonError):
    """An alias table (`canon/books/*.toml` or a person's own) has a key or value we cannot use."""


class FolderUnreadable(CanonError):
    """A canon folder is missing, incomplete, or written by another version."""


class UnknownCharacter(CanonError):
    """A character was asked for whom the book does not know."""


class ChapterOutOfRange(CanonError):
    """A chapter was asked for that the book does not have."""
