"""What a message names that a character cannot have heard of, so that the model can be told. Pure.

    unheard(book.unheard, scene, wukong)      ->  ("微信",)   after 小明：悟空，你有微信么？

A model knows what a telephone is and who Harry Potter is, whoever it plays. Word lists know what a
book's world does not have (`canon.worlds`); a character of the book that is asked about it has a
line before its reply that says so (`prompt.Tail.unheard`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from characters.asking import asks, clauses, unanswered
from characters.card import Character
from characters.prompt import name_of
from characters.turn import Scene
from text.folding import fold_text

# The words of a message that are not of the world of somebody who answers to these names.
World = Callable[[str, Sequence[str]], Sequence[str]]

_MOST, _LONGEST = 3, 40  # words told for one reply, characters of one

# Who tells of a day at the office asks nothing, and a listener is not told that it does not know
# what an office is. A question asks, and what is said of the listener, or wanted of it, in the
# clause that names the thing:
_WANTS = re.compile(
    r"[你您]|[帮给教替]我|陪我[打玩看去聊吃喝]|来[一点份杯]"
    r"|\b(?:you|your|yours|please|tell me|teach|help|show|give|let['’]?s)\b",
    re.IGNORECASE,
)
# Somebody is introduced: a name is heard of by being said.
_INTRODUCES = re.compile(
    r"(?:\b(?:name['’]?s|name is|call me|i['’]?m|i am|this is|named|called|my \w+,?)\s+"
    r"|(?:叫我|我叫|我是|名叫|叫作|叫做|名字[叫是]|这是)\s*)$",
    re.IGNORECASE,
)


def unheard(
    world: World, scene: Scene, speaker: Character, known: Sequence[str] = ()
) -> tuple[str, ...]:
    """What the last message names that is not of the speaker's world, as it is written there, until
    the speaker has answered it.

    Nothing that somebody said before, that is where the scene plays, or that is `known` (passages,
    memories, notes): what was explained has been heard of.
    """
    earlier, asked = unanswered(scene, speaker.id)
    if asked is None:
        return ()
    text = asked.text
    before = [*known, scene.place, scene.summary, *(turn.text for turn in earlier)]
    before += [name_of(turn, scene) for turn in scene.turns if turn.heard_by(speaker.id)]
    before += [name for member in scene.cast for name in member.names]
    said = fold_text("\n".join(before)).text.casefold()
    found = (
        word for word in world(text, speaker.names) if fold_text(word).text.casefold() not in said
    )
    wanted = (word for word in found if len(word) <= _LONGEST and _is_wanted(word, text))
    return tuple(" ".join(word.split()) for word in wanted)[:_MOST]


def _is_wanted(word: str, text: str) -> bool:
    """Whether a message asks something, or wants something where it has the word, and does not
    introduce somebody of that name."""
    if _INTRODUCES.search(text.partition(word)[0]):
        return False
    return asks(text) or any(
        _WANTS.search(fold_text(one).text) for _, one in clauses(text) if word in one
    )
