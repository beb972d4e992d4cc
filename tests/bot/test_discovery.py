"""Finding: what fits best first, and thumbs weighed by how many they are."""

from bot.discovery import ranked, rating
from bot.memory.popularity import Popular
from characters.card import load_cast

CAST = load_cast()


def ids(**asked):
    return [c.id for c in ranked(CAST, asked.pop("counts", {}), asked.pop("made", {}), **asked)]


def test_a_name_comes_before_a_mention_in_a_description():
    assert ids(query="悟空")[0] == "wukong"
    assert ids(query="豬八戒")[0] == "bajie"
    assert len(ids(query="唐僧")) > 1  # others' cards speak of him
    assert ids(query="唐僧")[0] == "tangseng"
    assert ids(query="唐僧 如意金箍棒") == ["wukong"]
    assert ids(query="nobody at all") == []


def test_popular_is_by_people_here_and_new_by_when_it_was_made():
    counts = {"bajie": Popular(9, 2, 9, 2), "shaseng": Popular(3, 3, 3, 3)}
    assert ids(by="popular", counts=counts)[:2] == ["shaseng", "bajie"]
    assert ids(by="new", made={"guanyin": 5.0, "longma": 9.0})[:2] == ["longma", "guanyin"]


def test_one_thumb_does_not_beat_forty_of_fifty():
    assert rating(40, 10) > rating(1, 0) > rating(0, 0) == 0
    assert rating(1, 5) < rating(5, 1)
    counts = {"bajie": Popular(up=1), "shaseng": Popular(up=40, down=10)}
    assert ids(by="rated", counts=counts)[:2] == ["shaseng", "bajie"]
