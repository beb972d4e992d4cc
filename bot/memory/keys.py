"""The table of all that is kept in Redis. Version 1: every key begins with `mrp:1:`.

The keys of a room are `mrp:1:{room:PLATFORM:NAME}:…`, with both parts percent-encoded. They carry
the same hash tag, so that a turn is one transaction on Redis Cluster too.

All are erased when nobody has spoken in the room for 400 days.

`…:turns`, a stream of one entry a turn; the newest ~4,000 turns, until forgotten:
    s speaker (character id, or shown name) · t text · k side (h, c, n) · p person, PLATFORM:ID ·
    w witnesses (ids, space between; no field: everybody) · c "1" when broken off ·
    q "1" when whispered to these ·
    m the platform's id of a message · f "1" when it was forwarded ·
    n the id of the line or message, which makes writing it twice impossible
`…:state`, a hash of a few KB; until forgotten:
    cast (ids in the order they came on stage) · place · mood · note · aloud · chapter · paused ·
    language · summaries (JSON: who heard it, and in short what) ·
    summed (the newest turn they hold) ·
    mark (id of the newest turn that is trimmed from prompts) ·
    unasked (JSON: after how long, when and how often a character may speak first) ·
    reserved (ids of characters that speak only when called) ·
    choices (JSON: ways to go on that were offered) ·
    branches (JSON: at most 20 other ways that the talk went, each with its spans of turns and its
    scene) · branch (name of the one it is on) · hidden (first and last ids of turns not on it) ·
    epoch (begins anywhere, counts up whenever turns are taken away or changed)
`…:open`, a hash of what is to be done, until it is: id of a message or order -> JSON of who said
    it, what is left of it, and the process that sees to it; id of a line that is to be shown ->
    that process
`…:lines`, a hash of the newest 50 lines of characters: id -> JSON of speaker, versions (at most
    16), which is shown, places on the platform, passages of the book, person answered
`…:heard`, a sorted set of the newest 500 ids of messages of the platform -> when
`…:asked`, a stream of one entry a reply; the newest ~24, a week unused:
    l line · v version · d what the model read and wrote, and whom it read of (packed JSON)
`…:lore`, a hash of at most 24 lorebooks: folded name -> JSON of at most 1 MB; until the room is
    erased (`/forget room` leaves it)
`…:floor`, a text: the process that answers just now, where there are several; an hour
`…:learnt`, a text: the id of the newest turn that was looked through for facts; until forgotten

`mrp:1:rooms:PLATFORM`, a sorted set of the newest 50,000 rooms -> when they were last used
`mrp:1:place:PLATFORM:PLACE`, a set of the rooms of a place (a Discord server), and
    `mrp:1:places:PLATFORM`, a set of such places; until the bot is removed from there
`mrp:1:unasked:PLATFORM`, a set of the rooms in which a character may speak first
`mrp:1:workers:GROUP`, a sorted set of the processes that serve the same accounts -> when each last
    said that it is there; a day
`mrp:1:floor:NAME`, a text: the process that alone does something just now; an hour
`mrp:1:received:NAME`, the id of the newest event up to which a connection missed nothing; an hour

The keys of a person are `mrp:1:{person:PLATFORM:ID}:…`. The first four are kept under one of the
accounts of a person, the root, and for as many days as the person says (180) since they were last
used; then the hourly look erases them. By themselves all keys end 400 days after that.

`…:profile`, a hash: in_groups "0" (may not be remembered in groups) · shared "1" (what was said in
    private may be used in groups) · lessons "1" (may be taken as lessons) · aloud
    (whose answers are read aloud) · days (when not 180) ·
    accounts (at most 8) · leaving "1" (everything is being forgotten) · joining (roots that are
    being taken over) · clearing (roots that were, and are being deleted) · parting (accounts that
    become a person of their own)
`…:facts`, a hash of at most 200: number -> JSON of text (at most 300 characters), room, private,
    heard (character ids; none: all), sure (0..1), pinned, turn, at (seconds), by (account)
`…:bonds`, a hash of at most 128: CHARACTER, or `CHARACTER private` -> JSON of talks, first, last
    (seconds), summary (at most 300 characters)
`…:personas`, a hash of at most 64: room -> order, and who the person is there (500 characters)
`…:account`, a hash: self (the account that the four above are under, when it is not this one) ·
    days · name · language · seen (seconds) · many "1" (was in more rooms than are listed) ·
    news (what was done with another account, or a character, to be told)
`…:rooms`, a sorted set of at most 5,000: PLATFORM:NAME, and ` private` -> when the person was last
    there; as `account`
`…:attached`, a text: JSON of name and bytes (base64, 8 MB at most) of a file that the person sent;
    ten minutes
`…:tries`, a number: codes asked for and tried; ten minutes
`…:brought`, a set: PLATFORM:PLACE that the person brought the bot into; 400 days
`…:sessions`, a set of at most 20: hashes of the tokens that are signed in to the web pages; a week
`…:web`, a hash of at most 200: PLATFORM:NAME of a room that may be opened there -> JSON of title,
    moderator, until (seconds; 0: for good); 400 days
`…:sketch`, a text: JSON of the character that the person is making, and `…:picture`, one that was
    uploaded for it (base64); a day
`…:offer`, a text: the code of the offer that the account may say yes to; ten minutes

`mrp:1:{link:CODE}`, a hash: maker and taker (accounts), and who of them has seen the other side and
    said yes (maker_seen, maker_yes, taker_seen, taker_yes); ten minutes
`mrp:1:{login:HASH}`, a text: JSON of who a link signs in, with which room; ten minutes, read once
`mrp:1:{session:HASH}`, a text: JSON of who is signed in, with the token of their forms; a week
`mrp:1:studio`, a text: the address of the web pages; a minute and a half
`mrp:1:linking`, a text: who links accounts just now; until they have, a minute at most
`mrp:1:clock`, a hash: at (seconds), ticks, boot: the time by which people are forgotten
`mrp:1:erased`, a number: erasures since the append-only file was rewritten; until it is
`mrp:1:{feedback}:given`, a stream of at most ~5,000 and 180 days:
    kind (rate, choice, edit) · line · by person · people (whom the prompt holds) · d (packed JSON)

The keys of characters that people made are `mrp:1:{cast}:…`; until they are withdrawn, or the one
who made them is forgotten:
`…:cards`, a hash of at most 5,000: id -> JSON of card, owner, reach, place, waiting, made, changed,
    face (digest of the picture), names (folded, each with its scope)
`…:names`, a hash: SCOPE NAME -> id; the scope is `*`, a place, or an owner
`…:gone`, a hash of the newest 5,000 that were withdrawn: id -> JSON of name and emoji
`…:faces`, a hash: id -> the picture (PNG of at most 256 x 256, base64)
`…:places`, a hash: place -> JSON of what can be summoned there, and who may make characters
`…:version`, a number that every change counts up, and `…:changed`, a sorted set: id, or
    `place PLACE` -> the version that changed it last
`…:summons`, a hash: id, and id PLACE -> how often it was summoned; `…:people:ID` and
    `…:people:ID PLACE`, HyperLogLogs: by about how many people; `…:counted`, a sorted set of the
    newest 5,000 lines that were counted
`…:thumbs`, a hash: id up, id down -> how many; `…:thumb:DIGEST`, "1" or "-1": that thumb of
    somebody on a line; half a year
`…:reports`, a hash of at most 1,000: id PERSON -> JSON of place, why and at
`…:of:OWNER` and `…:at:PLACE`, sets of ids
`mrp:versions`, a set: the versions of this table that were ever written here; for ever
"""

