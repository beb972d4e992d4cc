"""Pieces cross from the engine's thread to the loops that wait for them."""

import asyncio
import threading

from engine.mailbox import Inbox, Mailbox, Outbox
from engine.sequence import EngineError


async def test_a_waiting_caller_is_woken_by_a_piece_from_another_thread():
    mailbox, outbox = Mailbox(), Outbox()
    waiting = asyncio.create_task(mailbox.news())
    await asyncio.sleep(0)

    def step() -> None:
        outbox.put(mailbox, "老孙")
        outbox.put(mailbox, "来也", "stop")
        outbox.deliver()

    threading.Thread(target=step).start()
    await asyncio.wait_for(waiting, 5)
    assert list(mailbox.pieces) == ["老孙", "来也"]
    assert (mailbox.finish, mailbox.closed) == ("stop", True)


async def test_nothing_is_handed_over_before_it_is_delivered():
    mailbox, outbox = Mailbox(), Outbox()
    outbox.put(mailbox, "x")
    await asyncio.sleep(0)
    assert not mailbox.pieces
    outbox.deliver()
    await asyncio.sleep(0)
    assert list(mailbox.pieces) == ["x"]


async def test_the_first_error_and_the_first_end_count():
    mailbox = Mailbox()
    first, second = EngineError("a"), EngineError("b")
    mailbox.put("", "stop", first)
    mailbox.put("", "length", second)
    assert (mailbox.finish, mailbox.error) == ("stop", first)


def test_a_caller_whose_loop_is_gone_harms_nobody():
    async def make() -> Mailbox:
        return Mailbox()

    gone = asyncio.run(make())
    outbox = Outbox()
    outbox.put(gone, "x")
    outbox.deliver()


def test_requests_come_in_order_and_a_closed_inbox_says_why():
    inbox: Inbox[int] = Inbox()
    assert inbox.put("ask", 1) is None
    assert inbox.put("leave", 2) is None
    assert inbox
    assert inbox.take() == [("ask", 1), ("leave", 2)]
    assert not inbox
    error = EngineError("gone")
    inbox.close(error)
    inbox.close(EngineError("later"))
    assert inbox.put("ask", 3) is error
    assert not inbox
    inbox.wait()  # returns at once


def test_who_waits_is_woken_by_a_request():
    inbox: Inbox[int] = Inbox()
    thread = threading.Thread(target=inbox.wait)
    thread.start()
    inbox.put("ask", 1)
    thread.join(5)
    assert not thread.is_alive()
