"""HTTP endpoints in OpenAI's form: /v1/audio/speech speaks, /v1/audio/transcriptions hears.

    Endpoint("http://localhost:8880/v1", model="tts-1", key="…")

Whatever runs there (Kokoro-FastAPI, CosyVoice, GPT-SoVITS, whisper servers, OpenAI itself), the
body is theirs: `input`, `voice`, `model`, `speed`, `response_format`. A card's `sample` is sent as
`references`, as servers that clone voices take it. Bounded in time and size; redirects are not
followed, so that the key goes nowhere else.
"""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path

import aiohttp

from characters.voices import Voice
from speech.error import NothingToSay, SpeechError
from speech.sound import HEARD_RATE, RATE, Samples, decode, encode

TIMEOUT = 30.0  # seconds for a sentence or a note
MOST_BYTES = 16 << 20  # of an answer
MOST_SAMPLE = 2 << 20  # of a recording to sound like
LONGEST = 180.0  # seconds of one sentence
USUAL_VOICE = "alloy"


class Endpoint:
    """A server that speaks, hears, or both. `samples` is the folder of the cards, where their
    recordings lie; `model` what the server calls its model."""

    name = "endpoint"

    def __init__(
        self,
        address: str,
        *,
        model: str = "",
        key: str = "",
        samples: Path | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self._address = address.rstrip("/")
        self._model = model
        self._key = key
        self._samples = samples
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None

    @property
    def key(self) -> str:
        return f"{self._address} {self._model}"

    def missing(self) -> str:
        """ "": whether the server answers is only known when it is asked."""
        return ""

    async def synthesize(self, sentence: str, voice: Voice) -> tuple[Samples, int]:
        """Samples of one sentence.

        Raises:
            SpeechError: the server is away, refuses, or sends no sound.
        """
        if not sentence.strip():
            raise NothingToSay
        body: dict[str, object] = {
            "model": self._model or "tts-1",
            "input": sentence,
            "voice": voice.speaker(self.name) or USUAL_VOICE,
            "response_format": "wav",
            "speed": voice.rate,
        }
        if voice.sample:
            body["references"] = [self._reference(voice)]
        data = await self._ask("/audio/speech", json_body=body)
        return await asyncio.to_thread(decode, data, longest=LONGEST, rate=RATE), RATE

    def _reference(self, voice: Voice) -> dict[str, str]:
        file = (self._samples or Path()) / voice.sample
        try:
            if self._samples is None or file.stat().st_size > MOST_SAMPLE:
                raise OSError
            data = file.read_bytes()
        except OSError as problem:
            raise SpeechError(
                f"读不到声音样本 {voice.sample}。",
                f"the recording {voice.sample} cannot be read (or is over {MOST_SAMPLE >> 20} MB).",
            ) from problem
        kind = {".mp3": "mpeg", ".ogg": "ogg", ".flac": "flac"}.get(file.suffix.lower(), "wav")
        audio = f"data:audio/{kind};base64,{base64.b64encode(data).decode()}"
        return {"audio": audio, "text": voice.sample_text}

    async def transcribe(self, samples: Samples) -> str:
        """The words of a note (mono, 16 kHz).

        Raises:
            SpeechError: the server is away, refuses, or answers something else.
        """
        sound = await asyncio.to_thread(encode, samples, HEARD_RATE)
        form = aiohttp.FormData()
        form.add_field("model", self._model or "whisper-1")
        form.add_field("response_format", "json")
        form.add_field("file", sound.ogg, filename="note.ogg", content_type="audio/ogg")
        data = await self._ask("/audio/transcriptions", form=form)
        try:
            text = json.loads(data)["text"]
        except (ValueError, KeyError, TypeError) as problem:
            raise _strange(self._address) from problem
        if not isinstance(text, str):
            raise _strange(self._address)
        return text

    async def _ask(
        self, path: str, *, json_body: object = None, form: aiohttp.FormData | None = None
    ) -> bytes:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        try:
            async with self._session.post(
                self._address + path,
                json=json_body,
                data=form,
                headers=headers,
                allow_redirects=False,
            ) as answer:
                data = await _bounded(answer)
                if answer.status != 200:
                    raise _refused(self._address, answer.status)
                return data
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as problem:
            why = type(problem).__name__
            raise SpeechError(
                f"语音服务 {self._address} 没有应答（{why}）。",
                f"the speech endpoint {self._address} does not answer ({why}).",
            ) from problem

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    parts, size = [], 0
    async for part in answer.content.iter_chunked(1 << 16):
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            raise SpeechError(
                "语音服务的回答太大。", f"the speech endpoint sent more than {MOST_BYTES >> 20} MB."
            )
    return b"".join(parts)


def _refused(address: str, status: int) -> SpeechError:
    hints = {
        401: ("检查密钥", "check its key (MRP_SPEECH_KEY, MRP_HEARING_KEY)"),
        403: ("检查密钥", "check its key (MRP_SPEECH_KEY, MRP_HEARING_KEY)"),
        404: ("地址应以 /v1 结尾", "its address should end in /v1, and the model exist"),
        429: ("太频繁", "it is asked too often"),
    }
    zh, en = hints.get(status, ("看它的日志", "see its log"))
    return SpeechError(
        f"语音服务 {address} 拒绝了（{status}）：{zh}。",
        f"the speech endpoint {address} refused ({status}): {en}.",
    )


def _strange(address: str) -> SpeechError:
    return SpeechError(
        f"语音服务 {address} 的回答看不懂。", f"the speech endpoint {address} answered no text."
    )
