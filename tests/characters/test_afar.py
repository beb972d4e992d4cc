"""How a model behind a server wants to be asked."""

import pytest

from characters.afar import knows_itself, serving_afar
from characters.markup import CHATML, MESSAGES
from characters.style import StyleError
from engine.echo import EchoEngine

STYLE = '{"markup": "chatml", "cards": "name", "rules": false, "context": 768}'
TEMPLATE = "tokenizer.chat_template"


def test_what_a_server_tells():
    assert knows_itself({"mrp.style": STYLE})
    assert knows_itself({TEMPLATE: "<|im_start|>", "general.name": "x"})
    assert not knows_itself({TEMPLATE: "of no family"})
    assert not knows_itself({})
    with pytest.raises(StyleError):
        knows_itself({"mrp.style": "{"})


def test_exact_where_the_markup_is_known_and_messages_elsewhere():
    engine = EchoEngine()
    assert serving_afar("chat", {}, engine).style.markup == MESSAGES
    assert serving_afar("chat", {}, engine, markup="gemma").style.markup == MESSAGES
    native = serving_afar("mrp", {"mrp.style": STYLE}, engine)
    assert (native.style.markup, native.style.cards, native.context) == (CHATML, "name", 768)
    named = serving_afar("llama-server", {TEMPLATE: "of no family"}, engine, markup="chatml")
    assert named.style.markup == CHATML
    with pytest.raises(StyleError):
        serving_afar("llama-server", {TEMPLATE: "of no family"}, engine)
    with pytest.raises(StyleError, match="nonsense"):
        serving_afar("completions", {}, engine, markup="nonsense")


def test_a_server_that_is_sent_text_puts_the_bos_there_itself():
    assert (
        serving_afar("completions", {}, EchoEngine(), markup="internlm2").style.markup.begin == ""
    )
