"""A transcription endpoint on 127.0.0.1, and the notes that no recogniser should be asked about.

    async with Recogniser() as recogniser:
        hearer = recogniser.hearer()
        recogniser.text = "悟空，你好"            # what it hears in everything
        recogniser.heard                          # seconds of what it was sent

It decodes what it is sent, as a real one would. `status` and `hangs` make it fail.
"""

from __future__ import annotations

import asyncio
import io

import numpy as np
import soundfile
from aiohttp import web

from speech.endpoint import Endpoint
from speech.hearer import Hearer
from speech.sound import Samples

RATE = 16_000


def tone(
    seconds: float = 1.0, hertz: float = 220.0, rate: int = RATE, level: float = 0.3
) -> Samples:
    """A tone that swells, so that its waveform is not flat."""
    at = np.arange(int(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * hertz * at) * (0.2 + at / max(seconds, 1e-9))).astype("f4")


def file_of(samples: Samples, rate: int = RATE, format: str = "WAV", subtype: str = "") -> bytes:
    """Samples as a sound file, mono or (of two columns) stereo."""
    held = io.BytesIO()
    soundfile.write(held, samples, rate, format=format, subtype=subtype or None)
    return held.getvalue()


def opus(samples: Samples, rate: int = 48_000) -> bytes:
    """Samples as both platforms send voice notes."""
    return file_of(samples, rate, "OGG", "OPUS")


NOTE = opus(tone(1.5, rate=48_000))
_M4A = b"\x00\x00\x00\x20ftypM4A \x00\x00\x02\x00" + bytes(200)

# (what it is, its bytes, the seconds that its sender claims, what is said of it in Chinese)
REFUSED: tuple[tuple[str, bytes, float, str], ...] = (
    ("three minutes", NOTE, 180.0, "太长"),
    ("three minutes that claim to be two seconds", opus(tone(180, rate=8_000), 8_000), 2.0, "太长"),
    ("too large", bytes(5 << 20), 3.0, "太大"),
    ("nothing", b"", 1.0, "格式"),
    ("silence", opus(np.zeros(96_000, "f4")), 2.0, "没有听出话"),
    ("hiss that nobody hears", opus(tone(2, level=1e-4, rate=48_000)), 2.0, "没有听出话"),
    ("a click", opus(tone(0.1, rate=48_000)), 0.1, "没有听出话"),
    ("a file without samples", file_of(np.zeros(0, "f4")), 1.0, "没有听出话"),
    ("half an OGG page", NOTE[:60], 2.0, "格式"),
    ("M4A", _M4A, 2.0, "格式"),
    ("a text", "老孙来也".encode(), 2.0, "格式"),
    ("a picture", b"\x89PNG\r\n\x1a\n" + bytes(500), 2.0, "格式"),
    ("OGG in name alone", b"OggS" + bytes(range(256)) * 8, 2.0, "格式"),
)

# (what it is, its bytes): heard, whatever their shape.
TAKEN: tuple[tuple[str, bytes], ...] = (
    ("stereo at 48 kHz", opus(np.stack([tone(1.5, rate=48_000)] * 2, axis=1))),
    ("mono at 8 kHz", file_of(tone(1.5, rate=8_000), 8_000)),
    ("Vorbis", file_of(tone(1.5, rate=44_100), 44_100, "OGG", "VORBIS")),
    ("FLAC", file_of(tone(1.5), RATE, "FLAC")),
    ("MP3", file_of(tone(1.5, rate=44_100), 44_100, "MP3")),
    ("clipped", opus(np.clip(tone(1.5, rate=48_000) * 40, -1, 1))),
)


class Recogniser:
    """See the module."""

    def __init__(self) -> None:
        self.text = "悟空，你好"
        self.heard: list[float] = []
        self.status = 200
        self.hangs = False
        self._hearers: list[Hearer] = []
        self._runner: web.AppRunner | None = None
        self._gone = asyncio.Event()

    async def __aenter__(self) -> Recogniser:
        app = web.Application(client_max_size=32 << 20)
        app.router.add_post("/v1/audio/transcriptions", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._gone.set()
        for hearer in self._hearers:
            await hearer.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def hearer(self, *, timeout: float = 30.0) -> Hearer:
        """A hearer that asks it; `timeout` is in seconds."""
        assert self._runner is not None
        port = self._runner.addresses[0][1]
        hearer = Hearer(Endpoint(f"http://127.0.0.1:{port}/v1", timeout=timeout))
        self._hearers.append(hearer)
        return hearer

    async def _answer(self, request: web.Request) -> web.Response:
        form = await request.post()
        sent = form["file"]
        assert isinstance(sent, web.FileField)
        samples, rate = soundfile.read(sent.file)
        self.heard.append(len(samples) / rate)
        if self.hangs:
            await self._gone.wait()
        if self.status != 200:
            return web.Response(status=self.status)
        return web.json_response({"text": self.text})
