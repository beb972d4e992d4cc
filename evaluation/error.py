"""What can be wrong with an examination, in one sentence for whoever asked for it."""

from __future__ import annotations


class EvaluationError(ValueError):
    """Input that cannot be examined; the message says what to do."""

    for_user = True
