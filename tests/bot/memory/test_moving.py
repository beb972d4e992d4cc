"""A room that gets another name goes on there."""

from bot.memory import Fact, Request, new_id
from characters.turn import Turn


async def test_all_of_it_moves_and_people_are_found_there(memory):
    person = memory.person("test:mover")
    await person.came("test:old one", "小明")
    room = memory.room("test", "old one")
    request = Request(new_id(), person=person.person, name="小明", text="一")
    await room.hear(request, Turn("小明", "一"), message="m1", cast=("wukong",), place="月下")
    await person.learn([Fact("我怕水", "test:old one")])
    assert await memory.move("test", "old one", "new one")
    there = memory.room("test", "new one")
    await there.look()
    assert [stored.turn.text for stored in there.turns] == ["一"]
    assert (there.state.cast, there.state.place) == (("wukong",), "月下")
    works, _ = await there.open()
    assert [work.id for work in works] == [request.id]
    assert (await person.export())["rooms"] == ["test:new one"]
    gone = await person.forget_everything()
    assert gone.turns == 1
    assert not await memory.move("test", "old one", "new one")
