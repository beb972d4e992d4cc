"""The espeak-ng backend: a process for each stretch of one language, its text by standard input.

    samples, rate = await Espeak().synthesize("俺用 iPhone 打电话。", voice)

Chinese goes in as pinyin (`-v cmn-latn-pinyin`: the plain `cmn` voice reads pinyin as English, and
characters by its own small dictionary); foreign words are read by the English voice, in the same
variant. The process is bounded: in time, in what it may write, and it is killed where it hangs.
No text is ever an option: options are made of the voice table, whose names are checked.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
from collections.abc import Sequence

import numpy as np

from characters.voices import Voice
from speech import pinyin
from speech.error import NothingToSay, SpeechError
from speech.reading import runs
from speech.sound import Samples, pause, samples_of_wav

PROGRAM = "espeak-ng"
LANGUAGES = {"zh": "cmn-latn-pinyin", "en": "en-us"}
TIMEOUT = 10.0  # seconds for a stretch; it takes some hundredths
MOST_BYTES = 8 << 20  # of its WAV: three minutes
WORDS_A_MINUTE = {"zh": 165, "en": 165}  # at rate 1
MIDDLE_PITCH = 50  # of espeak's 0..99
UP, DOWN = 5.4, 7.5  # of espeak's steps are a semitone, measured: benchmarks/voices.py --steps
RATE = 22_050
MOST_RUNS = 40  # stretches of one sentence
_BETWEEN = 0.03  # seconds between two languages
_VARIANT = re.compile(r"[A-Za-z0-9]{1,20}")


def command(language: str, voice: Voice) -> list[str]:
    """The process' arguments. Nothing in them comes from what is said.

    Raises:
        SpeechError: the voice names a variant that cannot be one.
    """
    variant = voice.speaker("espeak")
    if variant and not _VARIANT.fullmatch(variant):
        raise SpeechError(
            f"espeak 没有叫“{variant}”的嗓音。", f"espeak-ng has no variant called {variant!r}."
        )
    wanted = voice.pitch_on("espeak")
    pitch = min(99, max(0, round(MIDDLE_PITCH + wanted * (UP if wanted > 0 else DOWN))))
    speed = round(WORDS_A_MINUTE[language] * voice.rate)
    name = LANGUAGES[language] + (f"+{variant}" if variant else "")
    return ["-v", name, "-p", str(pitch), "-s", str(speed), "-b", "1", "--stdin", "--stdout"]


class Espeak:
    """The floor: needs Debian's `espeak-ng` and the Python package pypinyin."""

    name = "espeak"

    def __init__(self, program: str = PROGRAM, *, timeout: float = TIMEOUT) -> None:
        self._program = program
        self._timeout = timeout

    @property
    def key(self) -> str:
        """What tells this backend from another, for a cache."""
        return self.name

    def missing(self) -> str:
        """What it lacks here, as one sentence; "" when it can speak."""
        if shutil.which(self._program) is None:
            return f"{self._program} is not installed: apt-get install espeak-ng"
        if lacks := pinyin.available():
            return f"{lacks} is missing: pip install 'mrp-llm[speech]'"
        return ""

    async def synthesize(self, sentence: str, voice: Voice) -> tuple[Samples, int]:
        """Samples of one prepared sentence, and their rate.

        Raises:
            SpeechError: espeak-ng is missing, died, hung, or said nothing.
        """
        parts: list[Samples] = []
        for language, text in list(runs(sentence))[:MOST_RUNS]:
            said = pinyin.syllables(text) if language == "zh" else _foreign(text)
            if not said:
                continue
            if parts:
                parts.append(pause(_BETWEEN, RATE))
            parts.append(await self._run(command(language, voice), said))
        if not parts:
            raise NothingToSay
        return np.concatenate(parts), RATE

    async def phonemes(self, sentence: str) -> str:
        """What espeak would say of a Chinese sentence, in its own phoneme names: for checks."""
        arguments = ["-v", LANGUAGES["zh"], "-b", "1", "--stdin", "-q", "-x"]
        data = await self._output(arguments, pinyin.syllables(sentence))
        return data.decode("utf-8", "replace")

    async def _run(self, arguments: Sequence[str], text: str) -> Samples:
        data = await self._output(arguments, text)
        try:
            samples, rate = samples_of_wav(data)
        except ValueError as problem:
            raise SpeechError("espeak-ng 没有出声。", "espeak-ng wrote no sound.") from problem
        if rate != RATE:  # a build of another kind
            raise SpeechError(
                f"espeak-ng 的采样率是 {rate}。", f"espeak-ng speaks at {rate} Hz, not {RATE}."
            )
        return samples

    async def _output(self, arguments: Sequence[str], text: str) -> bytes:
        """All that the process writes; it is gone when this returns, whatever happens."""
        try:
            process = await asyncio.create_subprocess_exec(
                self._program,
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError as problem:
            raise SpeechError(
                f"{self._program} 打不开：apt-get install espeak-ng",
                f"{self._program} cannot be started ({problem.strerror}): "
                "apt-get install espeak-ng",
            ) from problem
        try:
            async with asyncio.timeout(self._timeout):
                data = await self._exchange(process, text)
                status = await process.wait()
        except TimeoutError as late:
            raise SpeechError(
                f"{self._program} {self._timeout:.0f} 秒没有说完，已经停掉。",
                f"{self._program} did not finish within {self._timeout:g} s and was stopped.",
            ) from late
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await asyncio.shield(process.wait())
        if status:
            raise SpeechError(
                f"{self._program} 出错退出（{status}）。", f"{self._program} failed ({status})."
            )
        return data

    async def _exchange(self, process: asyncio.subprocess.Process, text: str) -> bytes:
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(text.encode() + b"\n")
            await process.stdin.drain()
            process.stdin.close()
        parts, size = [], 0
        while part := await process.stdout.read(1 << 16):
            parts.append(part)
            size += len(part)
            if size > MOST_BYTES:
                raise SpeechError(
                    "这一句念起来太长。", f"{self._program} wrote more than {MOST_BYTES} bytes."
                )
        return b"".join(parts)

    async def close(self) -> None:
        """Nothing is held open."""


def _foreign(text: str) -> str:
    """Letters, digits and marks of foreign words: no phoneme codes, no markup.

    A word of letters that espeak would take for pinyin stays English, because the English voice
    reads it.
    """
    ascii_marks = text.translate(str.maketrans("，。！？；：", ",.!?;:"))
    kept = "".join(c if c.isalnum() or c in " ,.!?;:'-" else " " for c in ascii_marks)
    return kept if any(c.isalnum() for c in kept) else ""
