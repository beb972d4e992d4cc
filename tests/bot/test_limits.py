"""Fair use, with a clock of our own."""

import math

import pytest

from bot.limits import Limits, LimitsError, Rate, load_limits


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_a_burst_then_an_even_pace(clock):
    limits = Limits(Rate(3, 6), Rate(100, 100), clock=clock)
    assert [limits.admit("a:1", "r").allowed for _ in range(4)] == [True, True, True, False]
    verdict = limits.admit("a:1", "r")
    assert (verdict.why, verdict.wait_s) == ("person", pytest.approx(10))
    clock.now += 9.9
    assert not limits.admit("a:1", "r").allowed
    clock.now += 0.1
    assert limits.admit("a:1", "r").allowed
    assert not limits.admit("a:1", "r").allowed


def test_others_are_not_held_up(clock):
    limits = Limits(Rate(1, 1), Rate(100, 100), clock=clock)
    assert limits.admit("a:1", "r").allowed
    assert not limits.admit("a:1", "r").allowed
    assert limits.admit("a:2", "r").allowed


def test_a_room_has_its_own_bucket_and_a_refused_message_costs_nothing(clock):
    limits = Limits(Rate(2, 60), Rate(2, 6), clock=clock)
    assert limits.admit("a:1", "r").allowed
    assert limits.admit("a:2", "r").allowed
    assert limits.admit("a:3", "r").why == "room"
    assert limits.admit("a:3", "other").allowed  # the refusal took none of a:3's two
    assert limits.admit("a:3", "other").allowed


def test_a_person_is_told_once_until_heard_again(clock):
    limits = Limits(Rate(1, 60), Rate(100, 100), clock=clock)
    limits.admit("a:1", "r")
    assert [limits.admit("a:1", "r").tell for _ in range(3)] == [True, False, False]
    clock.now += 1
    assert limits.admit("a:1", "r").allowed
    assert limits.admit("a:1", "r").tell


def test_the_blocked_are_never_heard_and_not_told(clock):
    limits = Limits(blocked=frozenset({"discord:13", "irc:*"}), clock=clock)
    for person in ("discord:13", "irc:anybody"):
        verdict = limits.admit(person, "r")
        assert (verdict.allowed, verdict.why, verdict.tell) == (False, "blocked", False)
    assert limits.admit("discord:1", "r").allowed
    assert limits.admit("ircx:1", "r").allowed


def test_never_a_minute_is_never(clock):
    limits = Limits(Rate(1, 0), Rate(9, 9), clock=clock)
    limits.admit("a:1", "r")
    clock.now += 1e9
    assert limits.admit("a:1", "r").wait_s == math.inf


def test_who_has_not_asked_for_long_is_forgotten(clock):
    limits = Limits(Rate(2, 60), Rate(1e9, 1e9), clock=clock)
    for number in range(5000):
        limits.admit(f"a:{number}", f"r{number}")
        clock.now += 1
    assert len(limits._people) < 1100
    assert len(limits._rooms) < 1100


def test_a_file_changes_what_it_names(tmp_path, clock):
    file = tmp_path / "limits.toml"
    file.write_text('blocked = ["discord:1"]\nperson = { burst = 2 }\n')
    limits = load_limits(file, clock=clock)
    assert limits.person == Rate(2, 12)
    assert limits.room == Limits().room
    assert limits.is_blocked("discord:1")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("blocked = 3", "blocked: must be a list"),
        ('blocked = ["13"]', "platform:id"),
        ("person = 3", "person: must be"),
        ("person = { burst = 0 }", "person.burst: must be 1 or more"),
        ("room = { per_minute = -1 }", "room.per_minute: must be a number"),
        ("room = { per_hour = 1 }", "room.per_hour: unknown key"),
        ("house = 1", "unknown key 'house'"),
        ("=", "cannot be read"),
    ],
)
def test_a_broken_file_is_one_clear_sentence(tmp_path, text, says):
    file = tmp_path / "limits.toml"
    file.write_text(text)
    with pytest.raises(LimitsError, match=says):
        load_limits(file)
