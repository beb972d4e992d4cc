"""Server-sent events, however they are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.remote import sse
from engine.remote.sse import Events, NotEvents

STREAM = (
    ': hello\n\ndata: {"a":"悟空🐒"}\r\n\r\nevent: x\ndata: one\ndata: two\n\n\n:\ndata:[DONE]\n\n'
)


@given(st.lists(st.integers(0, len(STREAM.encode()))))
def test_where_it_is_cut_does_not_matter(cuts):
    data, found, events = STREAM.encode(), [], Events()
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(data)], strict=True):
        found += events.push(data[begin:end])
    assert found + events.end() == ['{"a":"悟空🐒"}', "one\ntwo", "[DONE]"]


def test_an_end_without_a_blank_line():
    events = Events()
    assert events.push(b"data: last") == []
    assert events.end() == ["last"]
    assert events.end() == []


def test_a_line_without_an_end(monkeypatch):
    monkeypatch.setattr(sse, "LONGEST", 10)
    with pytest.raises(NotEvents):
        Events().push(b"x" * 11)
