"""The faces that ship are the ones that the code draws."""

from pathlib import Path

import pytest
from PIL import Image, ImageChops

from characters.card import load_cast
from characters.faces import draw

FACES = Path(draw.__file__).parent


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("faces")
    draw.main([str(folder)])
    return folder


@pytest.mark.parametrize("character", [c.id for c in load_cast()])
def test_each_of_the_cast_has_a_face_as_drawn(drawn, character):
    new = Image.open(drawn / f"{character}.png").convert("RGB")
    kept = Image.open(FACES / f"{character}.png").convert("RGB")
    assert new.size == kept.size == (draw.SIZE, draw.SIZE)
    # Another version of the drawing library may round an edge differently.
    difference = ImageChops.difference(new, kept).convert("L")
    assert sum(difference.histogram()[32:]) < 0.01 * draw.SIZE**2


def test_no_two_faces_are_alike(drawn):
    pictures = {file.read_bytes() for file in drawn.glob("*.png")}
    assert len(pictures) == len(load_cast())
