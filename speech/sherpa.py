"""The sherpa-onnx backend: text-to-speech and recognition with neural models on a CPU.

    Speaking(folder).synthesize("你好。", voice)      Kokoro (Chinese and English) or VITS/MeloTTS
    Listening(folder).transcribe(samples)             SenseVoice or Whisper

A model is a folder as its authors publish it; which kind it is says what lies in it. This file is
the door to `sherpa_onnx`. The library checks little and ends the process on some broken files, so
the files are checked here first, and `model` loads them in a process of its own once.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from characters.voices import Voice
from speech.error import SpeechError
from speech.model import Model, broken
from speech.sound import HEARD_RATE, Samples, resampled

_LEAST = 64  # bytes of a file that holds anything

# The speakers of Kokoro multi-lang 1.0 in the order of its voices.bin, which holds no names.
KOKORO: list[str] = (  # noqa: SIM905  a list would take 54 lines
    "af_alloy af_aoede af_bella af_heart af_jessica af_kore af_nicole af_nova af_river af_sarah "
    "af_sky am_adam am_echo am_eric am_fenrir am_liam am_michael am_onyx am_puck am_santa bf_alice "
    "bf_emma bf_isabella bf_lily bm_daniel bm_fable bm_george bm_lewis ef_dora em_alex ff_siwis "
    "hf_alpha hf_beta hm_omega hm_psi if_sara im_nicola jf_alpha jf_gongitsune jf_nezumi "
    "jf_tebukuro jm_kumo pf_dora pm_alex pm_santa zf_xiaobei zf_xiaoni zf_xiaoxiao zf_xiaoyi "
    "zm_yunjian zm_yunxi zm_yunxia zm_yunyang"
).split()


def available() -> str:
    """ "" when sherpa-onnx is installed, else what is missing."""
    if importlib.util.find_spec("sherpa_onnx") is None:
        return "the Python package sherpa-onnx is missing: pip install 'mrp-llm[voices]'"
    return ""


def kind_of(folder: Path) -> str:
    """What a folder holds: "kokoro", "vits", "sensevoice", "whisper".

    Raises:
        SpeechError: nothing of these, or a file of it is missing or empty.
    """
    names = {file.name for file in folder.iterdir()} if folder.is_dir() else set()
    needs: tuple[str, ...]
    if any(name.endswith(("-encoder.onnx", "-encoder.int8.onnx")) for name in names):
        kind, needs = "whisper", (_one(folder, "*-decoder*.onnx"), _one(folder, "*tokens.txt"))
    elif "voices.bin" in names:
        kind = "kokoro"
        # sherpa-onnx 2 reads no word without a lexicon.
        needs = (
            _one(folder, "model*.onnx"),
            "tokens.txt",
            "espeak-ng-data",
            _one(folder, "lexicon*.txt"),
        )
    elif "lexicon.txt" in names or (names and (folder / "dict").is_dir()):
        kind, needs = "vits", (_one(folder, "*.onnx"), "tokens.txt", "lexicon.txt")
    elif "tokens.txt" in names:
        kind, needs = "sensevoice", (_one(folder, "model*.onnx"), "tokens.txt")
    else:
        raise SpeechError(
            f"{folder} 里没有语音模型（Kokoro、MeloTTS、SenseVoice 或 Whisper）。",
            f"{folder} holds no speech model (Kokoro, MeloTTS, SenseVoice or Whisper as "
            "sherpa-onnx publishes them); fetch one: mrp model pull kokoro, or sensevoice",
        )
    for name in needs:
        file = folder / name
        if not file.exists() or (file.is_file() and file.stat().st_size < _LEAST // 8):
            raise broken(folder, f"{name} is missing or empty")
    return kind


def _one(folder: Path, pattern: str) -> str:
    """The file of a pattern, of several the quantized one; the pattern where there is none."""
    found = sorted(file.name for file in folder.glob(pattern))
    return next((name for name in found if "int8" in name), found[0] if found else pattern)


def _lexicons(folder: Path) -> str:
    return ",".join(
        str(f) for f in (folder / "lexicon-us-en.txt", folder / "lexicon-zh.txt") if f.exists()
    )


def open_tts(folder: Path, kind: str) -> Any:
    """The library's engine for a folder that `kind_of` knows."""
    import sherpa_onnx  # an extra

    common = {"tokens": str(folder / "tokens.txt")}
    if (folder / "dict").is_dir():
        common["dict_dir"] = str(folder / "dict")
    model = sherpa_onnx.OfflineTtsModelConfig(num_threads=1)
    if kind == "kokoro":
        model.kokoro = sherpa_onnx.OfflineTtsKokoroModelConfig(
            model=str(folder / _one(folder, "model*.onnx")),
            voices=str(folder / "voices.bin"),
            data_dir=str(folder / "espeak-ng-data"),
            lexicon=_lexicons(folder),
            **common,
        )
    else:
        model.vits = sherpa_onnx.OfflineTtsVitsModelConfig(
            model=str(folder / _one(folder, "*.onnx")),
            lexicon=str(folder / "lexicon.txt"),
            **common,
        )
    # No rule files for numbers: `reading` has made words of them.
    config = sherpa_onnx.OfflineTtsConfig(model=model)
    if not config.validate():
        raise ValueError("the library does not take its files")
    return sherpa_onnx.OfflineTts(config)


