"""The last file of a person, for a while."""

from bot.memory.attached import attach, attached


async def test_the_last_one_counts_and_is_each_persons_own(memory):
    await attach(memory, "test:attached a", "x" * 300, b"\x00\xff")
    await attach(memory, "test:attached a", "y.png", b"\x01")
    assert await attached(memory, "test:attached a") == ("y.png", b"\x01")
    assert await attached(memory, "test:attached b") is None
