"""/character: a character of one's own is made, previewed, kept, changed and withdrawn.

What is typed becomes a sketch, which is shown whole, with what it lacks and a test line; nothing is
kept before somebody has seen it and says so. Reviews and reports are in `reviewing`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.audition import QUESTION, drafted, test_line, to_draft
from bot.casts import CastProblem, Reach
from bot.commands import Order
from bot.conversation import Crowded
from bot.dialogue import CANCELS, SKIPS, Steps
from bot.drafts import joined, plain
from bot.forms import LABELS, filled, read_form
from bot.memory.sketches import (
    Sketch,
    drop_sketch,
    has_picture,
    set_sketch,
    sketch_of,
    taken_picture,
)
from bot.room.exchange import Exchange
from bot.room.orders import making_words as words
from bot.room.orders.cards import bring, format_in, send
from bot.room.orders.ownership import find, may_at_once, may_change, theirs, why_not
from bot.room.orders.reviewing import REVIEWING, reviews, shown_counts, waits
from bot.room.orders.table import order
from bot.room.view import View
from bot.sheet import sheet
from bot.stage import Message
from characters.card import CardError, Character
from engine.sequence import EngineError

_LONGEST = 12_000  # characters of a form; what it becomes has bounds of its own

_MOST_FORMS = 200  # people of a room who are making one step by step

# What somebody types after /character -> what is done.
VERBS: dict[str, str] = {
    **dict.fromkeys(("create", "new", "创建", "新建"), "create"),
    **dict.fromkeys(("edit", "change", "修改", "改"), "edit"),
    "answer": "answer",
    **dict.fromkeys(("picture", "avatar", "图像", "头像"), "picture"),
    **dict.fromkeys(("show", "查看", "看"), "show"),
    **dict.fromkeys(("keep", "save", "保存"), "keep"),
    **dict.fromkeys(("draft", "起草", "补全"), "draft"),
    **dict.fromkeys(("discard", "cancel", "放弃", "取消"), "discard"),
    **dict.fromkeys(("withdraw", "delete", "撤下", "删除"), "withdraw"),
    **dict.fromkeys(("handover", "交出"), "handover"),
    **dict.fromkeys(("mine", "我的"), "mine"),
    **dict.fromkeys(("import", "导入"), "import"),
    **dict.fromkeys(("export", "导出"), "export"),
    **dict.fromkeys(("report", "举报"), "report"),
    **dict.fromkeys(("reports", "举报单"), "reports"),
    **dict.fromkeys(("queue", "待审"), "queue"),
    **dict.fromkeys(("approve", "通过"), "approve"),
    **dict.fromkeys(("refuse", "退回"), "refuse"),
}
REACHES: dict[str, Reach] = {
    **dict.fromkeys(("private", "私用", "自己"), "private"),
    **dict.fromkeys(("here", "place", "这里", "本地"), "place"),
    **dict.fromkeys(("everywhere", "处处", "到处"), "everywhere"),
}


def verb_of(argument: str) -> tuple[str, str]:
    """What is to be done about characters, and with what; "show" where only a name is given, and
    "create" where fields are."""
    if not argument.strip():
        return "create", ""
    word, _, rest = argument.strip().partition(" ")
    if "\n" in word:
        word, _, more = argument.strip().partition("\n")
        rest = more
    verb = VERBS.get(word.casefold())
    if verb:
        return verb, rest.strip()
    for name in sorted(VERBS, key=len, reverse=True):  # 「/角色 创建小墨龙」
        if not name.isascii() and word.startswith(name):
            return VERBS[name], f"{word[len(name) :]} {rest}".strip()
    return ("create" if re.search(r"[|｜\n]", argument) else "show"), argument.strip()


@order("character")
async def _character(talk: Exchange, argument: str) -> None:
    """Carry out one of the verbs."""
    if not argument.strip():
        await talk.tell(words.HOW)
        return
    verb, rest = verb_of(argument)
    if not talk.job.work.individual and verb not in ("show", "queue", "reports"):
        await talk.tell(words.SHARED_SENDER)
        return
    try:
        await (_MAKING | REVIEWING)[verb](talk, rest)
    except CastProblem as problem:
        await tell(talk, problem.told(talk.view.language))
    except CardError as problem:
        key = str(problem).rpartition("character: ")[2]
        await talk.tell(words.INCOMPLETE, key)


async def tell(talk: Exchange, text: str) -> None:
    """A notice for whoever gave the order."""
    await talk.view.notice(text, to=talk.job.work.person)


async def _create(talk: Exchange, rest: str) -> None:
    if not rest:
        await _begin(talk)
        return
    if len(rest) > _LONGEST:
        await talk.tell(words.TOO_MUCH, len(rest), _LONGEST)
        return
    await sketch(talk, Sketch(filled(read_form(plain(rest)), None)))


async def _begin(talk: Exchange) -> None:
    """Ask for one field after the other: what the person says next in this room are the answers."""
    view = talk.view
    while len(view.forms) >= _MOST_FORMS:
        del view.forms[next(iter(view.forms))]
    view.forms[talk.job.work.individual] = steps = Steps(voiced=view.shared.speaker is not None)
    rows = [words.HOW_CREATE[view.language], steps.question(view.language)]
    await tell(talk, "\n".join(rows))


def answer_of(view: View, message: Message, text: str, order: Order | None) -> str | None:
    """The order that a message of somebody who is asked for fields gives; None when it is none."""
    word = text.casefold()
    if message.person not in view.forms or message.forwarded or not text:
        return None
    if word in CANCELS:
        return "/character discard"
    return f"/character answer {text}" if order is None or word in SKIPS else None


async def _answer(talk: Exchange, rest: str) -> None:
    """One field, checked at once: what cannot be is asked for again, and nothing is lost."""
    view, person = talk.view, talk.job.work.individual
    steps = view.forms.get(person)
    if steps is None:
        await talk.tell(words.NO_SKETCH)
        return
    told = steps.answered(rest)
    try:
        view.shared.casts.check(filled(read_form(f"{told.form}\n{told.lacking}"), None))
    except CastProblem as problem:
        await tell(talk, f"{problem.told(view.language)}\n{steps.question(view.language)}")
        return
    except CardError as problem:
        why = words.INCOMPLETE[view.language].format(str(problem).rpartition("character: ")[2])
        await tell(talk, f"{why}\n{steps.question(view.language)}")
        return
    view.forms[person] = told
    if not told.done:
        await tell(talk, told.question(view.language))
        return
    del view.forms[person]
    await sketch(talk, Sketch(filled(read_form(told.form), None)))


async def sketch(talk: Exchange, made: Sketch) -> None:
    """Put a sketch in place of the person's last one, and show it with a test line.

    Raises:
        CastProblem: it is too long, or a name is somebody's; nothing is put anywhere.
    """
    view, work = talk.view, talk.job.work
    view.shared.casts.check(made.character)
    if made.face is None and (png := await taken_picture(view.shared.memory, work.individual)):
        made = replace(made, face=png)
    broken = view.shared.filter.broken("\n".join(texts_of(made.character)))
    if broken:
        await talk.tell(words.NOT_TALKED_ABOUT)
        return
    await set_sketch(view.shared.memory, work.individual, made)
    await preview(talk, made)


async def preview(talk: Exchange, made: Sketch) -> None:
    """Show a sketch: all fields, what is missing, a test line, and what can be done now."""
    view, language = talk.view, talk.view.language
    character = made.character
    try:
        said = await test_line(
            view.shared.voice, character, language, person=talk.job.work.individual
        )
        trial = words.TRIAL[language].format(QUESTION[language], said or "……")
    except Crowded as problem:
        trial = words.CROWDED[language].format(problem)
    except EngineError as problem:
        trial = words.NO_TRIAL[language].format(problem)
    rows = [words.PREVIEW[language], sheet(character, language)]
    if made.face:
        rows.append(words.WITH_PICTURE[language])
    rows += [trial, words.WHAT_NOW[language]]
    if to_draft(character) and view.shared.voice.obeys:
        rows.append(words.CAN_DRAFT[language])
    await tell(talk, "\n".join(rows))


async def _edit(talk: Exchange, rest: str) -> None:
    """`edit FIELDS` of the sketch in hand, or `edit NAME | FIELDS` of a stored character."""
    view, work = talk.view, talk.job.work
    name, _, more = rest.partition("|") if "|" in rest else rest.partition("｜")
    entry = find(talk, name)
    if entry is None:
        held = await sketch_of(view.shared.memory, work.individual)
        fields = read_form(plain(rest))
        if held is None or not any(label in rest for label in LABELS):
            await talk.tell(words.NOBODYS, name.strip()[:40])
            return
        png = await taken_picture(view.shared.memory, work.individual)
        changed = filled(fields, held.character)
        await sketch(talk, Sketch(changed, png or held.face))
        return
    if not may_change(talk, entry):
        await talk.tell(words.NOT_YOURS, entry.character.name[view.language])
        return
    await sketch(talk, Sketch(filled(read_form(plain(more)), entry.character)))


async def _picture(talk: Exchange, rest: str) -> None:
    """The picture that was sent goes onto the sketch in hand; who is asked for one field after the
    other keeps it for the end."""
    memory, person = talk.view.shared.memory, talk.job.work.individual
    if steps := talk.view.forms.get(person):
        language = talk.view.language
        said = words.PICTURE_KEPT if await has_picture(memory, person) else words.HOW_PICTURE
        await tell(talk, f"{said[language]}\n{steps.question(language)}")
        return
    held = await sketch_of(memory, person)
    png = await taken_picture(memory, person) if held else None
    if held is None or png is None:
        await talk.tell(words.HOW_PICTURE)
        return
    await sketch(talk, replace(held, face=png))


async def _show(talk: Exchange, rest: str) -> None:
    view = talk.view
    if not rest:
        held = await sketch_of(view.shared.memory, talk.job.work.individual)
        await (preview(talk, held) if held else talk.tell(words.NO_SKETCH))
        return
    entry = find(talk, rest) or (waits(talk, rest) if reviews(talk) else None)
    character = entry.character if entry else view.cast.owner(rest)
    if character is None:
        await talk.tell(words.NOBODYS, rest[:40])
        return
    counts = await shown_counts(talk, character.id)
    rows = [sheet(character, view.language, counts)]
    if entry:
        if entry.face:
            rows.append(words.WITH_PICTURE[view.language])
        unseen = words.WAITING[view.language] if entry.waiting else ""
        rows.append(f"{words.REACH[entry.reach][view.language]}{unseen}")
    await tell(talk, "\n".join(rows))


async def _keep(talk: Exchange, rest: str) -> None:
    """Keep the sketch: where it may appear is said, or as before, or where it was made."""
    view, work = talk.view, talk.job.work
    held = await sketch_of(view.shared.memory, work.individual)
    if held is None:
        await talk.tell(words.NO_SKETCH)
        return
    before = view.shared.casts.entry(held.character.id)
    reach = REACHES.get(rest.casefold())
    if rest and reach is None:
        await talk.tell(words.WHICH_REACH)
        return
    if reach is None:
        reach = before.reach if before else "place" if view.place else "private"
    # A change that is kept somewhere else (in a private chat, say) stays where the character was.
    stays = before is not None and (reach != "place" or not rest)
    place = before.place if before and stays else view.place
    refused = why_not(talk, reach, place)
    if refused is not None:
        await talk.tell(refused)
        return
    waiting = not may_at_once(talk, reach, place)
    entry = await view.shared.casts.keep(
        held.character,
        before.owner if before else work.individual,
        reach,
        place=place,
        waiting=waiting,
        face=held.face,
    )
    await drop_sketch(view.shared.memory, work.individual)
    told = words.KEPT_WAITING if waiting else words.KEPT
    await talk.tell(
        told, entry.character.name[view.language], words.REACH[entry.reach][view.language]
    )


async def _draft(talk: Exchange, rest: str) -> None:
    """Have the model write what the sketch lacks; it is shown, and kept only when asked to."""
    view, work = talk.view, talk.job.work
    held = await sketch_of(view.shared.memory, work.individual)
    if held is None:
        await talk.tell(words.NO_SKETCH)
        return
    if not view.shared.voice.obeys:
        await talk.tell(words.CANNOT_DRAFT)
        return
    missing = to_draft(held.character)
    if not missing:
        await talk.tell(words.COMPLETE)
        return
    await talk.tell(words.DRAFTING, len(missing))
    try:
        made = await drafted(view.shared.voice, held.character, person=work.individual)
    except EngineError as problem:
        await talk.tell(words.NO_TRIAL, problem)
        return
    if made == held.character:
        await talk.tell(words.NOTHING_DRAFTED)
        return
    await sketch(talk, replace(held, character=made))


async def _discard(talk: Exchange, rest: str) -> None:
    asked = talk.view.forms.pop(talk.job.work.individual, None)
    dropped = await drop_sketch(talk.view.shared.memory, talk.job.work.individual)
    await talk.tell(words.DISCARDED if dropped or asked else words.NO_SKETCH)


async def _withdraw(talk: Exchange, rest: str) -> None:
    entry = await theirs(talk, rest)
    if entry is None:
        return
    await talk.view.shared.casts.withdraw(entry.id)
    await talk.farewells()
    await talk.tell(words.WITHDRAWN, entry.character.name[talk.view.language])


async def _handover(talk: Exchange, rest: str) -> None:
    """Give a character to the place it was made for: from then on its moderators see to it."""
    entry = await theirs(talk, rest)
    if entry is None:
        return
    if entry.reach == "private":
        await talk.tell(words.NOT_HANDED)
        return
    await talk.view.shared.casts.keep(
        entry.character, "", entry.reach, place=entry.place, waiting=entry.waiting
    )
    await talk.tell(words.HANDED, entry.character.name[talk.view.language])


async def _mine(talk: Exchange, rest: str) -> None:
    view = talk.view
    entries = await view.shared.casts.owned_by([talk.job.work.individual])
    names = [
        f"{e.character.name[view.language]}（{words.REACH[e.reach][view.language]}）"
        for e in entries
    ]
    if names:
        await talk.tell(words.MINE, joined(names, view.language))
    else:
        await talk.tell(words.NONE_OF_YOURS)


async def _import(talk: Exchange, rest: str) -> None:
    """A card of another program becomes a sketch."""

    def own(character_id: str) -> bool:
        entry = talk.view.shared.casts.entry(character_id)
        return entry is not None and may_change(talk, entry)

    await bring(talk, rest, sketch, own=own)


async def _export(talk: Exchange, rest: str) -> None:
    """A shipped character, or one that this person may change, as a card for other programs."""
    name, format = format_in(rest)
    entry, casts = find(talk, name), talk.view.shared.casts
    if entry is None:
        shipped = casts.shipped.owner(name) if name else None
        await (send(talk, shipped, format) if shipped else talk.tell(words.NOBODYS, name[:40]))
    elif not may_change(talk, entry):
        await talk.tell(words.NOT_YOURS, entry.character.name[talk.view.language])
    else:
        await send(talk, entry.character, format)


def texts_of(character: Character) -> list[str]:
    """All that people would read of a character."""
    words_ = (character.name, character.brief, character.persona, character.style)
    lines = (character.aliases, character.greeting, character.lines)
    texts = [text for part in words_ for text in (part.zh, part.en)]
    return [*texts, *(t for part in lines for t in (*part.zh, *part.en)), *character.categories]


_MAKING: dict[str, Callable[[Exchange, str], Awaitable[None]]] = {
    "answer": _answer,
    "create": _create,
    "edit": _edit,
    "picture": _picture,
    "show": _show,
    "keep": _keep,
    "draft": _draft,
    "discard": _discard,
    "withdraw": _withdraw,
    "handover": _handover,
    "mine": _mine,
    "import": _import,
    "export": _export,
}
