"""What can go wrong while lessons are made or imported: one tree, each with a sentence to show."""

from __future__ import annotations


class SynthError(Exception):
    """Base of all that this package raises on purpose."""

    for_user = True


class FormatError(SynthError):
    """A file of another project that is not in the format it should be; file and row are named."""


class TeacherError(SynthError):
    """The teacher cannot be asked, or does not answer."""


class OptionError(SynthError):
    """A choice on the command line that cannot be followed."""
