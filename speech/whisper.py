"""The faster-whisper backend: recognition with OpenAI's Whisper on a CPU, in 8 bits.

    await Whisper(folder).transcribe(samples)        # mono, 16 kHz

A model is a folder with `model.bin` in CTranslate2's form. This file is the door to
`faster_whisper`. What its voice detector takes for silence or noise never reaches the model, which
else makes sentences of it.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from speech.model import Model, broken
from speech.sound import Samples
from text.folding import simplified

FILES = ("model.bin", "config.json", "tokenizer.json")
BEAMS = 3
USUAL = ("zh", "en")  # what is spoken here
SURE = 0.9  # the least probability of another language: short notes are taken for many
_LEAST = 8  # bytes of a file that holds anything


def holds(folder: Path) -> bool:
    """Whether a folder is meant for this backend."""
    return (folder / "model.bin").is_file()


def missing(folder: Path) -> str:
    """What is missing to use a folder; "" for nothing."""
    if importlib.util.find_spec("faster_whisper") is None:
        return "the Python package faster-whisper is missing: pip install 'mrp-llm[hearing]'"
    for name in FILES:
        file = folder / name
        if not file.is_file() or file.stat().st_size < _LEAST:
            return str(broken(folder, f"{name} is missing or empty"))
    return ""


def open_folder(folder: Path) -> Any:
    """The library's recogniser. It looks nothing up elsewhere."""
    import faster_whisper  # an extra

    return faster_whisper.WhisperModel(
        str(folder), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True
    )


class Whisper:
    """Speech-to-text with a model in `folder`."""

    def __init__(self, folder: Path, name: str = "") -> None:
        self._model = Model(folder, lambda: missing(folder), open_folder)
        self.name = name or folder.name

    def missing(self) -> str:
        return self._model.missing()

    async def transcribe(self, samples: Samples) -> str:
        """The words of a note (mono, 16 kHz).

        Raises:
            SpeechError: the model is missing, broken or too slow.
        """

        def hear(recogniser: Any) -> str:
            def begun(language: str | None) -> tuple[Any, Any]:
                pieces, info = recogniser.transcribe(
                    samples,
                    language=language,
                    beam_size=BEAMS,
                    vad_filter=True,
                    condition_on_previous_text=False,
                    without_timestamps=True,
                )
                return pieces, info  # nothing but the language is computed before a piece is read

            pieces, info = begun(None)
            if info.language_probability < SURE and recogniser.model.is_multilingual:
                found = dict(info.all_language_probs or ())
                usual = max(USUAL, key=lambda one: found.get(one, 0.0))
                if usual != info.language:
                    pieces, info = begun(usual)
            # No prompt that asks for simplified characters: of a note that is hard to understand
            # the model says the prompt again.
            text = "".join(piece.text for piece in pieces if piece.no_speech_prob < 0.8)
            return simplified(text) if info.language == "zh" else text

        found: str = await self._model.run(hear)
        return found

    async def close(self) -> None:
        self._model.close()
