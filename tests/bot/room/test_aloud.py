"""Lines read aloud in one room: sentence by sentence, beside the text, and what goes wrong."""

from __future__ import annotations

import asyncio

import pytest

from bot.room import aloud
from bot.stage import Line
from speech.error import SpeechError
from speech.sound import Samples, Sound
from speech.speaker import Speaker
from tests.bot.conftest import Play, Script
from tests.fakes.toner import Toner

LONG = "老孙来也，都让开些！前面有座荒山，山里有妖怪。待我去打探一番，你们莫要乱走。"


class Heard(Script):
    """A stage that plays sounds."""

    def __init__(self) -> None:
        super().__init__()
        self.played: list[tuple[str, Sound]] = []
        self.on_play = asyncio.Event()

    async def play(self, line: Line, sound: Sound) -> None:
        self.played.append((line.text, sound))
        self.on_play.set()


@pytest.fixture
def loud(play):
    """Makes a room that can be heard: `loud(script)` gives the room, its stage and the engine."""

    def make(script, toner: Toner | None = None, **more) -> tuple[Play, Heard, Toner]:
        made, stage, engine = play(script, **more), Heard(), toner or Toner()
        made.room.view.stage = made.stage = stage
        made.room.shared.speaker = Speaker(engine)
        return made, stage, engine

    return make


async def test_finished_sentences_are_synthesized_while_the_line_grows(loud):
    began: list[tuple[str, bool]] = []

    class Noting(Toner):
        async def synthesize(self, sentence, voice) -> tuple[Samples, int]:
            began.append((sentence, bool(stage.lines and stage.lines[-1][1] == LONG)))
            return await super().synthesize(sentence, voice)

    p, stage, toner = loud([LONG], Noting(), delay=0.01)
    await p.say("/summon 悟空", "/voice on", "悟空？")
    await p.room.settle()
    assert [text for text, _ in stage.played] == [LONG]
    sentences = dict(began)
    assert list(sentences.values())[:2] == [False, False]  # the line was not done by then
    assert len(began) == len(sentences)  # and none of them was made twice
    assert "".join(toner.said).replace("。", "") == LONG.replace("。", "")


async def test_the_text_never_waits_for_its_sound(loud):
    p, stage, toner = loud([LONG])
    toner.gate = asyncio.Event()
    await p.say("/summon 悟空", "/voice on", "悟空？")  # returns although nothing was said aloud
    assert p.lines[-1][1] == LONG
    assert not stage.played
    toner.gate.set()
    await p.room.settle()
    assert [text for text, _ in stage.played] == [LONG]


async def test_a_note_that_would_come_late_is_dropped_and_the_newest_line_counts(
    loud, monkeypatch: pytest.MonkeyPatch
):
    p, stage, toner = loud(["老孙说第一句话了。", "老孙说第二句话了。", "老孙说第三句话了。"])
    await p.say("/summon 悟空", "/voice on")
    toner.gate = asyncio.Event()
    await p.say("悟空，一", "悟空，二", "悟空，三")
    toner.gate.set()
    await p.room.settle()
    assert [text[-4:-2] for text, _ in stage.played] == ["句话", "句话"]
    assert "第二句" not in str([text for text, _ in stage.played])
    monkeypatch.setattr(aloud, "LATE", 0.05)
    toner.gate = asyncio.Event()
    p.room.shared.speaker = Speaker(toner)
    await p.say("悟空，四")
    await p.room.settle()  # ends though the engine never does
    assert p.room.stats["sound late"] == 1
    assert len(stage.played) == 2


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        ("（深深一揖，不语。）", "sound without words"),
        ("🐒🐒", "sound without words"),
    ],
)
async def test_a_line_without_words_has_no_note(loud, said: str, counted: str):
    p, stage, toner = loud([said])
    await p.say("/summon 悟空", "/voice on", "悟空？")
    await p.room.settle()
    assert p.lines[-1][1]
    assert not stage.played
    assert not toner.said
    assert p.room.stats[counted] == 1


async def test_an_engine_that_fails_costs_the_sound_and_nothing_else(loud):
    p, stage, toner = loud([LONG, "老孙还在，莫要惊慌！"])
    toner.problem = SpeechError("坏了。", "broken.")
    await p.say("/summon 悟空", "/voice on", "悟空？")
    await p.room.settle()
    assert p.lines[-1][1] == LONG
    assert not stage.played
    assert p.room.stats["sound failed"] == 1
    told = await p.room.aloud.read_at(f"place of {stage.done[-1].id}")
    assert told is not None
    assert told.zh == "坏了。"
    toner.problem = None
    await p.say("悟空？")
    await p.room.settle()
    assert [text for text, _ in stage.played] == ["老孙还在，莫要惊慌！"]


@pytest.mark.parametrize(
    "said",
    [
        '<speak><prosody rate="x-slow">老孙来也</prosody><break time="60s"/>，莫慌！</speak>',
        "-w /tmp/x --stdin 老孙来也，莫慌！",
        "[[h@loU]] 老孙来也，莫慌！",
        "; rm -rf / && 老孙来也，莫慌！ `id` $(id)",
        "<mark name='x'/>老孙来也，莫慌！&#x0;",
    ],
)
async def test_what_looks_like_markup_or_options_is_said_as_words_at_most(loud, said: str):
    p, stage, toner = loud([said])
    await p.say("/summon 悟空", "/voice on", "悟空？")
    await p.room.settle()
    ((_, sound),) = stage.played
    assert sound.seconds < 30
    for sentence in toner.said:
        assert not set(sentence) & set('<>[]{}=/\\`$&;|"')
    assert "老孙来也" in "".join(toner.said)


async def test_a_line_of_four_thousand_characters_is_cut_at_the_end_of_a_sentence(loud, cast):
    p, _, toner = loud([LONG])
    p.room.shared.speaker = Speaker(toner, longest=20.0)
    sound = await p.room.aloud.sound("老孙一路上见了许多妖怪。" * 334, cast["wukong"])
    assert not sound.whole
    assert 15 < sound.seconds <= 20.5
    assert set(toner.said) == {"老孙一路上见了许多妖怪。"}


async def test_what_is_whispered_is_never_read_aloud(loud):
    p, stage, toner = loud(["悄悄说与你听。"])
    await p.say("/summon 悟空", "/voice on", "/voice room on", "/whisper 悟空 有妖怪")
    await p.room.settle()
    assert not toner.said
    assert not stage.played


async def test_another_version_meanwhile_is_what_is_played(loud):
    p, stage, toner = loud(["老孙说第一句话了。", "老孙说另外一句话。"])
    await p.say("/summon 悟空", "/voice on")
    toner.gate = asyncio.Event()
    await p.say("悟空？", "/retry")
    toner.gate.set()
    await p.room.settle()
    assert [text for text, _ in stage.played] == ["老孙说另外一句话。"]


async def test_one_press_at_a_time(loud):
    p, stage, toner = loud([LONG])
    await p.say("/summon 悟空", "悟空？")
    place = f"place of {stage.done[-1].id}"
    toner.gate = asyncio.Event()
    first = asyncio.create_task(p.room.aloud.read_at(place))
    while not toner.at_once:
        await asyncio.sleep(0)
    second = await p.room.aloud.read_at(place)
    assert second is not None
    assert "请稍候" in second.zh
    toner.gate.set()
    assert await first is None
    assert [text for text, _ in stage.played] == [LONG]
    gone = await p.room.aloud.read_at("nowhere")
    assert gone is not None