def open_recogniser(folder: Path, kind: str) -> Any:
    """The library's recogniser for a folder that `kind_of` knows."""
    import sherpa_onnx  # an extra

    if kind == "whisper":
        return sherpa_onnx.OfflineRecognizer.from_whisper(
            encoder=str(folder / _one(folder, "*-encoder*.onnx")),
            decoder=str(folder / _one(folder, "*-decoder*.onnx")),
            tokens=str(folder / _one(folder, "*tokens.txt")),
            language="",  # whichever is heard
            num_threads=1,
        )
    return sherpa_onnx.OfflineRecognizer.from_sense_voice(
        model=str(folder / _one(folder, "model*.onnx")),
        tokens=str(folder / "tokens.txt"),
        use_itn=True,
        num_threads=1,
    )


_OPENERS: Mapping[str, Callable[[Path, str], Any]] = {
    "kokoro": open_tts,
    "vits": open_tts,
    "sensevoice": open_recogniser,
    "whisper": open_recogniser,
}


def open_folder(folder: Path) -> Any:
    """The library's engine or recogniser for whatever a folder holds."""
    kind = kind_of(folder)
    return _OPENERS[kind](folder, kind)


def _missing(folder: Path, kinds: tuple[str, ...]) -> str:
    """What is missing to use a folder for these; "" for nothing."""
    if lacks := available():
        return lacks
    try:
        kind = kind_of(folder)
    except SpeechError as problem:
        return str(problem)
    return "" if kind in kinds else f"{folder} holds {kind}, not {' or '.join(kinds)}"


class Speaking:
    """Text-to-speech with a model in `folder`; `name` is what cards call the engine."""

    def __init__(self, folder: Path, name: str = "") -> None:
        self._model = Model(folder, lambda: _missing(folder, ("kokoro", "vits")), open_folder)
        self.name = name or folder.name

    @property
    def key(self) -> str:
        return f"{self.name} {self._model.folder}"

    def missing(self) -> str:
        return self._model.missing()

    async def synthesize(self, sentence: str, voice: Voice) -> tuple[Samples, int]:
        """Samples of one sentence. The model cannot change its pitch: it speaks slower or faster,
        and what it said is played at another rate.

        Raises:
            SpeechError: the model is missing, broken or too slow, or has no such speaker.
        """
        number = speaker_number(voice.speaker(self.name))
        higher = 2 ** (voice.pitch_on(self.name) / 12)

        def say(engine: Any) -> tuple[Samples, int]:
            if number >= max(1, int(engine.num_speakers)):
                raise SpeechError(
                    f"这个模型没有第 {number} 号嗓音。", f"this model has no speaker {number}."
                )
            made = engine.generate(sentence, sid=number, speed=voice.rate / higher)
            samples = np.asarray(made.samples, dtype=np.float32)
            rate = int(made.sample_rate)
            if abs(higher - 1) > 0.01 and len(samples):
                samples = resampled(samples, round(rate * higher / 100) * 100, rate)
            return samples, rate

        found: tuple[Samples, int] = await self._model.run(say)
        return found

    async def close(self) -> None:
        self._model.close()


def speaker_number(name: str) -> int:
    """The number of a speaker: a Kokoro speaker's name, or a number; "" is the first.

    Raises:
        SpeechError: there is none of this name.
    """
    if not name:
        return 0
    if name.isdecimal():
        return int(name)
    if name in KOKORO:
        return KOKORO.index(name)
    raise SpeechError(
        f"没有叫“{name}”的嗓音。",
        f"there is no speaker {name!r}; there are {', '.join(KOKORO[-8:])} and others, or a number",
    )


class Listening:
    """Speech-to-text with a model in `folder`."""

    def __init__(self, folder: Path, name: str = "") -> None:
        self._model = Model(
            folder, lambda: _missing(folder, ("sensevoice", "whisper")), open_folder
        )
        self.name = name or folder.name

    def missing(self) -> str:
        return self._model.missing()

    async def transcribe(self, samples: Samples) -> str:
        """The words of a note (mono, 16 kHz).

        Raises:
            SpeechError: the model is missing, broken or too slow.
        """

        def hear(recogniser: Any) -> str:
            stream = recogniser.create_stream()
            stream.accept_waveform(HEARD_RATE, samples)
            recogniser.decode_stream(stream)
            return str(stream.result.text)

        found: str = await self._model.run(hear)
        return found

    async def close(self) -> None:
        self._model.close()
