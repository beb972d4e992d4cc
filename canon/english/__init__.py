"""English dialogue: where the quotes are, and who says them.

marks      where quotes begin and end
grammar    who does what in a sentence of narration
cast       whose names there are, and he or she
evidence   what a paragraph tells about who speaks in it
dialogue   who speaks after whom: the likeliest run of turns
"""

from canon.english.attribution import Utterance, attribute_english
from canon.english.cast import Cast, cast_of, draft_english
from canon.english.marks import find_english, is_english, styles_of

__all__ = [
    "Cast",
    "Utterance",
    "attribute_english",
    "cast_of",
    "draft_english",
    "find_english",
    "is_english",
    "styles_of",
]
