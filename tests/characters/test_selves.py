"""Lines that are said as somebody else."""

import pytest

from characters.card import Language, load_cast
from characters.selves import mistaken
from trainer.scenes import load_scenes

CAST = load_cast()


@pytest.mark.parametrize(
    ("who", "text", "another"),
    [
        # As the taught 1.5B and the told 0.5B were read to say them.
        ("shaseng", "贫僧是天竺国高老庄的沙悟净，如今奉唐王旨意取经。", True),
        ("wukong", "你说谁？贫僧有眼力看透他。", True),
        ("bajie", "Yes, I am Sun Wukong.", True),
        ("shaseng", "我是八戒。", True),
        ("tangseng", "贫僧稽首了。", False),
        ("shaseng", "沙僧在此。", False),
        ("wukong", "师父，你又说“贫僧”两个字！", False),
        ("bajie", "那老孙的棒子，俺可吃不消。", False),
        ("guanyin", "悟空，你来了。", False),
    ],
)
def test_who_takes_itself_for_another(who: str, text: str, another: bool) -> None:
    language: Language = "en" if text.isascii() else "zh"
    assert mistaken(text, CAST[who], CAST, language=language) == another


def test_a_person_of_the_room_counts_too() -> None:
    told = {"language": "zh", "people": ("小明",)}
    assert mistaken("我是小明。", CAST["wukong"], CAST, **told)  # type: ignore[arg-type]
    assert not mistaken("小明是我徒弟。", CAST["wukong"], CAST, **told)  # type: ignore[arg-type]


def test_what_people_wrote_for_the_characters_is_hardly_ever_found() -> None:
    lines = found = 0
    for written in load_scenes(known=CAST):
        scene = written.scene
        people = {turn.speaker for turn in scene.turns if turn.side == "human"}
        for turn in scene.turns:
            if turn.side == "character":
                lines += 1
                found += mistaken(
                    turn.text, CAST[turn.speaker], CAST, language=scene.language, people=people
                )
    assert lines > 4000
    assert found <= lines / 1000
