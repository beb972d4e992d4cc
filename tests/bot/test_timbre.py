"""How a made character sounds, in words."""

import pytest

from bot.forms import filled, read_form
from bot.sheet import sheet
from bot.timbre import in_words, voice_of
from characters.card import CardError, read_card
from characters.fields import as_table
from characters.voices import NO_VOICE, Speaks, Voice


@pytest.mark.parametrize(
    ("text", "voice"),
    [
        ("低沉、慢", Voice(pitch=-4.0, rate=0.85)),
        ("very deep, fast", Voice(pitch=-8.0, rate=1.2)),
        ("Slow / high", Voice(pitch=4.0, rate=0.85)),
        ("+3、1.1x", Voice(pitch=3.0, rate=1.1)),
        ("-2.5，1.5倍", Voice(pitch=-2.5, rate=1.5)),
        ("kokoro=zm_yunxi; 快", Voice(speakers=(Speaks("kokoro", "zm_yunxi"),), rate=1.2)),
        ("espeak=zh+Andrea、Slow", Voice(speakers=(Speaks("espeak", "zh+Andrea"),), rate=0.85)),
        ("deep slow", Voice(pitch=-4.0, rate=0.85)),
        ("", NO_VOICE),
        ("低、高", Voice(pitch=4.0)),  # the last one counts
    ],
)
def test_words_and_numbers_are_a_voice_and_say_it_again(text, voice):
    assert voice_of(text) == voice
    for language in ("zh", "en"):
        assert voice_of(in_words(voice, language)) == voice


@pytest.mark.parametrize("text", ["像猴子", "+40", "9x", "espeak=", "../x=y", "低 猴", "0x"])
def test_what_is_no_voice_is_refused_in_a_sentence_that_names_the_field(text):
    with pytest.raises(CardError, match=r"^voice"):
        voice_of(text)


def test_a_form_has_it_a_card_keeps_it_and_none_takes_it_away():
    made = filled(read_form("小墨 | 来了 | 小龙 | 声音：低、慢"), None)
    assert "声音：低、慢" in sheet(made, "zh")
    assert "Voice: deep, slow" in sheet(made, "en")
    assert read_card(as_table(made) | {"id": "new"}, "kept").voice == made.voice
    without = filled(read_form("声音：无"), made)
    assert without.voice == NO_VOICE
    assert "声音" not in sheet(without, "zh")
