"""Learning in the background: from whom, and from what not."""

import itertools

import pytest

from bot.learner import Learner
from bot.memory import Request, amending, new_id
from bot.people import People
from characters.turn import Turn

_numbers = itertools.count()


@pytest.fixture
async def learner(memory, play, cast):
    made = Learner(memory, play().room.shared.voice, cast, quiet=0.05)
    yield made
    await made.close()


async def said(memory, text, **how):
    """A turn as a room stores it. Returns the room's name, the person, and the turn."""
    number = next(_numbers)
    name, person = f"learner {number}", f"test:learner {number}"
    await memory.person(person).came(f"test:{name}", "小明")
    room = memory.room("test", name)
    request = Request(new_id(), person=person, name="小明", text=text, **how)
    await room.hear(request, Turn("小明", text), message=f"m{number}")
    return f"test:{name}", memory.person(person), room


async def test_what_is_asked_is_stored_at_once(memory, learner):
    name, person, room = await said(memory, "悟空，记住我怕水")
    learner.heard(name, False, room.turns)
    await learner.settle()
    (fact,) = (await person.known()).facts
    assert (fact.text, fact.pinned, fact.turn) == ("我怕水", True, room.turns[0].id)


@pytest.mark.parametrize("how", [{"forwarded": True}, {"personal": False}])
async def test_nothing_of_forwarded_words_or_shared_senders(memory, learner, how):
    name, person, room = await said(memory, "悟空，记住我怕水", **how)
    learner.heard(name, False, room.turns)
    await learner.settle()
    await learner.learned()
    assert (await person.known()).facts == ()


async def test_an_edited_message_is_learned_from_as_it_is_now(memory, play, cast):
    playing = play().room
    people = People(memory, playing.shared.voice, cast)
    name, person, room = await said(memory, "悟空，记住我怕水")
    people.heard(name, False, room.turns, playing.scene())
    await people.settle()
    message = room.turns[0].message
    amended = await amending.edit(room, message, "悟空，记住我怕火")
    await people.amended(amended, name, False)
    assert [fact.text for fact in (await person.known()).facts] == ["我怕火"]
    amended = await amending.delete(room, [message])
    await people.amended(amended, name, False)
    assert (await person.known()).facts == ()
    await people.close()


async def test_a_character_that_left_the_cast_is_named_by_its_id(learner):
    assert learner.name("wukong", "zh") == "孙悟空"
    assert learner.name("nobody", "zh") == "nobody"
