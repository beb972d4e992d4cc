"""/share: whether what somebody said in private may come up in groups, and whether scenes that they
speak in may be taken as lessons."""

from __future__ import annotations

from bot.memory import PersonMemory
from bot.notices import LESSONS_ALLOWED, LESSONS_NOT_ALLOWED
from characters.card import Language, Words

YES = {"on", "yes", "allow", "可以", "允许", "是", "开", "好"}
NO = {"off", "no", "deny", "不可以", "不允许", "不", "否", "关", "不行"}
_LESSONS = {"lessons", "教材", "课文"}
SHARED = {
    True: Words("可以在群里提起", "may come up in groups"),
    False: Words("不会带到群里", "stays private"),
}
MAY_SHARE = Words(
    "私下说过的，以后在群里也可能被提起。/公开 不 改回来。",
    "What you said in private may now come up in groups. /share no changes it back.",
)
MAY_NOT_SHARE = Words(
    "私下说的不会带到群里。", "What you say in private does not come up in groups."
)
HOW_SHARE = Words(
    "私下说的{}。/公开 可以，或 /公开 不", "What you say in private {}. /share yes, or /share no"
)


async def share(argument: str, person: PersonMemory, language: Language) -> str:
    """Carry out the order; returns what the person is told.

    Raises:
        MemoryAway, MemoryProblem: it cannot be done now.
    """
    word = argument.casefold()
    first, _, rest = word.partition(" ")
    if first in _LESSONS:
        if rest.strip() in YES | NO:
            await person.set(lessons=rest.strip() in YES)
        allowed = (await person.known()).profile.lessons
        return (LESSONS_ALLOWED if allowed else LESSONS_NOT_ALLOWED)[language]
    if word in YES:
        await person.set(shared=True)
        return MAY_SHARE[language]
    if word in NO:
        await person.set(shared=False)
        return MAY_NOT_SHARE[language]
    known = await person.known()
    return HOW_SHARE[language].format(SHARED[known.profile.shared][language])
