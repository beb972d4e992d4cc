"""The benchmark of what a model is asked beside talk, on a scripted engine."""

import pytest

from benchmarks.obeys import KINDS, figures, measure, of_facts, of_text, read_talks
from bot.casting import candidates
from bot.voice import Voice
from characters.prompt import Style
from characters.style import Serving
from engine.echo import EchoEngine

TALKS = {talk.name: talk for talk in read_talks("")}


def voice(script):
    return Voice(EchoEngine(script, context=2**20), Serving(style=Style(cards="brief")))


async def asked(script, kind, *names):
    return await measure(voice(script), [TALKS[name] for name in names], [kind])


def test_the_talks_can_be_judged(cast):
    assert len(TALKS) == len(read_talks("tuning")) + len(read_talks("fresh"))
    for talk in TALKS.values():
        people = {who for who, _ in talk.turns} - set(talk.cast)
        assert people, talk.name
        assert talk.next or set(talk.facts) == people, talk.name
        assert set(talk.next) <= set(talk.cast), talk.name
        if talk.next:  # nobody is named: the model decides
            assert len(candidates(talk.scene(cast), cast)) > 1, talk.name
        for who, wanted in talk.facts.items():  # and what is wanted was said
            said = " ".join(text for speaker, text in talk.turns if speaker == who)
            assert all(of_facts([said], [one], [], []) == "right" for one in wanted), talk.name


@pytest.mark.parametrize(
    ("kept", "wanted", "verdict"),
    [
        (["我对花生过敏"], ["花生"], "right"),
        (["我要买针线"], [], "wrong"),
        (["我叫小明", "我对花生过敏"], ["花生"], "right"),
        (["我叫小明"], ["花生"], "thin"),
        (["我叫小明"], [], "right"),
        ([], [], "right"),
        ([], ["花生"], "empty"),
        (["今天真热"], [], "wrong"),
        (["我对花生过敏", "老猪要点心"], ["花生"], "wrong"),
        (["我对花生过敏，八戒爱点心"], ["花生"], "wrong"),
    ],
)
def test_the_verdict_on_facts(kept, wanted, verdict):
    assert of_facts(kept, wanted, ["我叫小明"], ["点心"]) == verdict


def test_the_verdict_on_a_text():
    wanted, lacks = ["花生", "五台山"], ["八戒过敏"]
    assert of_text("", wanted, lacks, all_of=True) == "empty"
    assert of_text("花生，八戒过敏，五台山", wanted, lacks, all_of=True) == "wrong"
    assert of_text("小明不吃花生", wanted, lacks, all_of=True) == "thin"
    assert of_text("小明不吃花生", wanted, lacks, all_of=False) == "right"
    assert of_text("小明不吃花生，要去五台山", wanted, lacks, all_of=True) == "right"


async def test_facts_are_those_that_the_bot_would_keep():
    true, false = "我对花生过敏", "我爱吃点心"

    def script(prompt):
        return f'[{{"fact": "{true}", "sure": 9}}, {{"fact": "{false}", "sure": 9}}]'

    (answer,) = await asked(script, "facts", "花生")
    assert (answer.verdict, answer.kept, answer.learned, answer.told) == ("right", true, 1, 4)
    nothing = await asked(script, "facts", "馒头")  # 小明 only asks there
    assert [(answer.verdict, answer.kept) for answer in nothing] == [("right", "")]
    both = await asked(lambda prompt: "[]", "facts", "表兄妹")
    assert [answer.verdict for answer in both] == ["empty", "empty"]


async def test_bonds_and_summaries_go_through_the_bots_checks():
    talk = "小明对八戒说他对花生过敏，下个月要带妹妹去五台山。"
    for kind in ("bonds", "summaries"):
        (answer,) = await asked(lambda prompt: talk, kind, "花生")
        assert (answer.verdict, answer.kept) == ("right", talk)
        (answer,) = await asked(lambda prompt: "I am a helpful assistant.", kind, "花生")
        assert (answer.verdict, answer.kept) == ("empty", "")


async def test_who_speaks_next_is_the_bots_choice():
    answers = await asked([""], "turns", "nine teeth", "luggage")
    assert [answer.verdict for answer in answers] == ["right", "wrong"]  # the echo: the shortest
    assert answers[0].kept.startswith("bajie")


async def test_the_figures():
    answers = await asked(lambda prompt: "[]", "facts", "花生", "表兄妹", "馒头")
    table = figures(answers)["facts"]
    assert (table["empty"], table["right"], table["learned"]) == (3, 1, "0/9")
    assert table["right without the model"] == 1
    assert set(KINDS) == {"facts", "bonds", "summaries", "turns"}
