"""The table of all that is kept in Redis. Version 1: every key begins with `mrp:1:`.

The keys of a room are `mrp:1:{room:PLATFORM:NAME}:…`, with both parts percent-encoded. They carry
the same hash tag, so that a turn is one transaction on Redis Cluster too.

`…:turns`, a stream of one entry a turn; the newest ~4,000 turns, until forgotten:
    s speaker (character id, or shown name) · t text · k side (h, c, n) · p person, PLATFORM:ID ·
    w witnesses (ids, space between; no field: everybody) · c "1" when broken off ·
    n a mark that makes writing it twice impossible
`…:state`, a hash of less than 4 KB; until forgotten:
    cast (ids in the order they came on stage) · place · language · summary ·
    mark (id of the newest turn that is trimmed from prompts) ·
    epoch (counts up whenever turns are taken away)
"""

from __future__ import annotations

import urllib.parse

PREFIX = "mrp:1:"


def quoted(name: str) -> str:
    """A part of a key: any name, percent-encoded, so that it holds no `:` and no brace."""
    return urllib.parse.quote(name, safe="")
