"""Whole characters only; stop texts never shown, not even in part."""

from hypothesis import given
from hypothesis import strategies as st

from engine.text import Text


def shown(data: bytes, sizes: list[int], stop: tuple[str, ...]) -> tuple[str, Text]:
    """Push bytes in pieces of the given sizes, over and over; returns all text and the state."""
    text, out, at = Text(stop), "", 0
    for size in sizes * (len(data) + 1):
        if at >= len(data) or text.stopped:
            break
        piece = text.push(data[at : at + size])
        assert "\ufffd" not in piece
        out, at = out + piece, at + size
    return out + ("" if text.stopped else text.rest()), text


sizes = st.lists(st.integers(1, 5), min_size=1, max_size=4)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd")), sizes)
def test_all_text_comes_out_however_it_is_cut(text: str, sizes: list[int]) -> None:
    assert shown(text.encode(), sizes, ())[0] == text


@given(
    st.text("八戒：: ab", max_size=40), sizes, st.lists(st.text("八戒：ab", min_size=1, max_size=4))
)
def test_stops_are_never_shown_even_in_part(text: str, sizes: list[int], stops: list[str]) -> None:
    cuts = [at for stop in stops if (at := text.find(stop)) >= 0]
    out, state = shown(text.encode(), sizes, tuple(stops))
    # Of two stops the one that is complete first ends the reply, so the earliest begin may differ.
    if not cuts:
        assert out == text
        assert not state.stopped
    else:
        assert state.stopped
        assert text.startswith(out)
        assert not any(stop in out for stop in stops)
        assert any(text[len(out) :].startswith(stop) for stop in stops)


def test_half_a_character_at_the_end_is_dropped() -> None:
    text = Text()
    assert text.push("你好".encode()[:4]) == "你"
    assert text.rest() == ""
    assert text.hidden == 1


def test_what_may_begin_a_stop_is_held_back_and_given_at_the_end() -> None:
    text = Text(("八戒：",))
    assert text.push("去问八戒".encode()) == "去问"
    assert text.rest() == "八戒"


def test_hidden_counts_the_bytes_of_the_stop_and_what_came_with_it() -> None:
    text = Text(("八戒：",))
    assert text.push("去。八戒：好".encode()) == "去。"
    assert text.stopped
    assert text.hidden == len("八戒：好".encode())
    assert text.push(b"x") == ""


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    text = Text()
    assert text.push(b"a\xffb") == "a\ufffdb"
