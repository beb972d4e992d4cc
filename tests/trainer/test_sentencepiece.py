"""Pieces with scores become merges that give the same tokens."""

from trainer.sentencepiece import BYTE, CONTROL, NORMAL, UNKNOWN, USER, Pieces, merges, tokenizer

TEXTS = ["<unk>", "<s>", "a", "b", "ab", "ba", "▁", "▁a", "[x]"]
TEXTS += [f"<0x{n:02X}>" for n in range(256)]
KINDS = [UNKNOWN, CONTROL, *[NORMAL] * 6, USER, *[BYTE] * 256]
SCORES = [0.0, 0.0, -5.0, -6.0, -1.0, -2.0, -3.0, -1.5, 0.0, *[0.0] * 256]


def made(prefix: bool = False, begin: int | None = None):
    return tokenizer(Pieces(TEXTS, KINDS, SCORES, unknown=0, begin=begin, prefix=prefix))


def test_the_best_score_merges_first():
    assert merges({"a": -5, "b": -6, "ab": -1, "ba": -2}, {"a": 0, "b": 1, "ab": 2, "ba": 3}) == [
        ("a", "b"),
        ("b", "a"),
    ]
    assert made().encode("bab", add_special_tokens=False).tokens == ["b", "ab"]


def test_spaces_bytes_own_and_control_tokens():
    plain = made()
    assert plain.encode(" a").tokens == ["▁a"]
    assert plain.encode("é").tokens == ["<0xC3>", "<0xA9>"]
    assert plain.encode("[x]b").tokens == ["[x]", "b"]
    assert plain.decode(plain.encode("b a é").ids) == "b a é"
    assert made(prefix=True).encode("a").tokens == ["▁a"]
    assert made(begin=1).encode("a").tokens == ["<s>", "a"]
