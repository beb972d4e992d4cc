"""What goes wrong on the way from weights to a GGUF, said in one sentence."""

from __future__ import annotations


class QuantizeError(Exception):
    """Bad input to a verb of this package; the message names the file and what to do."""

    for_user = True


class ConvertError(QuantizeError):
    """A Hugging Face folder that cannot be turned into a GGUF."""


class ShrinkError(QuantizeError):
    """A GGUF that cannot be made smaller."""


class TextError(QuantizeError):
    """Lessons or plain text to measure with that are not there or cannot be read."""


class ImportanceError(QuantizeError):
    """An importance matrix that cannot be measured, read or used."""


class MeasureError(QuantizeError):
    """Files that cannot be compared."""


class FitError(QuantizeError):
    """A model or machine whose memory cannot be planned."""
