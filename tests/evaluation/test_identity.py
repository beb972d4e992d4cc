"""The identity measure, held to voices that are right, wrong, mute and talkative."""

from __future__ import annotations

from collections.abc import Callable

from characters.card import load_cast
from characters.style import Serving
from engine.echo import EchoEngine
from evaluation import identity

CAST = load_cast()


def speaker_of(prompt: str) -> str:
    """The name at the very end of a prompt."""
    return prompt.rsplit("\n", 1)[-1].rstrip("：:")


SELF = {"孙悟空": "老孙便是", "唐僧": "贫僧稽首", "猪八戒": "老猪在此", "沙僧": "老沙有礼"}


async def measured(script: Callable[[str], str]) -> dict[str, object]:
    engine = EchoEngine(script, context=10_000)  # its tokens are bytes
    answers = await identity.ask(engine, Serving(), CAST, samples=6, language="zh", seed=1)
    await engine.close()
    return identity.summary(answers)


async def test_who_names_themselves_is_right() -> None:
    result = await measured(lambda prompt: SELF[speaker_of(prompt)])
    assert result["right"] == 1.0
    assert result["n"] == 24
    assert result["wrong"] == []


async def test_who_calls_themselves_as_another_does_is_wrong() -> None:
    result = await measured(lambda prompt: SELF["猪八戒"])
    shares = result["characters"]
    assert isinstance(shares, dict)
    assert shares["bajie"]["right"] == 1.0
    assert shares["wukong"]["right"] == shares["tangseng"]["right"] == 0.0


async def test_a_line_that_is_said_as_another_is_asked_for_once_more_as_a_room_does() -> None:
    said: dict[str, int] = {}

    def script(prompt: str) -> str:
        who = speaker_of(prompt)
        said[prompt] = said.get(prompt, 0) + 1
        return "贫僧沙悟净" if who == "沙僧" and said[prompt] % 2 == 1 else SELF[who]

    result = await measured(script)
    shares = result["characters"]
    assert isinstance(shares, dict)
    assert (shares["shaseng"]["right"], shares["shaseng"]["in_a_room"]) == (0.0, 1.0)
    assert (result["right"], result["in_a_room"]) == (0.75, 1.0)
    stubborn = await measured(lambda prompt: "老孙老猪都来了")
    assert stubborn["in_a_room"] == 0.0


async def test_naming_oneself_does_not_excuse_the_words_of_another() -> None:
    result = await measured(lambda prompt: "我是孙悟空，贫僧稽首")
    shares = result["characters"]
    assert isinstance(shares, dict)
    assert shares["wukong"]["right"] == 0.0


def test_in_english_too_a_word_of_anothers_own_makes_an_introduction_wrong() -> None:
    def said(who: str, text: str) -> bool:
        selves = identity.selves_of(CAST[who])
        return identity.Introduction(who, "Who are you?", False, text, True, 9, selves).right

    assert not said("bajie", "This poor monk is Zhu Bajie.")
    assert not said("wukong", "I am Sun Wukong, and Old Pig with him.")
    assert said("tangseng", "This poor monk is Tripitaka.")
    assert said("bajie", "Zhu Bajie. Old Pig, if you have dumplings.")


async def test_everybody_of_the_cast_can_be_asked_and_is_known_by_their_names() -> None:
    """Each says a name of its own card; then all say 牛魔王's."""
    own = {character.name.zh: f"我便是{character.name.zh}。" for character in CAST}
    ids = [character.id for character in CAST]
    for script, right in ((lambda p: own[speaker_of(p)], len(ids)), (lambda p: "老牛在此", 1)):
        engine = EchoEngine(script, context=20_000)
        answers = await identity.ask(
            engine, Serving(), CAST, samples=2, language="zh", seed=1, characters=ids
        )
        result = identity.summary(answers)
        assert result["n"] == 2 * len(ids)
        assert result["right"] == round(right / len(ids), 4)
        shares = result["characters"]
        assert isinstance(shares, dict)
        assert list(shares) == ids
        assert all(answer.company == (n % 2 == 1) for n, answer in enumerate(answers))


async def test_silence_is_counted_as_empty() -> None:
    result = await measured(lambda prompt: "")
    assert result["empty"] == 24
    assert result["right"] == 0.0


async def test_a_reply_that_is_cut_did_not_end_by_itself() -> None:
    result = await measured(lambda prompt: SELF[speaker_of(prompt)] + "，" * 400)
    assert result["ended"] == 0.0


async def test_a_reply_that_goes_on_as_somebody_else_did_not_end_by_itself() -> None:
    result = await measured(
        lambda prompt: SELF[speaker_of(prompt)] + "。客人：你好。" + "孙悟空：老孙"
    )
    assert result["ended"] == 0.0
    assert result["right"] == 1.0


async def test_half_of_the_questions_are_asked_in_company() -> None:
    engine = EchoEngine(["…"])
    answers = await identity.ask(engine, Serving(), CAST, samples=4, language="en", seed=1)
    assert [answer.company for answer in answers].count(True) == len(answers) / 2
