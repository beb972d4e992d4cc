"""What is wrong with a model that was named, said in one sentence."""

from __future__ import annotations


class HubError(Exception):
    """A model that is not known, cannot be fetched, or is not what was announced."""

    for_user = True
