"""A scene goes on from a question (ChatHaruhi's synthesis, step one).

A line of the book that somebody says to the character, or a question of a file, opens the scene;
stories of the character show the manner; about half of the scenes go on for several turns.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from characters.card import Character, Language
from characters.turn import Scene, Turn, safe_name
from trainer.synth.error import OptionError
from trainer.synth.faults import fault, tidy
from trainer.synth.harvest import Harvest, Task, lesson_row, provenance
from trainer.synth.ledger import Given, Ledger, NoAnswer
from trainer.synth.rouge import folded
from trainer.synth.shape import Choice, Items, Object, Shape, Text
from trainer.synth.teacher import Ask, Message
from trainer.synth.wording import language_of, say
from trainer.synth.world import Assignment, World, told

NAME = "continue"
TEMPERATURE = 0.7
STORIES = 3
_LONG = 5  # lines of a scene that goes on


@dataclass(frozen=True, slots=True)
class Opening:
    """What somebody says to the character, and where it is from."""

    language: Language
    asker: str
    question: str
    source: str


def tasks(world: World) -> list[Task]:
    """One call a task; `count` scenes a character.

    Raises:
        OptionError: there is nothing to start from, neither the book nor a file.
    """
    made: list[Task] = []
    for character in world.characters:
        for number, opening in enumerate(_openings(world, character)):
            key = f"{character.id}-{number:04}"
            work = Assignment(world, character, opening.language, NAME, key, TEMPERATURE)
            made.append(Task(key, partial(_continue, work, opening)))
    if not made:
        raise OptionError("nobody speaks to these characters in the book; give --questions FILE")
    return made


def _openings(world: World, character: Character) -> list[Opening]:
    """`count` openings, drawn from the file's questions, else from the book."""
    dice = world.dice(NAME, character.id)
    found: list[Opening] = []
    if world.options.questions:
        for one in world.asked_of(character, world.questions()):
            person = world.person(one.language, NAME, one.text)
            found.append(Opening(one.language, person, one.text, f"questions:{one.kind}"))
    else:
        for pair in world.pairs(character):
            if 4 <= len(pair.question) <= world.room // 3:
                language = language_of(pair.question)
                found.append(Opening(language, pair.asker, pair.question, pair.source))
    dice.shuffle(found)
    chosen = [one for one in found if one.language in world.languages]
    return chosen[: world.options.count]


async def _continue(work: Assignment, opening: Opening, ledger: Ledger) -> Harvest:
    harvest = Harvest()
    world, character, seed = work.world, work.character, work.seed
    examples, shown, sources = _stories(world, character, opening.source, work.key)
    messages, shape = _prompt(work, opening, examples)
    try:
        given = await ledger.ask(Ask(messages, shape, work.temperature, seed))
    except NoAnswer as problem:
        harvest.drop(f"no answer: {problem}", character=character.id, question=opening.question)
        return harvest
    turns = _kept(work, opening, given, shown, harvest)
    if len(turns) < 2:
        return harvest
    told_from = provenance(NAME, ledger, seed, [given], [opening.source, *sources])
    cast = [character]
    cast += [world.cast[t.speaker] for t in turns[:1] if t.side == "character"]
    scene = Scene(tuple(cast), tuple(turns[:-1]), language=opening.language)
    row = lesson_row(f"{NAME}-{work.key}", scene, character, turns[-1].text, told_from)
    harvest.rows.append(row)
    return harvest


def _prompt(
    work: Assignment, opening: Opening, examples: str
) -> tuple[tuple[Message, ...], Object]:
    """The messages, and the shape of the scene that is wanted."""
    language, room = opening.language, work.world.room
    # About half of the scenes go on; a small model's context holds no five long lines.
    on = work.world.dice(NAME, work.key).random() < 0.5
    most = min(_LONG, max(1, room // 80)) if on else 1
    words = {
        "name": work.name,
        "card": work.card,
        "asker": opening.asker,
        "turns": most - 1,
        "examples": examples,
    }
    # The answer has a key of its own: a teacher that may choose who is first lets the asker go on.
    shape: dict[str, Shape] = {"answer": Text(80)}
    if most > 1:
        line = Object({"speaker": Choice((work.name, opening.asker)), "text": Text(80)})
        shape["turns"] = Items(line, 1, most - 1)
    user = say(NAME, "user", language, asker=opening.asker, question=opening.question)
    system = say(NAME, "system" if most > 1 else "once", language, **words)
    return (Message("system", system), Message("user", user)), Object(shape)


def _kept(
    work: Assignment, opening: Opening, given: Given, shown: set[str], harvest: Harvest
) -> list[Turn]:
    """The opening and what follows, up to the first bad line and the character's last word."""
    world, character = work.world, work.character
    turns = [_turn(world, character, opening.asker, opening.question)]
    answer = {"speaker": work.name, "text": given.value["answer"]}
    for written in [answer, *given.value.get("turns", ())]:
        said = tidy(written["text"], character)
        own = written["speaker"] == work.name
        before = turns[-1].text
        wrong = fault(said, character, world.cast, opening.language, before) if own else ""
        if not wrong and folded(said) in shown:
            wrong = "copied from an example"
        if wrong:
            harvest.drop(wrong, character=character.id, reply=said, prompt=given.key)
            break
        turn = _turn(world, character, opening.asker, said, own=own)
        if turns[-1].speaker == turn.speaker:
            turns[-1] = Turn(turn.speaker, turns[-1].text + turn.text, turn.side)
        else:
            turns.append(turn)
    while turns and turns[-1].speaker != character.id:
        turns.pop()
    return turns


def _turn(world: World, character: Character, asker: str, text: str, *, own: bool = False) -> Turn:
    if own:
        return Turn(character.id, text, "character")
    for other in world.cast:
        if asker in (other.name.zh, other.name.en):
            return Turn(other.id, text, "character")
    return Turn(safe_name(asker), text, "human")


def _stories(
    world: World, character: Character, source: str, key: str
) -> tuple[str, set[str], list[str]]:
    """(examples as a script, the lines that they hold, their scenes); never the item's own."""
    pool = [s for s in world.stories(character) if f"canon:{s.scene}" != source]
    dice = world.dice(NAME, "stories", key)
    dice.shuffle(pool)
    room = world.room // 2
    lines: list[str] = []
    shown: set[str] = set()
    sources: list[str] = []
    for stretch in pool[:STORIES]:
        if room < 40:
            break
        sources.append(f"canon:{stretch.scene}")
        lines.append("###")
        for turn in stretch.turns[:6]:
            line = told(world.name(turn), turn.text, 60)
            room -= len(line)
            if room < 0:
                break
            lines.append(line)
            shown.add(folded(turn.text))
    return "\n".join(lines), shown, sources


def settle(world: World, harvest: Harvest) -> Harvest:
    """Nothing to look over."""
    return harvest
