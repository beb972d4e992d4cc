"""What everybody may order about their own memory: see it, correct it, forget it, take it along.

    text = await obey(Order("forget", "3"), memory.person(person), room=…, private=…, alone=…, …)

Returns what to tell them, or None for an order of another kind. Where others can read the answer
(`alone` is false), what was told in private is not in it.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Sequence

from bot.commands import Order
from bot.consent import NO, SHARED, YES, share
from bot.memory import (
    LEAST_DAYS,
    LONGEST_FACT,
    LONGEST_PERSONA,
    MOST_DAYS,
    Account,
    Bond,
    Fact,
    Known,
    Offer,
    PersonMemory,
    TooManyTries,
    linking,
)
from bot.recall import visible
from characters.card import Language, Words

# The orders that are about one's own memory.
ORDERS = frozenset(
    ("memory", "remember", "correct", "export", "optout", "optin", "share", "retention")
) | {"link", "unlink", "persona"}
_EVERYTHING = {"all", "everything", "全部", "一切", "所有", "关于我的一切", "all about me"}
# "all, keep my characters", 「全部，留下角色」
_HAND_OVER = re.compile(
    r"(.{1,20}?)[\s,，、;；]{1,4}(?:keep(?: my)? characters|(?:留下|交出)角色)", re.IGNORECASE
)
_NOBODY = {"none", "off", "nobody", "无", "没有", "谁也不是", "取消"}

NOTHING = Words(
    "没有记得你什么。说“记住：……”就会记住。",
    'Nothing is remembered of you. Say "remember that …" and it will be.',
)
KNOWN = Words(
    "记得你这些（/更正 号码 新说法，/忘记 号码，/忘记 全部）：",
    "What is remembered of you (/correct NUMBER TEXT, /forget NUMBER, /forget all):",
)
FACT = Words("{number}. {text}（{how}，{day}）", "{number}. {text} ({how}, {day})")
ON_PURPOSE = Words("你要记的", "as you asked")
GATHERED = Words("听来的，{sure:.0%}", "gathered, {sure:.0%}")
IN_PRIVATE = Words("，私下说的", ", said in private")
TALKED = Words(
    "和{who}说过 {talks} 回话，{first}起。{summary}",
    "Talks with {who}, since {first}: {talks}. {summary}",
)
PERSONA_HERE = Words("你在这里是：{}", "Here you are: {}")
MORE_IN_PRIVATE = Words(
    "私下说的 {} 条不在这里列出，请私聊我。",
    "{} more, told in private, are not listed here; ask me in private.",
)
SETTINGS = Words(
    "群里{groups}；私下说的{shared}；{days} 天不来就全部忘掉。",
    "In groups {groups}; what you say in private {shared}; all is forgotten when you stay away "
    "(days: {days}).",
)
GROUPS = {
    True: Words("会记你", "you are remembered"),
    False: Words("不记你", "you are not remembered"),
}
REMEMBERED = Words("记住了（{}）：{}", "Remembered ({}): {}")
NOT_KEPT = Words(
    "你让群里不要记你，所以没有记。私聊我再说，或先 /可以记我。",
    "You opted out of being remembered in groups, so it was not kept. Tell me in private, or "
    "/optin first.",
)
WHAT = Words(
    "记住什么？例如：/记住 我对花生过敏",
    "Remember what? For example: /remember I am allergic to peanuts",
)
TOO_LONG = Words("太长了：最多 {} 个字。", "That is too long: {} characters at most.")
CORRECTED = Words("改成了（{}）：{}", "Corrected ({}): {}")
HOW_CORRECT = Words(
    "怎么改？例如：/更正 3 我对虾过敏。号码见 /记忆",
    "Correct what? For example: /correct 3 I am allergic to shrimp. The numbers are in /memory",
)
NO_SUCH = Words(
    "没有第 {} 条，号码见 /记忆。", "There is no number {}; the numbers are in /memory."
)
GONE = Words("忘了：{}", "Forgotten: {}")
GONE_PRIVATELY = Words("忘了第 {} 条。", "Number {} is forgotten.")
ALL_GONE = Words(
    "关于你的一切都已抹去：{facts} 件事，你在 {rooms} 间屋子里说的话和得到的回答共 {turns} 句，"
    "反馈 {feedback} 条，设置和绑定。以后再说话，就像初次见面。",
    "Everything about you is erased. Facts: {facts}; lines that you said and that answered you: "
    "{turns} (rooms: {rooms}); feedback: {feedback}; settings and links. If you speak again, it "
    "will be as if for the first time.",
)
MADE_GONE = Words("你做的 {} 个角色也走了。", " The characters you made went, too: {}.")
HANDED_OVER = Words(
    "你做的 {} 个角色里，别人能请的留给了大家，不再有你的名字；只在私聊里的走了。",
    " Of the characters you made ({}), those that others can summon stay, without your name; "
    "private ones are gone.",
)
OUT = Words(
    "群里从此不记你：从群里学到的都忘了；你在群里的话只留到这场戏演完（至多一小时），之后抹去。"
    "私聊照旧，/可以记我 改回来。",
    "From now on you are not remembered in groups: what was learned there is forgotten, and what "
    "you say there stays for the scene (an hour at most) and is then erased. Private talk is as "
    "before; /optin changes it back.",
)
IN = Words("群里可以记你了。", "You are remembered in groups again.")
DAYS_NOW = Words(
    "{} 天不来，就忘掉关于你的一切。/保留 30 改成三十天（{} 到 {}）。",
    "After {} without you everything about you is forgotten. /retention 30 makes it thirty "
    "({} to {}).",
)
IN_PRIVATE_ONLY = Words(
    "请私聊我再说这个，这里别人也看得见。", "Ask me that in private: here others can read it, too."
)
CODE = Words(
    "口令 {code}，十分钟内有效，只能用一次。用另一个账号私聊我：/绑定 {code}\n"
    "之后两边都会问你要不要绑定，都答应了才算。不要把口令告诉别人。",
    "Code {code}, good for ten minutes and for one use. Tell me in private with your other "
    "account: /link {code}\nThen both accounts are asked, and both must say yes. Give the code to "
    "nobody else.",
)
OFFER = Words(
    "要把这些账号绑定成同一个人吗？\n对方：{theirs}\n你：{mine}\n"
    "绑定以后，两边都看得到、也能抹去关于你的一切。"
    "都是你自己的账号才答应：/绑定 是。不是就说：/绑定 不。",
    "Shall these accounts become one person?\nTheirs: {theirs}\nYours: {mine}\n"
    "From then on each of them sees, and can erase, all that is remembered of you. Say yes only if "
    "all of them are your own: /link yes. Otherwise: /link no.",
)
OTHER_SIDE = Words(
    "这边答应了。现在用另一个账号（{theirs}）私聊我：/绑定，再答应一次。",
    "This side has said yes. Now tell me in private with the other account ({theirs}): /link, and "
    "say yes there, too.",
)
NO_OFFER = Words(
    "没有等你答应的绑定。先在一个账号上 /绑定 拿口令，再用另一个账号说。",
    "There is nothing to say yes or no to. Ask for a code with /link on one account, and say it "
    "with the other one.",
)
DECLINED = Words("没有绑定，口令作废了。", "Nothing was linked, and the code is void.")
LINKED = Words(
    "绑定好了：{} 是同一个人。/解绑 可以拆开。",
    "Linked: {} are one person now. /unlink takes this account out again.",
)
UNLINKED = Words(
    "拆开了：这个账号又是单独一个人，用它告诉我的都跟着它。",
    "Unlinked: this account is a person of its own again, with what was told with it.",
)
NOT_LINKED = Words("这个账号没有绑定。", "This account is not linked.")
WERE_LINKED = Words(
    "你的账号已经绑定：{} 现在是同一个人。如果不是你做的：/解绑。",
    "Your account was linked: {} are one person now. If that was not you: /unlink.",
)
WERE_UNLINKED = Words(
    "绑定已经拆开，现在和你同一个人的账号：{}。",
    "The link was undone; the accounts that are one person with you now: {}.",
)
# What became of a character, by what `PersonMemory.notify` is told.
REVIEWED = {
    "approved": Words(
        "你做的{}通过了审核，在那里可以请上场了。{}",
        "{}, whom you made, was approved and can be summoned there. {}",
    ),
    "refused": Words(
        "你做的{}没有通过审核，只能在私聊里用。{}",
        "{}, whom you made, was not approved and stays for private use. {}",
    ),
    "removed": Words("你做的{}被撤下了。{}", "{}, whom you made, was taken away. {}"),
}
NO_CODE = Words(
    "这个口令不能用：过期了、用过了，或者就是你自己的。在另一个账号上重新 /绑定。",
    "This code does not work: it is too old, used, or your own. Ask for a new one with /link on "
    "your other account.",
)
TRIES = Words("试得太多了，过十分钟再来。", "Too many tries; come back in ten minutes.")
NOBODY_HERE = Words(
    "还没说你在这里是谁。例如：/身份 一个赶考的书生",
    "You have not said who you are here. For example: /persona a student on the way to his exam",
)
NOW_YOU_ARE = Words("从此你在这里是：{}", "Here you are from now on: {}")
NOT_ANYBODY = Words("你在这里只是你自己。", "Here you are just yourself.")

SHARED_SENDER = Words(
    "几个人共用这个身份（匿名管理员或频道），所以不替它记住什么。用自己的账号再来一次。",
    "Several people share this sender (anonymous administrators, or a channel), so nothing is "
    "remembered of it. Do it again from your own account.",
)


async def obey(
    order: Order,
    person: PersonMemory,
    *,
    room: str,
    private: bool,
    alone: bool,
    language: Language,
    named: Callable[[str], str] = str,
) -> str | None:
    """Do it and return what to say. `named` gives a character's shown name for its id.

    Raises:
        MemoryAway, MemoryProblem: it cannot be done now.
    """
    argument = order.argument.strip()
    match order.id:
        case "memory":
            known = await person.known()
            return _told(known, room, private or alone, private, language, named)
        case "remember":
            return await _remember(argument, person, room, private, language)
        case "correct":
            return await _correct(argument, person, language)
        case "forget":
            return await _forget(argument, person, alone, language)
        case "export":
            if not alone:
                return IN_PRIVATE_ONLY[language]
            return json.dumps(await person.export(), ensure_ascii=False, indent=2)
        case "optout":
            await person.set(in_groups=False)
            return OUT[language]
        case "optin":
            await person.set(in_groups=True)
            return IN[language]
        case "share":
            return await share(argument, person, language)
        case "retention":
            return await _retention(argument, person, language)
        case "link":
            return await _link(argument, person, private, language)
        case "unlink":
            return await _unlink(person, private, language)
        case "persona":
            return await _persona(argument, person, room, language)
    return None


def _told(
    known: Known,
    room: str,
    all_of_it: bool,
    private: bool,
    language: Language,
    named: Callable[[str], str],
) -> str:
    facts = list(known.facts) if all_of_it else visible(known, private=False)
    rows = [_row(fact, language) for fact in facts]
    for (who, alone), bond in known.bonds.items():
        if all_of_it or not alone or known.profile.shared:
            rows.append(_bond(bond, named(who), language))
    if persona := known.personas.get(room):
        rows.append(PERSONA_HERE[language].format(persona))
    rows = [KNOWN[language], *rows] if rows else [NOTHING[language]]
    if hidden := len(known.facts) - len(facts):
        rows.append(MORE_IN_PRIVATE[language].format(hidden))
    profile = known.profile
    rows.append(
        SETTINGS[language].format(
            groups=GROUPS[profile.in_groups][language],
            shared=SHARED[profile.shared][language],
            days=profile.days,
        )
    )
    return "\n".join(rows)


def _row(fact: Fact, language: Language) -> str:
    how = ON_PURPOSE[language] if fact.pinned else GATHERED[language].format(sure=fact.sure)
    if fact.private:
        how += IN_PRIVATE[language]
    return FACT[language].format(number=fact.id, text=fact.text, how=how, day=_day(fact.at))


def _bond(bond: Bond, who: str, language: Language) -> str:
    row = TALKED[language].format(
        who=who, talks=bond.talks, first=_day(bond.first), summary=bond.summary
    )
    return row.strip()


def _day(at: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at))


async def _remember(
    argument: str, person: PersonMemory, room: str, private: bool, language: Language
) -> str:
    if not argument:
        return WHAT[language]
    if len(argument) > LONGEST_FACT:
        return TOO_LONG[language].format(LONGEST_FACT)
    kept = await person.learn([Fact(argument, room=room, private=private, pinned=True)])
    if not kept:
        return NOT_KEPT[language]
    return REMEMBERED[language].format(kept[0].id, kept[0].text)


async def _correct(argument: str, person: PersonMemory, language: Language) -> str:
    match = re.match(r"[#＃]?(\d{1,9})\s*[.．、:：]?\s*(\S.*)$", argument, re.DOTALL)
    if not match:
        return HOW_CORRECT[language]
    if len(match[2]) > LONGEST_FACT:
        return TOO_LONG[language].format(LONGEST_FACT)
    fact = await person.correct(int(match[1]), match[2])
    if fact is None:
        return NO_SUCH[language].format(int(match[1]))
    return CORRECTED[language].format(fact.id, fact.text)


async def _forget(
    argument: str, person: PersonMemory, alone: bool, language: Language
) -> str | None:
    keeping = _HAND_OVER.fullmatch(argument)
    what = keeping[1] if keeping else argument
    if what.strip().casefold() in _EVERYTHING:
        handed = await person.hand_over() if keeping else 0
        gone = await person.forget_everything()
        told = ALL_GONE[language].format(
            facts=gone.facts, rooms=gone.rooms, turns=gone.turns, feedback=gone.feedback
        )
        if handed:
            return told + HANDED_OVER[language].format(handed)
        return told + (MADE_GONE[language].format(gone.characters) if gone.characters else "")
    match = re.fullmatch(r"[#＃]?(\d{1,9})", argument)
    if not match:
        return None  # the room's own
    fact = await person.forget(int(match[1]))
    if fact is None:
        return NO_SUCH[language].format(int(match[1]))
    if fact.private and not alone:
        return GONE_PRIVATELY[language].format(fact.id)
    return GONE[language].format(fact.text)


async def _retention(argument: str, person: PersonMemory, language: Language) -> str:
    match = re.fullmatch(r"(\d{1,6})\s*(?:天|日|days?|d)?", argument)
    if match and LEAST_DAYS <= int(match[1]) <= MOST_DAYS:
        profile = await person.set(days=int(match[1]))
    else:
        profile = (await person.known()).profile
    return DAYS_NOW[language].format(_days(profile.days, language), LEAST_DAYS, MOST_DAYS)


def _days(days: int, language: Language) -> str:
    if language == "zh":
        return str(days)
    return f"{days} day" if days == 1 else f"{days} days"


async def _link(argument: str, person: PersonMemory, private: bool, language: Language) -> str:
    if not private:
        return IN_PRIVATE_ONLY[language]  # whoever reads the code, or who is who, could use it
    word, store = argument.casefold(), person.store
    try:
        if word in NO:
            declined = await linking.decline(store)
            return DECLINED[language] if declined else NO_OFFER[language]
        if word and word not in YES:
            offer = await linking.claim(store, argument)
            return _offer(offer, language) if offer else NO_CODE[language]
        offer = await linking.pending(store)
        if offer is None:
            return (
                NO_OFFER[language]
                if word
                else CODE[language].format(code=await linking.make_code(store))
            )
    except TooManyTries:
        return TRIES[language]
    if not word or not offer.seen:
        return _offer(offer, language)
    known = await linking.agree(store)
    if known is None:
        return OTHER_SIDE[language].format(theirs=_accounts(offer.theirs))
    await person.news()  # it is told now
    return LINKED[language].format(_platforms(known.profile.accounts))


def _offer(offer: Offer, language: Language) -> str:
    return OFFER[language].format(theirs=_accounts(offer.theirs), mine=_accounts(offer.mine))


def _accounts(accounts: Sequence[Account]) -> str:
    """Accounts as people know them: by platform and shown name."""
    return " + ".join(
        f"{account.id.partition(':')[0]} {account.name or account.id.partition(':')[2]}"
        for account in accounts
    )


def _platforms(accounts: Iterable[str]) -> str:
    return " + ".join(account.partition(":")[0] for account in accounts)


async def _unlink(person: PersonMemory, private: bool, language: Language) -> str:
    if not private:
        return IN_PRIVATE_ONLY[language]
    if await linking.unlink(person.store) is None:
        return NOT_LINKED[language]
    await person.news()
    return UNLINKED[language]


async def news(person: PersonMemory, language: Language) -> str | None:
    """What to tell somebody in private, once: what was done with another account of theirs, or
    what became of a character that they made."""
    found = await person.news()
    if found is None:
        return None
    if found[0] in REVIEWED:
        return REVIEWED[found[0]][language].format(*found[1])
    words = WERE_LINKED if found[0] == "linked" else WERE_UNLINKED
    return words[language].format(_platforms(found[1]))


async def _persona(argument: str, person: PersonMemory, room: str, language: Language) -> str:
    if not argument:
        persona = (await person.known()).personas.get(room)
        return PERSONA_HERE[language].format(persona) if persona else NOBODY_HERE[language]
    if len(argument) > LONGEST_PERSONA:
        return TOO_LONG[language].format(LONGEST_PERSONA)
    if argument.casefold() in _NOBODY:
        await person.introduce(room, "")
        return NOT_ANYBODY[language]
    await person.introduce(room, argument)
    return NOW_YOU_ARE[language].format(" ".join(argument.split()))
