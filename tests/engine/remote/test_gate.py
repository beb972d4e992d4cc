"""Who is sent to a server next."""

import asyncio

from engine.remote.gate import Gate, Ticket


async def test_a_room_that_asks_for_much_delays_itself():
    gate, order = Gate(1), []
    first = Ticket("greedy", "", True)
    await gate.enter(first)

    async def one(room: str, waiting: bool) -> None:
        ticket = Ticket(room, "", waiting)
        await gate.enter(ticket)
        order.append(room)
        gate.leave(ticket, 10)

    wanted = [("chatter", False), ("greedy", True), ("greedy", True), ("other", True)]
    tasks = [asyncio.create_task(one(room, waiting)) for room, waiting in wanted]
    await asyncio.sleep(0)
    gate.leave(first, 1000)
    await asyncio.gather(*tasks)
    assert order == ["other", "greedy", "greedy", "chatter"]


async def test_who_is_cancelled_leaves_queue_and_place():
    gate = Gate(1)
    first, second, third = (Ticket("r", "", True) for _ in range(3))
    await gate.enter(first)
    waiting = asyncio.create_task(gate.enter(second))
    last = asyncio.create_task(gate.enter(third))
    await asyncio.sleep(0)
    assert (second.position, third.position) == (1, 2)
    waiting.cancel()
    await asyncio.wait({waiting})
    assert third.position == 1
    gate.leave(first, 0)
    await last
    assert third.position == 0
