"""What the model's own probabilities tell, on models whose probabilities are known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from characters.card import Character, load_cast
from characters.turn import Scene, Turn
from evaluation import exam, grading, likelihoods
from evaluation.subject import Answer, Ask, Expect, FileSubject, leads

LEADS = leads(load_cast(), ["wukong", "tangseng", "bajie", "shaseng"])
ASKS = exam.build(LEADS, exam.read_questions(), size=exam.QUICK)


class Knows(FileSubject):
    """Prefers the first of the choices, or the last; finds one name likeliest."""

    def __init__(self, *, right: bool, name: str = "bajie") -> None:
        super().__init__({}, name="k")
        self._right = right
        self._next = name

    async def prefer(self, ask: Ask, replies: Sequence[str]) -> list[float] | None:
        order = range(len(replies), 0, -1) if self._right else range(len(replies))
        return [float(value) for value in order]

    async def opinion(self, ask: Ask, among: Sequence[Character]) -> list[float] | None:
        return [float(character.id == self._next) for character in among]


def told(done: int, of: int) -> None:
    """No progress."""


async def test_who_knows_gets_all_and_who_does_not_nothing() -> None:
    right = await likelihoods.knowledge(Knows(right=True), ASKS, told)
    wrong = await likelihoods.knowledge(Knows(right=False), ASKS, told)
    assert right is not None
    assert wrong is not None
    assert {value.value for value in right.values} == {1.0}
    assert {value.value for value in wrong.values} == {0.0}
    assert right.chance == 0.25


async def test_the_next_speaker_is_chosen_among_all_but_the_last() -> None:
    wukong = LEADS[0]
    scene = Scene((wukong, LEADS[2]), (Turn("wukong", "呆子！", "character"),))
    ask = Ask("b", "book", "b", scene, LEADS[2], 1, expect=Expect(kind="book", line="来了"))
    found = await likelihoods.turn_taking(Knows(right=True), [*ASKS, ask], told)
    assert found is not None
    assert [value.value for value in found.values] == [1.0]
    assert found.chance == 1 / 3


async def test_progress_is_told_and_a_file_has_no_likelihoods(tmp_path: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    scores = await grading.ask_likelihoods(
        Knows(right=True), ASKS, lambda what, done, of: steps.append((what, done, of))
    )
    assert scores is not None
    assert steps[-1][1] == steps[-1][2]
    assert steps[0][0] == "knows (choice)"
    silent = FileSubject({"x": Answer("")}, name="f")
    assert await grading.ask_likelihoods(silent, ASKS, lambda *step: None) is None
