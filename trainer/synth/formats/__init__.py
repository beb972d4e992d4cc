"""Files of other projects, read and written: one module a format, one value for all of them."""

from trainer.synth.formats.catalogue import FORMATS, Format, read, write
from trainer.synth.formats.dialogue import Dialogue, Utterance

__all__ = ["FORMATS", "Dialogue", "Format", "Utterance", "read", "write"]
