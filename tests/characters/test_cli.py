"""`mrp character`: cards of other programs in and out, and all of an import or nothing."""

import io
import json

import pytest
from PIL import Image

import mrp
from characters.card import load_cast
from characters.tavern import Setting, read, write

CARD = {
    "spec": "chara_card_v2",
    "data": {
        "name": "Alice: of the 🌳",
        "description": 'She "reads"\n\tunder trees. \x7f',
        "first_mes": "Hello, {{user}}.",
        "system_prompt": "Speak in verse.",
        "character_book": {"entries": [{"keys": ["tree"], "content": "An oak."}]},
        "extensions": {"chub": {"id": 1}},
    },
}


@pytest.fixture
def alice(tmp_path):
    file = tmp_path / "alice.json"
    file.write_text(json.dumps(CARD), encoding="utf-8")
    return file


def test_check_says_what_is_in_it(alice, capsys, tmp_path):
    assert mrp.main(["character", "check", str(alice), "--json"]) == 0
    out = capsys.readouterr().out
    assert "alice.json: V2 card" in out
    assert "missing: brief, lines, style" in out
    assert "lorebook Alice of the 🌳: 1 entries" in out
    assert "extensions kept and not used: chub" in out
    assert json.loads(out.splitlines()[-1])["cards"][0]["characters"] == ["alice_of_the"]
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    assert mrp.main(["character", "check", str(alice), str(broken), str(tmp_path / "no")]) == 2
    told = capsys.readouterr()
    assert "alice.json" in told.out
    assert "broken.png: the picture is cut off" in told.err
    assert "no: cannot be read" in told.err


def test_a_card_comes_in_and_goes_out_without_loss(alice, tmp_path, capsys):
    folder = tmp_path / "cards"
    assert mrp.main(["character", "import", str(alice), "--to", str(folder)]) == 0
    (found,) = load_cast(folder)
    assert found == read(alice.read_bytes(), "alice.json").characters[0]
    out = ["character", "export", "alice_of_the", "--cast", str(folder), "--to", str(tmp_path)]
    assert mrp.main([*out, "--format", "json"]) == 0
    assert json.loads((tmp_path / "alice_of_the.json").read_bytes()) == CARD


def test_the_shipped_cast_goes_out_with_its_faces_and_comes_in_again(tmp_path):
    names = [character.id for character in load_cast()]
    assert mrp.main(["character", "export", *names, "--to", str(tmp_path / "out")]) == 0
    files = sorted(map(str, (tmp_path / "out").glob("*.png")))
    assert len(files) == len(names)
    assert mrp.main(["character", "import", *files, "--to", str(tmp_path / "in")]) == 0
    assert set(load_cast(tmp_path / "in")) == set(load_cast())
    assert list(load_cast(tmp_path / "in")) == list(load_cast())
    assert len(list((tmp_path / "in").glob("*.png"))) == len(names)


def test_a_group_as_one_file_and_as_sillytavern_keeps_it(tmp_path):
    cast = list(load_cast())[:2]
    export = ["character", "export", *(c.id for c in cast), "--group", "Journey"]
    assert mrp.main([*export, "--to", str(tmp_path)]) == 0
    assert read((tmp_path / "journey.zip").read_bytes(), "g.zip").characters == tuple(cast)
    (tmp_path / "groups").mkdir()
    (tmp_path / "characters").mkdir()
    for character in cast:
        (tmp_path / "characters" / f"{character.id}.png").write_bytes(
            write(character, format="png")
        )
    group = tmp_path / "groups" / "1.json"
    members = [f"{character.id}.png" for character in cast]
    group.write_text(json.dumps({"id": "1", "name": "Journey", "members": members}))
    assert mrp.main(["character", "import", str(group), "--to", str(tmp_path / "in")]) == 0
    assert set(load_cast(tmp_path / "in")) == set(cast)


