"""mrp say and mrp hear."""
# slow: real processes

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from speech import cli, listen
from speech.error import SpeechError
from speech.espeak import Espeak


def test_a_character_says_a_text_into_a_file(espeak: Espeak, tmp_path: Path, capsys):
    file = tmp_path / "wukong.ogg"
    assert cli.main(["悟空", "老孙来也", "-o", str(file)]) == 0
    info = soundfile.info(str(file))
    assert (info.format, info.subtype) == ("OGG", "OPUS")
    assert info.duration > 0.5
    assert "wukong.ogg" in capsys.readouterr().out
    assert [one.name for one in tmp_path.iterdir()] == ["wukong.ogg"]


def test_what_cannot_be_said(espeak: Espeak, tmp_path: Path):
    with pytest.raises(SpeechError, match="nothing"):
        cli.main(["wukong", "（笑）", "-o", str(tmp_path / "x.ogg")])
    with pytest.raises(SpeechError, match="cannot be written"):
        cli.main(["wukong", "好", "-o", str(tmp_path / "none" / "x.ogg")])
    with pytest.raises(SpeechError, match="off"):
        cli.main(["wukong", "好", "--speech", "off"])
    assert not list(tmp_path.iterdir())


def test_hearing_has_to_be_named(tmp_path: Path):
    with pytest.raises(SpeechError, match="--hearing"):
        listen.main([str(tmp_path / "x.ogg"), "--hearing", "off"])
