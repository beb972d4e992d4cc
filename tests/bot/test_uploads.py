"""Files of messages: what each of them says, and which are not even fetched."""

import io
import json

import pytest
from PIL import Image

from bot.memory.sketches import taken_picture
from bot.uploads import Upload, taken_in
from characters.pictures import PictureError
from characters.tavern import read, write, write_group
from tests.bot.conftest import Play

CARD = json.dumps({"name": "墨龙", "description": "小龙。", "first_mes": "来也！"}).encode()
LORE = json.dumps({"name": "西域", "entries": {}}).encode()
MAKING = "/角色 创建 小墨龙 | 墨龙来也！ | 一条小龙。"


def photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 200), "navy").save(out, "PNG")
    return out.getvalue()


def card_png() -> bytes:
    return write(read(CARD, "card.json").characters[0], format="png")


def group_zip() -> bytes:
    return write_group("戏", [(read(CARD, "card.json").characters[0], None, ())])


class Sent:
    """A file that somebody sends; `fetched` says whether anybody asked for its bytes."""

    def __init__(self, name: str, data: bytes, size: int | None = None) -> None:
        self.fetched = False
        self.data = data
        self.upload = Upload(name, len(data) if size is None else size, self._fetch)

    async def _fetch(self) -> bytes:
        self.fetched = True
        return self.data

    async def says(self, p: Play, text: str = "", *, called: bool = False) -> str:
        return await taken_in(p.room, "test:小明", self.upload, text, called=called)


@pytest.mark.parametrize(
    ("name", "held", "text", "said", "fetched"),
    [
        ("molong.json", CARD, "", "/character import", True),
        ("molong.png", card_png(), "", "/character import", True),
        ("world.json", LORE, "", "/lore import", True),
        ("戏.zip", group_zip(), "", "/stageset import", True),
        ("molong.json", CARD, "悟空，看这个", "悟空，看这个", False),
        ("molong.json", CARD, "/角色 导入", "/角色 导入", True),
        ("notes.txt", CARD, "", "", False),
        ("photo.jpg", photo(), "", "", False),
        ("photo.jpg", photo(), "/召唤 悟空", "/召唤 悟空", False),
        ("photo.jpg", photo(), MAKING, MAKING, True),
    ],
)
async def test_what_a_file_says(play, name, held, text, said, fetched):
    sent = Sent(name, held)
    assert await sent.says(play(), text) == said
    assert sent.fetched == fetched


async def test_a_picture_alone_is_for_who_makes_a_character(play):
    p = play()
    sent = Sent("photo.jpg", photo())
    assert await sent.says(p, called=True) == ""
    await p.say(MAKING)
    assert await sent.says(p) == ""  # said to all: it is a picture like any other
    assert await sent.says(p, called=True) == "/character picture"
    await p.say("/character picture")
    assert "有图像" in p.notice
    await p.say("/角色 放弃", "/角色 创建", "/角色 图像")
    assert "图像收下了" not in p.notice  # none was sent
    assert "叫什么名字" in p.notice
    assert await sent.says(p) == "/character picture"  # who is asked for fields here
    await p.say("/character picture")
    assert "图像收下了" in p.notice
    assert "叫什么名字" in p.notice


async def test_a_picture_of_a_card_beside_an_order_that_makes_is_its_face(play):
    p = play()
    assert await Sent("face.png", card_png()).says(p, MAKING) == MAKING
    assert await taken_picture(p.room.shared.memory, "test:小明")


@pytest.mark.parametrize(
    ("held", "size", "told"), [(b"none", None, "那不是图像"), (photo(), 9 << 20, "9 MB，最多 8 MB")]
)
async def test_what_is_no_picture_is_one_sentence(play, held, size, told):
    with pytest.raises(PictureError) as problem:
        await Sent("face.png", held, size).says(play(), MAKING)
    assert told in problem.value.told("zh")


async def test_a_picture_goes_with_the_character_that_it_was_for(play):
    """What was given up gives nobody else a face: neither the next one, nor one that is changed."""
    p = play()
    await p.say(MAKING, "/角色 保存 私用", "/角色 创建")
    await Sent("photo.jpg", photo()).says(p)
    await p.say("/角色 放弃")
    (entry,) = p.room.shared.casts.entries()
    for order in (f"/角色 修改 {entry.character.name.zh} | 语气：慢", "/角色 创建 小砚 | 来 | 砚"):
        await p.say(order)
        assert "还没有保存" in p.notice
        assert "有图像" not in p.notice
