"""Files of other projects, read and written: one module a format, one value for all of them."""

from trainer.synth.formats.catalogue import FORMATS, Format, read, write
from trainer.synth.formats.dialogue import Dialogue, Line

__all__ = ["FORMATS", "Dialogue", "Format", "Line", "read", "write"]
