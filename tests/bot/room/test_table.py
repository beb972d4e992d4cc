"""Every command that a room can carry out has a function, and no function is without a command."""

from bot.commands import COMMANDS
from bot.room.orders import ORDERS
from bot.room.orders.table import number_in

# Carried out by `bot.people`, for whoever gives the order.
OF_PEOPLE = {"persona", "remember", "memory", "correct", "forget", "export", "optout", "optin"}
OF_PEOPLE |= {"share", "retention", "link", "unlink"}


def test_every_command_is_carried_out_by_somebody():
    rooms = {c.id for c in COMMANDS if not c.here_only}
    assert rooms == set(ORDERS) | OF_PEOPLE
    assert set(ORDERS) & OF_PEOPLE == {"forget"}  # one's own memory, or the room's


def test_numbers_in_arguments():
    assert [number_in(text, 4) for text in ("", " 3 ", "第2句", "三句", "x")] == [4, 3, 2, 3, None]
