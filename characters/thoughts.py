"""What a reasoning model writes before its answer, told apart from the answer. Pure.

    spoken("<think>He asks my name.</think>Old Sun!")     ->  "Old Sun!"
    spoken("He asks my name.</think>Old Sun!")            ->  "Old Sun!"      (the prompt opened it)
    spoken("Old Sun<thi", growing=True)                   ->  "Old Sun"       (a tag may follow)

Models mark their reasoning in many ways: <think>, <thinking>, <reasoning>, [THINK], ◁think▷,
<|begin_of_thought|>, <seed:think>, and the channels of gpt-oss (<|channel|>analysis<|message|>).
A closing tag without an opening one closes what began with the text: chat templates of reasoning
models open the thought in the prompt.
"""

from __future__ import annotations

import re

# The word of a tag, with what may stand before it: <seed:think>, <|begin_of_thought|>.
_WORD = (
    r"(?:think|thinking|thoughts?|reason|reasoning|reflection|reflect|rationale|analysis|cot"
    r"|chain_of_thought|scratchpad|inner_monologue|internal_monologue|deliberation"
    r"|思考|思维|思考过程|推理|心里话)"
)
_OPENS = r"(?:<|＜|&lt;|〈|◁)"
_CLOSES = r"(?:>|＞|&gt;|〉|▷)"
_TAG = re.compile(
    rf"{_OPENS} ?\|? ?(?P<close>/ ?)?(?P<edge>(?:begin|start|end)(?:_of)?_)?"
    rf"(?:[a-z]\w{{0,15}}:)?{_WORD}(?:_(?P<edge_after>start|begin|end))?"
    rf"(?: [^<>＜＞▷\n/|]{{1,60}})? ?(?P<empty>/)?\|?{_CLOSES}"
    # Square brackets only in capitals: [thinks] is a stage direction.
    r"|(?-i:\[(?P<close_square>/)?THINK(?:ING)?\])"
    r"|<\|?channel\|?> ?(?P<channel>[a-z]{1,16})[^<\n]{0,40}(?:<\|?message\|?>|(?=\n))"
    r"|(?P<mark><\|(?:start|end|return|message|constrain)\|>(?:assistant)?|<channel\|>)",
    re.IGNORECASE,
)
# What may be the beginning of a tag, at the end of a text that grows.
_BEGUN = re.compile(
    r"(?:<|＜|&(?:l(?:t(?:;|$)|$)|$)|〈|◁) ?\|? ?/? ?"
    rf"(?:[a-z_:|/思考维推理心里话过程 ]{{0,40}}(?:&g?t?)?|{_WORD} [^<>＜＞▷\n]{{0,60}})$"
    r"|<\|?channel\|?> ?[a-z]{0,16}[^<\n]{0,40}(?:<\|?[a-z]{0,8}\|?)?$"
    r"|\[/?(?:T(?:H(?:I(?:N(?:K(?:I(?:N(?:G)?)?)?)?)?)?)?)?$",
    re.IGNORECASE,
)
_MARKS = "<＜&〈◁["


def spoken(text: str, *, growing: bool = False, thinking: bool = False) -> str:
    """The text without its thoughts; without all that follows an opening tag that is never closed.

    `growing`: more of the text may come, so what could be the beginning of a tag is held back.
    `thinking`: the text is known to begin inside a thought; while it grows nothing is spoken until
    that ends, and a text that never ends it was none.
    """
    kept: list[str] = []
    at, inside, closed = 0, False, False
    if any(mark in text for mark in _MARKS):
        for match in _TAG.finditer(text):
            kind = _kind(match)
            if not inside:
                kept.append(text[at : match.start()])
            at = match.end()
            if kind == "close":
                if not inside:
                    kept.clear()  # it closes what began with the text
                inside, closed = False, True
            elif kind == "open":
                inside = True
    if thinking and growing and not closed:
        return ""
    if not inside:
        rest = text[at:]
        if growing and (begun := _BEGUN.search(rest, max(0, len(rest) - 100))):
            rest = rest[: begun.start()]
        kept.append(rest)
    return "".join(kept)


def _kind(match: re.Match[str]) -> str:
    """What a tag does: "open" or "close" a thought, or nothing ("mark")."""
    if match["channel"]:
        return "close" if match["channel"].casefold() in ("final", "response") else "open"
    if match["mark"]:
        # Gemma closes a channel with <channel|>; the others only separate.
        return "close" if match["mark"].casefold() == "<channel|>" else "mark"
    if match["empty"] and not match["close"]:
        return "mark"
    edges = ((match["edge"] or "") + (match["edge_after"] or "")).casefold()
    return "close" if match["close"] or match["close_square"] or "end" in edges else "open"
