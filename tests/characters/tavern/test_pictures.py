"""PNG chunk by chunk: what is written is sound, and nothing of other people's texts stays."""

import zlib

import pytest

from characters.card import CardError
from characters.tavern.pictures import (
    SIGNATURE,
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
