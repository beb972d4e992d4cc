"""The OpenAI-compatible endpoints, against a server on 127.0.0.1."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
from aiohttp import web

from characters.voices import Speaks, Voice
from speech.endpoint import Endpoint
from speech.error import SpeechError
from speech.speaker import Speaker
from tests.speech.conftest import RATE, file_of, tone


class Server:
    """Speaks tones and hears what it is told to; `fault` takes the place of an answer."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.headers: list[str] = []
        self.fault: web.Response | None = None
        self.url = ""

    async def speech(self, request: web.Request) -> web.Response:
        self.headers.append(request.headers.get("Authorization", ""))
        self.asked.append(await request.json())
        return self.fault or web.Response(body=file_of(tone(1.2), format="MP3"))

    async def heard(self, request: web.Request) -> web.Response:
        form = await request.post()
        sent = form["file"]
        assert isinstance(sent, web.FileField)
        samples, rate = soundfile.read(sent.file)
        self.asked.append({"model": form["model"], "seconds": len(samples) / rate})
        return self.fault or web.json_response({"text": "你好"})


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    app = web.Application()
    app.router.add_post("/v1/audio/speech", made.speech)
    app.router.add_post("/v1/audio/transcriptions", made.heard)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield made
    await runner.cleanup()


async def test_a_voice_as_the_server_takes_it(server: Server, tmp_path: Path):
    (tmp_path / "wukong.wav").write_bytes(file_of(tone(1)))
    endpoint = Endpoint(server.url, model="cosy", key="secret", samples=tmp_path)
    speaker = Speaker(endpoint)
    voice = Voice(
        speakers=(Speaks("endpoint", "sun"),), rate=1.2, sample="wukong.wav", sample_text="俺"
    )
    sound = await speaker.say("（笑）老孙来也 3 次！", voice)
    assert sound.seconds == pytest.approx(1.2, abs=0.15)
    (asked,) = server.asked
    assert asked["input"] == "老孙来也三次！"
    assert (asked["voice"], asked["speed"], asked["model"]) == ("sun", 1.2, "cosy")
    assert asked["references"][0]["audio"].startswith("data:audio/wav;base64,")
    assert server.headers == ["Bearer secret"]
    await speaker.close()


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (401, b"", "key"),
        (404, b"", "/v1"),
        (500, b"oops", "log"),
        (302, b"", "refused"),
        (200, b"", "no sound"),
        (200, b"<html>", "no sound"),
        (200, b"\x00" * (17 << 20), "more than"),
    ],
)
async def test_whatever_it_answers_is_one_sentence(server: Server, status, body, says):
    server.fault = web.Response(status=status, body=body, headers={"Location": "http://x/"})
    endpoint = Endpoint(server.url, key="secret")
    with pytest.raises(SpeechError, match=says) as caught:
        await endpoint.synthesize("好", Voice())
    assert "secret" not in str(caught.value)
    await endpoint.close()


async def test_a_server_that_is_away_or_hangs(server: Server):
    away = Endpoint("http://127.0.0.1:9/v1", timeout=2)
    with pytest.raises(SpeechError, match="does not answer"):
        await away.synthesize("好", Voice())
    await away.close()


async def test_a_recording_that_is_not_there(server: Server, tmp_path: Path):
    endpoint = Endpoint(server.url, samples=tmp_path)
    with pytest.raises(SpeechError, match="recording"):
        await endpoint.synthesize("好", Voice(sample="none.wav"))
    await endpoint.close()


async def test_a_note_is_heard(server: Server):
    endpoint = Endpoint(server.url, model="whisper")
    assert await endpoint.transcribe(tone(2)) == "你好"
    assert server.asked[0]["seconds"] == pytest.approx(2, abs=0.1)
    for answer in ("[]", '{"text": 3}', "nonsense", '{"error": 1}'):
        server.fault = web.Response(text=answer)
        with pytest.raises(SpeechError, match="no text"):
            await endpoint.transcribe(tone(1))
    await endpoint.close()
    assert RATE == 16_000
