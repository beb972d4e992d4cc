"""PNG pictures that carry a card in a text chunk, read and written chunk by chunk.

Only chunks are looked at: no pixel is decoded, so no picture can grow in memory.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
import zlib
from collections.abc import Iterator, Mapping

from characters.tavern.archive import leads_out
from characters.tavern.fields import plain, wrong
from characters.tavern.values import LARGEST_JSON

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CARD_KEYS = ("ccv3", "chara")  # the better one first
ASSET = "chara-ext-asset_:"
BLANK = "mrp-blank"  # beside a picture that stands for none: the seed of `blank`
LARGEST_SIDE = 16_384  # pixels
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_LARGEST_TEXT = LARGEST_JSON * 3 // 2  # base64 is a third longer
_LARGEST_TEXTS = 64 << 20  # characters of all texts together
_MOST_CHUNKS = 100_000

Chunk = tuple[bytes, bytes]  # kind, data


def chunks(data: bytes, where: str) -> Iterator[Chunk]:
    """The chunks of a PNG up to its end.

    Raises:
        CardError: it is cut off, or a checksum does not fit.
    """
    at, count = len(SIGNATURE), 0
    while True:
        count += 1
        head = data[at : at + 8]
        if len(head) < 8 or count > _MOST_CHUNKS:
            raise wrong(where, "", "the picture is cut off: its end (IEND) is missing")
        size, kind = struct.unpack(">I4s", head)
        body = data[at + 8 : at + 8 + size]
        check = data[at + 8 + size : at + 12 + size]
        name = plain(kind.decode("latin-1"))
        if len(body) < size or len(check) < 4:
            raise wrong(where, f"chunk {name}", "the picture is cut off inside it")
        if zlib.crc32(kind + body) != int.from_bytes(check, "big"):
            raise wrong(where, f"chunk {name}", "its checksum does not fit: the file is damaged")
        yield kind, body
        if kind == b"IEND":
            return
        at += 12 + size


def texts(data: bytes, where: str) -> dict[str, str]:
    """The text chunks of a PNG that belong to a card, by key; of several the first one.

    Raises:
        CardError: the picture is damaged, or a text cannot be unpacked.
    """
    found: dict[str, str] = {}
    left = _LARGEST_TEXTS
    for number, (kind, body) in enumerate(chunks(data, where)):
        if number == 0:
            _check_size(kind, body, where)
        if kind not in _TEXTS:
            continue
        key, _, rest = body.partition(b"\0")
        name = _key(key)
        if name.lower() in CARD_KEYS:
            name = name.lower()
        elif not name.startswith(ASSET) and name != BLANK:
            continue
        if name not in found:
            found[name] = _text(kind, rest, where, name)
            left -= len(found[name])
        if left < 0:
            raise wrong(where, "", f"its texts unpack to more than {_LARGEST_TEXTS >> 20} MB")
    return found


def assets(texts: Mapping[str, str], where: str) -> dict[str, bytes]:
    """The files among a card's text chunks, by name.

    Raises:
        CardError: one is no base64, or its name leads out of an archive.
    """
    found = {}
    for key, text in texts.items():
        if key.startswith(ASSET):
            name = key.removeprefix(ASSET)
            if leads_out(name):
                raise wrong(where, f"chunk {key[:80]}", "its name leads out of the file")
            found[name] = from_base64(re.sub(r"\s+", "", text), where, f"chunk {key[:80]}")
    return found


def _key(raw: bytes) -> str:
    """A chunk's key: Latin-1 by the standard, UTF-8 where a file's name is not."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _check_size(kind: bytes, body: bytes, where: str) -> None:
    if kind != b"IHDR" or len(body) != 13:
        raise wrong(where, "chunk IHDR", "the picture does not begin with its size")
    width, height = struct.unpack(">II", body[:8])
    if not 0 < width <= LARGEST_SIDE or not 0 < height <= LARGEST_SIDE:
        raise wrong(where, "", f"a picture of {width} × {height}; at most {LARGEST_SIDE} a side")


def _text(kind: bytes, rest: bytes, where: str, key: str) -> str:
    if kind == b"zTXt":
        return _unpacked(rest[1:], where, key).decode("latin-1")
    if kind == b"iTXt":
        packed, rest = rest[:1] == b"\1", rest[2:]
        rest = rest.partition(b"\0")[2].partition(b"\0")[2]  # language, translated key
        return (_unpacked(rest, where, key) if packed else rest).decode("utf-8", "replace")
    return rest.decode("latin-1")


def _unpacked(packed: bytes, where: str, key: str) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(packed, _LARGEST_TEXT)
    except zlib.error as problem:
        raise wrong(where, f"chunk {key}", "its text cannot be unpacked") from problem
    if not unpacker.eof:
        size = f"more than {_LARGEST_TEXT} bytes" if unpacker.unconsumed_tail else "only a part"
        raise wrong(where, f"chunk {key}", f"its packed text holds {size}")
    return text


def card_bytes(text: str, where: str, key: str) -> bytes:
    """The JSON in a card's text chunk: base64, or as some programs do, as it is.

    Raises:
        CardError: it is neither.
    """
    stripped = re.sub(r"\s+", "", text) if not text.lstrip().startswith("{") else text.strip()
    if stripped.startswith("{"):
        try:
            return stripped.encode("latin-1")  # a tEXt that holds UTF-8
        except UnicodeEncodeError:
            return stripped.encode("utf-8")
    return from_base64(stripped, where, f"chunk {key}")


def from_base64(text: str, where: str, field: str) -> bytes:
    """Raises: CardError: it is no base64."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as problem:
        raise wrong(where, field, "is broken: it is no base64") from problem


def bare(data: bytes, where: str) -> bytes:
    """The picture alone, without any text.

    Raises:
        CardError: the picture is damaged.
    """
    return _joined(chunk for chunk in chunks(data, where) if chunk[0] not in (*_TEXTS, b"eXIf"))


def with_texts(picture: bytes, cards: Mapping[str, bytes], where: str) -> bytes:
    """The picture with these text chunks, base64 each, before its end.

    Raises:
        CardError: it is no sound PNG.
    """
    kept = list(chunks(bare(picture, where), where))
    new = [
        (b"tEXt", key.encode("utf-8") + b"\0" + base64.b64encode(card))
        for key, card in cards.items()
    ]
    return _joined([*kept[:-1], *new, kept[-1]])


def _joined(parts: Iterator[Chunk] | list[Chunk]) -> bytes:
    return SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )


def blank(seed: str, side: int = 256) -> bytes:
    """A picture of one quiet colour, for a card without a face; the same for the same seed."""
    shade = zlib.crc32(seed.encode("utf-8", "replace"))
    colour = bytes(96 + (shade >> shift & 0x7F) for shift in (0, 8, 16))
    rows = (b"\0" + colour * side) * side
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return _joined([(b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")])


def picture_kind(data: bytes) -> str:
    """The ending of a picture's kind; "" when it is none that chats show."""
    if data.startswith(SIGNATURE):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return "gif" if data[:6] in (b"GIF87a", b"GIF89a") else ""
