"""PNG chunk by chunk: what is written is sound, and nothing of other people's texts stays."""

import struct
import zlib

import pytest

from characters.card import CardError
from characters.tavern.pictures import (
    ASSET,
    SIGNATURE,
    assets,
    bare,
    blank,
    card_bytes,
    chunks,
    from_base64,
    picture_kind,
    texts,
    with_texts,
)


def test_a_blank_picture_is_sound_and_the_same_for_the_same_seed():
    made = blank("wukong", 8)
    parts = dict(chunks(made, "x"))
    assert list(parts) == [b"IHDR", b"IDAT", b"IEND"]
    assert len(zlib.decompress(parts[b"IDAT"])) == 8 * (1 + 3 * 8)
    assert made == blank("wukong", 8) != blank("bajie", 8)


def test_texts_go_in_and_old_ones_go():
    once = with_texts(blank("x", 2), {"chara": b'{"a": 1}', "ccv3": b"{}"}, "x")
    twice = with_texts(once, {"chara": b"new"}, "x")
    assert set(texts(once, "x")) == {"chara", "ccv3"}
    assert {key: card_bytes(text, "x", key) for key, text in texts(twice, "x").items()} == {
        "chara": b"new"
    }
    assert bare(twice, "x") == blank("x", 2)


def test_what_stands_in_a_card_chunk():
    assert card_bytes("eyJh\nIjogMX0", "x", "chara") == b'{"a": 1}'
    assert card_bytes(' {"a": "\u00e4"} ', "x", "chara") == b'{"a": "\xe4"}'
    assert card_bytes('{"a": "\u732b"}', "x", "chara") == '{"a": "\u732b"}'.encode()
    with pytest.raises(CardError, match="x: here: is broken"):
        from_base64("?", "x", "here")


def test_which_picture_it_is():
    assert picture_kind(SIGNATURE) == "png"
    assert picture_kind(b"\xff\xd8\xff\xe0") == "jpg"
    assert picture_kind(b"RIFF\0\0\0\0WEBP") == "webp"
    assert picture_kind(b"GIF89a") == "gif"
    assert picture_kind(b"<svg>") == ""


def with_chunk(kind, body):
    made = blank("x", 2)
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return made[:-12] + chunk + made[-12:]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (b"tEXt", b"chara\0e30="),
        (b"zTXt", b"chara\0\0" + zlib.compress(b"e30=")),
        (b"iTXt", b"chara\0\0\0en\0chara\0e30="),
        (b"iTXt", b"chara\0\1\0\0\0" + zlib.compress(b"e30=")),
        (b"tEXt", b"Chara\0e30="),
    ],
)
def test_every_kind_of_text_chunk_is_read(kind, body):
    assert texts(with_chunk(kind, body), "x") == {"chara": "e30="}


def test_files_in_a_picture_come_out_and_none_leads_away():
    files = {"a/表情.png": b"1", "0": b""}
    made = with_texts(blank("x", 2), {f"{ASSET}{key}": data for key, data in files.items()}, "x")
    assert assets(texts(made, "x"), "x") == files
    for name in ("../x", "/etc/passwd", "C:\\x", "a/../../b"):
        with pytest.raises(CardError, match="its name leads out of the file"):
            assets({f"{ASSET}{name}": "e30="}, "x")


def test_many_small_texts_that_unpack_to_gigabytes_are_refused():
    made, packed = blank("x", 2), zlib.compress(b"0" * (9 << 20), 9)
    for number in range(9):
        key = f"{ASSET}{number}".encode()
        made = made[:-12] + with_chunk(b"zTXt", key + b"\0\0" + packed)[len(blank("x", 2)) - 12 :]
    assert len(made) < 1 << 20
    with pytest.raises(CardError, match="x: its texts unpack to more than 64 MB"):
        texts(made, "x")
