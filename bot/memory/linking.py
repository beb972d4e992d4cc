"""Two accounts become one person when both sides say yes; and part again.

    code = await make_code(store)                    # one account asks for a code
    offer = await claim(other, code)                 # the other one says it, and sees who asked
    await agree(other); await agree(store)           # each has seen the other, and says yes

What is moved is moved once, however often it is broken off, and nothing is lost by somebody who
writes meanwhile. The person is kept under the least of the accounts, so that two who link each
other at once move in the same direction. First the root that stays notes who is joining; then the
one that moves points to it, from when on nothing is written there; then what was there is taken
over, in one transaction with the end of the note; then it is deleted. `finish` does what is still
noted.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import redis

from bot.memory.keys import PREFIX, person_key, tag
from bot.memory.known import MOST_ACCOUNTS, Known, parted, united, with_fact
from bot.memory.known_fields import known_from_fields, known_keys
from bot.memory.person_store import Account, PersonStore, write_known

CODE_SECONDS = 600
TRIES = 5  # codes made or tried in that time
_LOCK = f"{PREFIX}linking"
_LOCK_SECONDS = 60  # that somebody who was killed holds it; linking takes some milliseconds
# Without letters and digits that look alike.
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_CODE = 8


def _offer_key(code: str) -> str:
    return f"{PREFIX}{{link:{code}}}"


class TooManyTries(RuntimeError):
    """Too many codes were asked for or tried within ten minutes."""


@dataclass(frozen=True, slots=True)
class Offer:
    """That two sides become one person: the accounts of each, as one side sees it.

    `seen`: this side was shown the other one before; `agreed` and `they_agreed` who said yes.
    """

    code: str
    mine: tuple[Account, ...]
    theirs: tuple[Account, ...]
    seen: bool = False
    agreed: bool = False
    they_agreed: bool = False


async def make_code(store: PersonStore) -> str:
    """A code that links another account to this one: for ten minutes, for one use.

    Raises:
        TooManyTries: five within ten minutes.
    """
    code = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE))

    async def step() -> None:
        async with store.redis.pipeline(transaction=True) as pipe:
            pipe.hset(_offer_key(code), "maker", store.person)
            pipe.expire(_offer_key(code), CODE_SECONDS)
            await pipe.execute()
        await store.redis.set(person_key(store.person, "offer"), code, ex=CODE_SECONDS)

    await _count_try(store)
    await store.lasting(step)
    return code


async def claim(store: PersonStore, code: str) -> Offer | None:
    """Say a code that the other account was given. Nothing is joined by it yet.

    None: there is no such code (any more), it is one's own, somebody else said it before, or the
    two have more accounts than one person can.

    Raises:
        TooManyTries: five within ten minutes.
    """
    await _count_try(store)
    typed = "".join(code.split()).upper().replace("-", "")
    if len(typed) != _CODE or not set(typed) <= set(_ALPHABET):
        return None
    key = _offer_key(typed)

    asked = await store.lasting(lambda: store.redis.hget(key, "maker"))
    if not asked:
        return None
    mine, theirs = await store.known(), await store.other(asked).known()
    accounts = {*mine.accounts, *theirs.accounts}
    if mine.person == theirs.person or len(accounts) > MOST_ACCOUNTS:
        return None

    async def take() -> bool:
        while True:
            try:
                async with store.redis.pipeline(transaction=True) as pipe:
                    await pipe.watch(key)
                    fields = await pipe.hgetall(key)
                    if not fields or fields.get("taker", store.person) != store.person:
                        return False
                    pipe.multi()
                    pipe.hset(key, "taker", store.person)
                    await pipe.execute()
                await store.redis.set(person_key(store.person, "offer"), typed, ex=CODE_SECONDS)
                return True
            except redis.WatchError:
                continue

    return await pending(store) if await store.lasting(take) else None


async def pending(store: PersonStore) -> Offer | None:
    """What this account may say yes to; from now on it counts as seen."""

    async def step() -> tuple[str, dict[str, str]]:
        code = str(await store.redis.get(person_key(store.person, "offer")) or "")
        return code, await store.redis.hgetall(_offer_key(code)) if code else {}

    code, fields = await store.lasting(step)
    side, other = _sides(store, fields)
    if not side or not fields.get(other):
        return None
    offer = Offer(
        code=code,
        mine=await _accounts(store),
        theirs=await _accounts(store.other(fields[other])),
        seen=f"{side}_seen" in fields,
        agreed=f"{side}_yes" in fields,
        they_agreed=f"{other}_yes" in fields,
    )
    await _note(store, code, f"{side}_seen")
    return offer


async def agree(store: PersonStore) -> Known | None:
    """Say yes. Returns the one person once both sides did; None until then, and where there is
    nothing to say yes to, or it was not seen."""
    offer = await pending(store)
    if offer is None or not offer.seen:
        return None
    key = _offer_key(offer.code)
    side, other = _sides(store, await store.lasting(lambda: store.redis.hgetall(key)))
    await _note(store, offer.code, f"{side}_yes")
    fields = await store.lasting(lambda: store.redis.hgetall(key))
    if f"{other}_yes" not in fields:
        return None
    known = await join(store, store.other(fields[other]))
    await store.lasting(lambda: store.redis.delete(key))
    return known


async def decline(store: PersonStore) -> bool:
    """Say no: the code is good for nothing any more. False: there was nothing to say no to."""

    async def step() -> bool:
        own = person_key(store.person, "offer")
        code = await store.redis.get(own)
        await store.redis.delete(own)
        return bool(code and await store.redis.delete(_offer_key(code)))

    return await store.lasting(step)


@contextlib.asynccontextmanager
async def _alone(store: PersonStore) -> AsyncIterator[None]:
    """Hold the lock of all linking: people who link in a ring at once would pass each other by."""
    token = secrets.token_hex(8)

    async def take() -> None:
        while not await store.redis.set(_LOCK, token, nx=True, ex=_LOCK_SECONDS):
            await asyncio.sleep(0.02)

    async def release() -> None:
        if await store.redis.get(_LOCK) == token:
            await store.redis.delete(_LOCK)

    await store.lasting(take)
    try:
        yield
    finally:
        await store.lasting(release)


async def join(one: PersonStore, two: PersonStore) -> Known:
    """Make two people one, under the stricter of their wishes. Both must have agreed."""
    async with _alone(one):
        return await _join(one, two)


async def _join(one: PersonStore, two: PersonStore) -> Known:
    first, second = await one.known(), await two.known()
    if first.person == second.person:
        return first
    stays, moves = sorted((first, second), key=lambda known: known.person)

    def expecting(known: Known) -> Known:
        profile = known.profile
        profile = replace(
            profile,
            accounts=_together(known.accounts, moves.accounts),
            joining=_together(profile.joining, (moves.person,)),
        )
        return replace(known, profile=profile)

    store = one.other(stays.person)
    await store.change(expecting)
    return await _finish(store)


async def unlink(store: PersonStore) -> Known | None:
    """Make this account a person of its own again, with what it told. Returns what it is known as
    then; None: it was not linked."""

    def leaving(known: Known) -> Known:
        others = tuple(account for account in known.accounts if account != store.person)
        leaves = others if store.person == known.person else (store.person,)
        if not others:
            return known
        return replace(known, profile=replace(known.profile, parting=leaves))

    async with _alone(store):
        known = await store.change(leaving)
        if not known.profile.parting:
            return None
        await _finish(store.other(known.person))
    return await store.known()


async def finish(store: PersonStore) -> Known:
    """Do what was begun: take over who is joining, clear what was taken over, let go who parts.
    Returns what is known then."""
    known = await store.known()
    if not (known.profile.joining or known.profile.clearing or known.profile.parting):
        return known
    async with _alone(store):
        return await _finish(store)


async def _finish(store: PersonStore) -> Known:
    known = await store.known()
    while known.profile.joining:  # what is taken over may bring more
        root = known.profile.joining[0]
        if root == known.person:  # it was joined the other way round meanwhile
            known = await store.change(lambda k, root=root: _joined(k, root))  # type: ignore[misc]
        else:
            await _take_over(store, root)
            known = await store.known()
    for root in known.profile.clearing:
        known = await _clear(store, known, root)
    if known.profile.parting:
        known = await _let_go(store, known)
    return known


async def _take_over(store: PersonStore, root: str) -> Known:
    into = (await store.known()).person
    await store.lasting(lambda: _try_point(store, root, into))
    at, now = await store.lasting(lambda: store.try_account(root)), (await store.known()).person
    if at.root != now:
        # It went to somebody else before it came here: then all three are one.
        await store.change(lambda known: _joined(known, root) if known.person == now else known)
        return await _join(store, store.other(at.root))

    async def read() -> Known:
        hashes = [await store.redis.hgetall(key) for key in known_keys(root)]
        return known_from_fields(root, hashes)

    moved = await store.lasting(read)

    def absorb(known: Known) -> Known:
        if root not in known.profile.joining or root in known.profile.clearing:
            return _joined(known, root)  # another process was quicker
        one = united(known, moved)
        clearing = _together(one.profile.clearing, (root,))
        return _joined(replace(one, profile=replace(one.profile, clearing=clearing)), root)

    return await store.change(absorb)


async def _clear(store: PersonStore, known: Known, root: str) -> Known:
    """Delete what was taken over, and tell all accounts where they are kept, and for how long."""

    async def clear() -> None:
        own = person_key(root, "account")
        while True:
            try:
                async with store.redis.pipeline(transaction=True) as pipe:
                    await pipe.watch(own)
                    if await pipe.hget(own, "self"):  # else it is a person of its own again
                        pipe.multi()
                        pipe.delete(*known_keys(root))
                        await pipe.execute()
                    break
            except redis.WatchError:
                continue
        await _try_tell(store, known, "linked")

    def cleared(known: Known) -> Known:
        clearing = tuple(each for each in known.profile.clearing if each != root)
        return replace(known, profile=replace(known.profile, clearing=clearing))

    if root != known.person:
        await store.lasting(clear)
        await store.tell_days(known)
    return await store.change(cleared)


async def _let_go(store: PersonStore, known: Known) -> Known:
    leaves = known.profile.parting
    _, left = parted(known, leaves)

    async def move() -> None:
        """The new root gets what it told and points to nobody, in one transaction."""
        own = person_key(left.person, "account")
        while True:
            try:
                async with store.redis.pipeline(transaction=True) as pipe:
                    await pipe.watch(own)
                    if not await pipe.hget(own, "self"):
                        return  # another process was quicker
                    pipe.multi()
                    pipe.delete(*known_keys(left.person))
                    write_known(pipe, Known(left.person), left)
                    pipe.hdel(own, "self")
                    await pipe.execute()
                    return
            except redis.WatchError:
                continue

    late: list[Known] = []

    def stay(known: Known) -> Known:
        late.clear()
        if known.profile.parting != leaves:
            return known
        staying, leaving = parted(known, leaves)
        late.append(leaving)
        return staying

    async def tell() -> None:
        for account in left.accounts:
            if account != left.person:
                await _try_point(store, account, left.person, anew=True)
        for one in (known, left):
            await _try_tell(store, one, "unlinked")

    if left.person:
        await store.lasting(move)
        await store.lasting(tell)
    known = await store.change(stay)
    for leaving in late:  # what was told between the two

        def more(there: Known, leaving: Known = leaving) -> Known:
            for fact in leaving.facts:
                there, _ = with_fact(there, fact)
            return there

        await store.other(left.person).change(more)
    return known


def _joined(known: Known, root: str) -> Known:
    joining = tuple(each for each in known.profile.joining if each != root)
    return replace(known, profile=replace(known.profile, joining=joining))


def _together(some: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*some, *more)))


async def _try_point(store: PersonStore, account: str, root: str, *, anew: bool = False) -> None:
    """Let an account say under which one it is kept, unless it does already (or `anew`)."""
    if account == root:
        return
    key = person_key(account, "account")
    await (store.redis.hset if anew else store.redis.hsetnx)(key, "self", root)


async def _try_tell(store: PersonStore, known: Known, news: str) -> None:
    """Leave a notice with every account, which it gets when it speaks in private."""
    text = " ".join((news, *map(tag, known.accounts)))
    for account in known.accounts:
        await store.redis.hset(person_key(account, "account"), "news", text)


def _sides(store: PersonStore, fields: dict[str, str]) -> tuple[str, str]:
    """Which side of an offer this account is, and the other one; ("", "") when none."""
    if fields.get("maker") == store.person:
        return "maker", "taker"
    if fields.get("taker") == store.person:
        return "taker", "maker"
    return "", ""


async def _accounts(store: PersonStore) -> tuple[Account, ...]:
    known = await store.known()

    async def step() -> tuple[Account, ...]:
        return tuple([await store.try_account(account) for account in known.accounts])

    return await store.lasting(step)


async def _note(store: PersonStore, code: str, field: str) -> None:
    """Set a field of an offer that is still there."""

    async def step() -> None:
        if await store.redis.exists(_offer_key(code)):
            async with store.redis.pipeline(transaction=True) as pipe:
                pipe.hset(_offer_key(code), field, "1")
                pipe.expire(_offer_key(code), CODE_SECONDS)
                await pipe.execute()

    await store.lasting(step)


async def _count_try(store: PersonStore) -> None:
    key = person_key(store.person, "tries")

    async def step() -> int:
        async with store.redis.pipeline(transaction=True) as pipe:
            pipe.set(key, 0, ex=CODE_SECONDS, nx=True)
            pipe.incr(key)
            return int((await pipe.execute())[1])

    if await store.lasting(step) > TRIES:
        raise TooManyTries


async def offers_of(client: Any, accounts: frozenset[str]) -> list[str]:
    """Keys of the offers that one of these accounts is a side of. One attempt."""
    found: list[str] = []
    async for key in client.scan_iter(match=_offer_key("*"), count=1000):
        if accounts & {*await client.hmget(key, "maker", "taker")}:
            found.append(key)
    return found
