"""Every character has a face, and Discord is given it once."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from bot.platforms.discord.faces import FOLDER, Faces, emoji_name
from characters.faces.draw import FACES, SIZE
from tests.discord.conftest import World


def test_every_card_has_a_small_square_face(cast):
    assert {c.id for c in cast} <= {file.stem for file in FOLDER.glob("*.png")}
    for file in FOLDER.glob("*.png"):
        assert file.stat().st_size <= 20_000
        assert Image.open(file).size == (SIZE, SIZE)


@pytest.mark.parametrize("name", FACES)
def test_the_pictures_are_what_the_script_draws(name: str):
    drawn = FACES[name]().picture().convert("RGB")
    kept = Image.open(FOLDER / f"{name}.png").convert("RGB")
    pairs = zip(drawn.tobytes(), kept.tobytes(), strict=True)
    assert sum(abs(a - b) for a, b in pairs) / len(drawn.tobytes()) < 2


async def test_faces_are_uploaded_once(world: World):
    faces = Faces(world.cast)
    for _ in range(2):
        troupe = world.troupe()
        troupe.faces = faces = Faces(world.cast)
        await troupe.login(world.server.token)
        await faces.upload(troupe)
        await troupe.close()
    assert len(world.server.emojis) == len(world.cast)
    url = faces.url(world.cast["wukong"])
    assert url
    assert url.startswith("https://cdn.discordapp.com/emojis/")


def test_where_the_pictures_are_served_nothing_is_uploaded(cast):
    assert (
        Faces(cast, base="https://a.b/faces/").url(cast["bajie"]) == "https://a.b/faces/bajie.png"
    )


def test_a_card_of_ones_own_brings_its_face(cast, tmp_path: Path):
    (tmp_path / "wukong.png").write_bytes(b"other")
    own = Faces(cast, folders=(tmp_path, FOLDER))
    assert own._pictures["wukong"] == tmp_path / "wukong.png"
    assert own._pictures["bajie"] == FOLDER / "bajie.png"


def test_names_of_emojis_are_taken(cast):
    assert emoji_name("wukong", b"1") != emoji_name("wukong", b"2")
    assert len(emoji_name("猪" * 40, b"1")) <= 32
