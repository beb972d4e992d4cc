"""Learning in the background: from whom, and from what not."""

import itertools

import pytest

from bot.learner import Learner
from bot.learning import ask_for_facts
from bot.memory import Request, amending, new_id
from bot.people import People
from characters.markup import CHATML
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


_FACTS = ask_for_facts("", "zh", CHATML)[1].text


@pytest.mark.parametrize("tasks", [(), ("facts",), ("bonds",), ("facts", "bonds")])
async def test_the_model_is_asked_only_what_it_can(memory, play, cast, tasks):
    p = play()
    p.room.shared.voice.tasks = frozenset(tasks)
    learner = Learner(memory, p.room.shared.voice, cast, quiet=0.05)
    name, person, room = await said(memory, "我家在扬州。")
    for _ in range(4):
        await person.talked(["wukong"], private=False, since=name)
    learner.heard(name, False, room.turns)
    await learner.learned()
    await learner.close()
    asked = {task for p in p.prompts for task in ["facts" if _FACTS in p else "bonds"]}
    assert asked == set(tasks)


async def test_each_line_is_read_by_itself_and_once(memory, play, cast):
    """Also where somebody speaks meanwhile: what was read before is not read again."""
    spoken = []

    def script(prompt):
        if "我家在扬州" in prompt.rpartition("user")[2]:
            return '[{"fact": "我家在扬州", "sure": 9}]'
        if not spoken:
            spoken.append(prompt)
            reader.interrupt()
        return '[{"fact": "我从小怕打雷", "sure": 9}]'

    p = play(script)
    reader = Learner(memory, p.room.shared.voice, cast, quiet=0.05)
    name, person, room = await said(memory, "我家在扬州。")
    request = Request(new_id(), person=person.person, name="小明", text="悟空，我从小怕打雷。")
    await room.hear(request, Turn("小明", "悟空，我从小怕打雷。"), message="another")
    reader.heard(name, False, room.turns)
    await reader.learned()
    await reader.close()
    facts = {fact.text for fact in (await person.known()).facts}
    assert facts == {"我家在扬州", "我从小怕打雷"}
    lines = [prompt.rpartition("user\n")[2].partition("<")[0] for prompt in p.prompts]
    assert lines == ["我家在扬州。", "我从小怕打雷。", "我从小怕打雷。"]


async def test_a_character_that_left_the_cast_is_named_by_its_id(learner):
    assert learner.name("wukong", "zh") == "孙悟空"
    assert learner.name("nobody", "zh") == "nobody"
