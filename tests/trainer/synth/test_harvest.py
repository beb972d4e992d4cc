"""What a method brings in."""

from __future__ import annotations

from trainer.synth.harvest import Harvest, asked, seed_of


def test_reasons_are_counted_without_their_details() -> None:
    harvest = Harvest()
    harvest.drop("gives away: 电池", reply="x")
    harvest.drop("gives away: 手机")
    harvest.drop("empty")
    other = Harvest(rows=[{"id": "a"}])
    other.add(harvest)
    assert other.reasons() == {"gives away": 2, "empty": 1}
    assert other.rows == [{"id": "a"}]


def test_seeds_are_the_same_everywhere_and_tell_parts_apart() -> None:
    assert seed_of("qa", "wukong", 1) == seed_of("qa", "wukong", 1)
    assert seed_of("ab", "c") != seed_of("a", "bc")
    assert all(0 <= seed_of(n, "\ud800") < 2**31 for n in range(50))


def test_a_person_asks() -> None:
    turn = asked("阿梅", "谁？")
    assert (turn.speaker, turn.text, turn.side) == ("阿梅", "谁？", "human")
