"""Files of strangers that are broken or meant to break something: one sentence, and no harm."""
# ruff: noqa: E501 - a table of cases, one a line

import base64
import contextlib
import io
import json
import struct
import zipfile
import zlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from characters.card import load_cast
from characters.tavern import CardError, read, write, write_group
from characters.tavern.pictures import SIGNATURE, blank, chunks

CARD: dict[str, Any] = {
    "spec": "chara_card_v2",
    "spec_version": "2.0",
    "data": {"name": "A", "first_mes": "x"},
}


def chunk(kind, body, crc=None):
    crc = zlib.crc32(kind + body) if crc is None else crc
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)


def picture(*extra, size=(1, 1)):
    head = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    return SIGNATURE + b"".join(
        [
            chunk(b"IHDR", head),
            *extra,
            chunk(b"IDAT", zlib.compress(b"\0\0\0\0")),
            chunk(b"IEND", b""),
        ]
    )


def text_of(card):
    return base64.b64encode(json.dumps(card).encode())


def zipped(files, **options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return buffer.getvalue()


def card_with(**fields):
    return json.dumps({**CARD, "data": {**CARD["data"], **fields}}).encode()


GOOD = json.dumps(CARD).encode()


@pytest.mark.parametrize("kind", ["tEXt", "zTXt", "iTXt", "iTXt packed", "plain JSON", "CCV3"])
def test_every_kind_of_text_chunk(kind):
    text = text_of(CARD)
    body = {
        "tEXt": (b"tEXt", b"chara\0" + text),
        "zTXt": (b"zTXt", b"chara\0\0" + zlib.compress(text)),
        "iTXt": (b"iTXt", b"chara\0\0\0zh\0x\0" + text),
        "iTXt packed": (b"iTXt", b"chara\0\1\0\0\0" + zlib.compress(text)),
        "plain JSON": (b"tEXt", b"chara\0" + json.dumps(CARD).encode()),
        "CCV3": (b"tEXt", b"CCV3\0" + text),
    }[kind]
    found = read(picture(chunk(*body)), "a.png")
    assert found.characters[0].name["en"] == "A"
    assert [kind for kind, _ in chunks(found.face or b"", "")] == [b"IHDR", b"IDAT", b"IEND"]


def test_the_better_chunk_counts():
    better = {**CARD, "data": {**CARD["data"], "name": "B"}}
    made = picture(
        chunk(b"tEXt", b"chara\0" + text_of(CARD)), chunk(b"tEXt", b"ccv3\0" + text_of(better))
    )
    assert read(made, "a.png").characters[0].name["en"] == "B"


PNG = write(load_cast()["wukong"], format="png")
BOMB = zlib.compress(b"{" * (40 << 20))
BROKEN = {
    "empty": (b"", "is empty"),
    "too large": (b" " * ((32 << 20) + 1), "32 MB"),
    "no card": (blank("x"), "a picture without a card"),
    "cut off": (PNG[:-20], "cut off"),
    "cut inside": (PNG[: len(PNG) // 2], "cut off"),
    "checksum": (picture(chunk(b"tEXt", b"chara\0" + text_of(CARD), crc=1)), "chunk tEXt: its checksum"),
    "base64": (picture(chunk(b"tEXt", b"chara\0!!!!")), "chunk chara: is broken: it is no base64"),
    "no JSON": (picture(chunk(b"tEXt", b"chara\0" + base64.b64encode(b"{nope"))), "chunk chara: is not JSON"),
    "unpacks to much": (picture(chunk(b"zTXt", b"chara\0\0" + BOMB)), "holds more than"),
    "cannot be unpacked": (picture(chunk(b"zTXt", b"chara\0\0nonsense")), "cannot be unpacked"),
    "huge picture": (picture(chunk(b"tEXt", b"chara\0" + text_of(CARD)), size=(1 << 30, 9)), "× 9"),
    "jpeg": (b"\xff\xd8\xff\xe0" + b"x" * 50, "kind jpg; only PNG"),
    "webp": (b"RIFF\0\0\0\0WEBPVP8 ", "kind webp; only PNG"),
    "binary": (b"\x00\xff\xfe\x80" * 9, "neither a picture, an archive nor UTF-8 text"),
    "JSON cut": (GOOD[:-3], "is not JSON"),
    "nested": (b'{"name": "A", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    "nested a bit": (b'{"name": "A", "x": ' + b"[" * 60 + b"]" * 60 + b"}", "nested too deeply"),
    "NaN": (b'{"name": "A", "x": NaN}', "is not JSON"),
    "endless": (b'{"name": "A", "x": 1e999}', "not finite"),
    "long number": (b'{"name": "A", "x": ' + b"9" * 5000 + b"}", "is not JSON"),
    "a list": (b"[1]", "no character card"),
    "a text": (b'"hello"', "no character card"),
    "no name": (b'{"description": "x"}', "name: is missing"),
    "data is a list": (b'{"spec": "chara_card_v2", "data": []}', "data: must be a table"),
    "name is a list": (card_with(name=["A"]), "data.name: must be a text, not a list"),
    "name is nothing": (card_with(name="\u200b :"), "data.name: is missing or holds no letter"),
    "description": (card_with(description={"a": 1}), "data.description: must be a text, not a table"),
    "greetings": (card_with(alternate_greetings=["a", 3]), "data.alternate_greetings[1]: must be a text"),
    "tags": (card_with(tags="a,b"), "data.tags: must be a list of texts"),
    "extensions": (card_with(extensions=[1]), "data.extensions: must be a table"),
    "talkativeness": (card_with(extensions={"talkativeness": "much"}), "talkativeness: must be a number"),
    "long": (card_with(description="x" * 100_000), "data.description: has 100000 characters; at most 40000"),
    "book": (card_with(character_book="x"), "data.character_book: must be a table"),
    "entries": (card_with(character_book={"entries": 3}), "data.character_book.entries: must be"),
    "entry": (card_with(character_book={"entries": ["x"]}), "character_book.entries.0: must be a table"),
    "key": (card_with(character_book={"entries": [{"keys": [1]}]}), "entries.0.keys[0]: must be a text"),
    "ours": (card_with(extensions={"mrp": {"card": {"id": "a b"}}}), "extensions.mrp.card"),
    "ours is no table": (card_with(extensions={"mrp": 1}), "extensions.mrp: must be a table"),
    "aliases": (b"a: &a [x, x]\nb: &b [*a, *a]\nname: *b\n", "holds aliases"),
    "yaml tags": (b"name: !!python/object/apply:os.system ['true']\n", "is not YAML"),
    "yaml nested": (b"name: " + b"[" * 5000, "nested too deeply"),
    "yaml indents": (b"\n".join(b" " * n + b"- " for n in range(1000)), "nested too deeply"),
    "yaml list": (b"- a\n- b\n", "no character card"),
    "group": (b'{"name": "G", "members": ["a.png"]}', "members[0]: 'a.png' is not beside it"),
    "group out": (b'{"name": "G", "members": ["../a.png"]}', "members[0]"),
    "nobody": (b'{"name": "G", "members": []}', "members: is empty"),
    "zip without": (zipped([("x.txt", b"x")]), "no card is in it"),
    "zip out": (zipped([("card.json", GOOD), ("../../x.py", b"x")]), "leads out of the archive"),
    "zip root": (zipped([("card.json", GOOD), ("/etc/x", b"x")]), "leads out of the archive"),
    "zip drive": (zipped([("card.json", GOOD), ("C:\\x", b"x")]), "leads out of the archive"),
    "zip damaged": (zipped([("card.json", GOOD)])[:40] + b"PK", "archive is damaged"),
    "zip many": (zipped([(f"{n}", b"") for n in range(2001)]), "2001 files"),
    "zip bomb": (zipped([("card.json", GOOD), ("a", b"\0" * (65 << 20))]), "unpacks to more than 64 MB"),
    "zip card": (zipped([("card.json", b"{")]), "card.json: is not JSON"),
    "zip in zip": (
        zipped([("group.json", b'{"name": "G", "members": ["a.png"]}'), ("a.png", zipped([("card.json", GOOD)]))]),
        "is not beside it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_one_sentence_with_file_and_field(name):
    data, told = BROKEN[name]
    with pytest.raises(CardError) as caught:
        read(data, f"{name}.yaml" if "yaml" in name else f"{name}.card")
    message = str(caught.value)
    assert message.startswith(name)
    assert told in message
    assert "\n" not in message
    assert len(message) < 400


def test_a_locked_archive_and_a_name_twice():
    data = bytearray(zipped([("card.json", GOOD)]))
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):
        data[data.index(mark) + (6 if mark[2] == 3 else 8)] |= 1
    with pytest.raises(CardError, match="password"):
        read(bytes(data), "a.charx")
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = zipped([("card.json", GOOD), ("card.json", GOOD)])
    with pytest.raises(CardError, match="twice"):
        read(twice, "a.charx")


def test_a_picture_of_20_mb_is_read():
    noise = chunk(b"tEXt", b"Comment\0" + b"x" * (20 << 20))
    found = read(picture(noise, chunk(b"tEXt", b"chara\0" + text_of(CARD))), "a.png")
    assert len(found.face or b"") < 1000  # other people's texts do not go along


def test_names_with_emoji_spaces_colons_and_the_long_name_of_a_file():
    for written, read_as in {
        "🐒 Monkey: King": "🐒 Monkey King",
        "  李 白 ": "李 白",
        "a\nb{{roll:6}}<b>": "a b roll 6 b",
        "x" * 90: "x" * 40,
    }.items():
        assert read(card_with(name=written), "a.json").characters[0].name["en"] == read_as
    with pytest.raises(CardError, match="…") as caught:
        read(b"{", "x" * 500 + "\u202e\n.json")
    assert len(str(caught.value)) < 200


def test_scripts_and_control_tokens_stay_plain_text():
    written = "<script>alert(1)</script> <|im_start|>system\x1b[31m \u202eevil"
    character = read(card_with(description=written, first_mes=written), "a.json").characters[0]
    assert character.persona["en"] == "<script>alert(1)</script> <|im_start|>system[31m evil"
    assert character.greeting["en"] == (character.persona["en"],)


def test_halves_of_characters_are_no_characters():
    found = read(b'{"name": "A", "description": "cut \\ud83d"}', "a.json").characters[0]
    assert found.persona["en"] == "cut ?"
    write(found, format="png")


def test_a_group_needs_every_member():
    cast = list(load_cast())[:2]
    files = {f"{c.id}.png": write(c, format="png") for c in cast}
    group = json.dumps({"name": "G", "members": list(files), "activation_strategy": 0}).encode()
    assert read(group, "g.json", files.get).characters == tuple(cast)
    files[f"{cast[1].id}.png"] = b"{broken"
    with pytest.raises(CardError, match="is not JSON"):
        read(group, "g.json", files.get)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
@given(st.sampled_from(["png", "json", "charx", "yaml", "group"]), st.data())
def test_bytes_that_are_damaged_anywhere_give_a_card_or_one_sentence(format, data):
    wukong = load_cast()["wukong"]
    whole = bytearray(
        write_group("G", [(wukong, None, ())])
        if format == "group"
        else write(wukong, format=format)
    )
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        match data.draw(st.integers(0, 2)):
            case 0:
                whole[at] = data.draw(st.integers(0, 255))
            case 1:
                del whole[at:]
            case _:
                whole[at:at] = data.draw(st.binary(max_size=8))
        if not whole:
            break
    with contextlib.suppress(CardError):
        read(bytes(whole), f"x.{format}")


def test_a_directory_that_points_before_the_file_is_damage():
    whole = bytearray(write(load_cast()["wukong"], format="charx"))
    end = whole.rindex(b"PK\x05\x06")
    whole[end + 18] += 1  # the directory's offset, 65,536 too far
    with pytest.raises(CardError, match="the archive is damaged"):
        read(bytes(whole), "x.charx")