def test_a_stage_set_goes_out_and_says_how_it_comes_in(tmp_path, capsys):
    lore = tmp_path / "town.json"
    lore.write_text(
        json.dumps({"name": "Town", "entries": {"0": {"key": ["inn"], "content": "x"}}})
    )
    export = ["character", "export", "wukong", "bajie", "--to", str(tmp_path), "--place", "庙"]
    assert mrp.main(export) == 2
    assert "give --group NAME" in capsys.readouterr().err
    more = ["--group", "Night", "--opening", "天黑了。", "--lore", str(lore), "--chapter", "27"]
    assert mrp.main([*export, *more]) == 0
    file = tmp_path / "night.zip"
    found = read(file.read_bytes(), file.name)
    assert (found.group, found.setting) == ("Night", Setting("庙", opening="天黑了。", chapter=27))
    assert [(book.name, book.owner) for book in found.lore] == [("Town", "")]
    assert mrp.main(["character", "check", str(file)]) == 0
    assert "place: 庙" in capsys.readouterr().out
    assert mrp.main(["character", "import", str(file), "--to", str(tmp_path / "in")]) == 0
    assert f"/stageset import {file} brings its place and lore" in capsys.readouterr().out
    assert mrp.main([*export, "--group", "x", "--opening", "长" * 5000]) == 2
    assert "--opening: has 5000 characters; at most 4000" in capsys.readouterr().err
    assert mrp.main([*export, "--group", "x", "--lore", str(tmp_path / "no.json")]) == 2
    assert "no.json: cannot be read" in capsys.readouterr().err


def test_the_files_of_a_charx_stay_with_its_card(tmp_path):
    alice = read(json.dumps(CARD).encode(), "alice.json").characters[0]
    assets = {"assets/background/b.webp": b"RIFF", "module.risum": b"\0\1"}
    out = io.BytesIO()
    Image.new("RGB", (300, 400), "navy").save(out, "WEBP")
    charx = tmp_path / "alice.charx"
    charx.write_bytes(write(alice, format="charx", face=out.getvalue(), assets=assets))
    folder = tmp_path / "in"
    assert mrp.main(["character", "import", str(charx), "--to", str(folder)]) == 0
    with Image.open(folder / "alice_of_the.png") as kept:  # a WebP is no picture of a PNG card
        assert kept.size == (256, 256)
    export = ["character", "export", "alice_of_the", "--cast", str(folder), "--to", str(tmp_path)]
    for format in ("charx", "png"):
        assert mrp.main([*export, "--format", format]) == 0
        found = read((tmp_path / f"alice_of_the.{format}").read_bytes(), f"a.{format}")
        assert assets.items() <= found.assets.items()


def test_all_of_an_import_or_nothing(alice, tmp_path, capsys):
    folder = tmp_path / "cards"
    broken = tmp_path / "broken.json"
    broken.write_text('{"name": []}')
    assert mrp.main(["character", "import", str(alice), str(broken), "--to", str(folder)]) == 2
    assert "broken.json: name: must be a text" in capsys.readouterr().err
    assert not folder.exists()
    assert mrp.main(["character", "import", str(alice), str(alice), "--to", str(folder)]) == 2
    assert not folder.exists()
    assert mrp.main(["character", "import", str(alice), "--to", str(folder)]) == 0
    assert mrp.main(["character", "import", str(alice), "--to", str(folder)]) == 2
    assert "--force" in capsys.readouterr().err
    assert mrp.main(["character", "import", str(alice), "--to", str(folder), "--force"]) == 0


def test_a_new_card(tmp_path, capsys):
    new = ["character", "new", "小白龙", "--greeting", "来了！", "--to", str(tmp_path)]
    assert mrp.main(new) == 2
    assert "one description, brief or persona" in capsys.readouterr().err
    assert mrp.main([*new, "--brief", "西海龙王三太子"]) == 0
    (found,) = load_cast(tmp_path)
    assert (found.name.zh, found.greeting.zh) == ("小白龙", ("来了！",))
    assert mrp.main(["character", "new", "a:b", "--greeting", "x", "--brief", "y"]) == 2
    assert "colons" in capsys.readouterr().err


def test_odd_orders(tmp_path, capsys):
    assert mrp.main(["character", "export", "nobody at all"]) == 2
    assert "nobody here answers" in capsys.readouterr().err
    face = tmp_path / "x.png"
    face.write_bytes(b"no picture")
    assert mrp.main(["character", "export", "wukong", "--face", str(face)]) == 2
    assert "is no PNG picture" in capsys.readouterr().err
    lore = tmp_path / "w.json"
    lore.write_text('{"entries": {}}')
    assert mrp.main(["character", "import", str(lore), "--to", str(tmp_path / "c")]) == 2
    assert "/lore import" in capsys.readouterr().err