from __future__ import annotations

import urllib.parse

VERSION = 1
# Keys of people and rooms live this many days longer than they are to be kept. What is to go is
# erased by the hourly look, which finds it everywhere and does not believe a clock that jumps; the
# server's own expiry believes any clock, so it is put off by more than a year's jump.
MARGIN_DAYS = 400
PREFIX = f"mrp:{VERSION}:"
VERSIONS = "mrp:versions"


# What a room is kept in, in the order in which room.lua takes it.
ROOM_PARTS = ("turns", "state", "open", "lines", "heard", "asked", "learnt")


# What is kept with a room that room.lua does not touch: it was not said there.
SET_UP_PARTS = ("lore",)


def set_up_keys(room: str) -> list[str]:
    """The keys of what a room was set up with; `room` is a tag."""
    return [room_key(room, part) for part in SET_UP_PARTS]


def room_keys(room: str) -> list[str]:
    """All keys of a room; `room` is a tag."""
    return [room_key(room, part) for part in ROOM_PARTS]


def gone_keys(room: str) -> list[str]:
    """Where what was said in a room stays for a minute after it was erased."""
    return [f"{room_key(room, part)}:gone" for part in ("turns", "lines", "state")]


def stream_order(entry_id: str) -> tuple[int, int]:
    """What the ids of stream entries are ordered by: (milliseconds, number). "" comes first."""
    ms, _, number = entry_id.partition("-")
    return int(ms or 0), int(number or 0)


def quoted(name: str) -> str:
    """A part of a key: any name, percent-encoded, so that it holds no `:` and no brace."""
    return urllib.parse.quote(name, safe="")


def tag(key: str) -> str:
    """`platform:name` of a room, or `platform:id` of a person, as it stands in a key."""
    platform, _, name = key.partition(":")
    return f"{quoted(platform)}:{quoted(name)}"


def unquoted(tag: str) -> str:
    """What `tag` was made of."""
    return urllib.parse.unquote(tag)


def person_key(person: str, part: str) -> str:
    return f"{PREFIX}{{person:{tag(person)}}}:{part}"


def room_key(room: str, part: str) -> str:
    """`room` is a tag."""
    return f"{PREFIX}{{room:{room}}}:{part}"


def room_of(key: str) -> str:
    """The tag of the room that a key belongs to."""
    return key.partition("{room:")[2].partition("}")[0]


def person_of(key: str) -> str:
    """The account (`platform:id`) that a key belongs to."""
    return unquoted(key.partition("{person:")[2].partition("}")[0])
