"""Who answers a message."""

import pytest


@pytest.mark.parametrize("asked", [True, False])
async def test_a_model_that_cannot_tell_who_speaks_next_is_not_asked(play, asked):
    p = play()
    voice, scored = p.room.shared.voice, []
    voice.tasks = frozenset({"turns"} if asked else ())

    async def opinions(scene, among, **how):
        scored.append(among)
        return [0.0 if character.id == "shaseng" else -30.0 for character in among]

    voice.opinions = opinions
    await p.say("/summon 悟空 八戒 沙僧", "八戒，你好", "今天走了多远？")
    assert bool(scored) == asked
    assert p.lines[-1][0] == ("沙僧" if asked else "猪八戒")  # else the partner
