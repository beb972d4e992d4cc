"""What the options open: a file, or a server of any kind, which is asked as it can be asked."""

import argparse
import asyncio
from typing import Any

import pytest
from aiohttp import web

from bot.doctor.engine import check_engine
from bot.engines import open_chosen, open_server
from bot.house import add_options
from bot.secrets import SecretProblem, known, redact
from characters.card import load_cast
from characters.style import StyleError
from characters.turn import Scene, Turn
from engine.remote import options as remote
from engine.sequence import EngineError, Sampling


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(conflict_handler="resolve")
    add_options(parser)
    parser.add_argument("--markup", default="")
    return parser.parse_args(words)


class Server:
    """A small model server; `asked` are the bodies of replies."""

    def __init__(self, *, props: dict | None = None, owner: str = "somebody") -> None:
        self.asked: list[dict] = []
        self.props, self.owner, self.url = props, owner, ""

    async def __aenter__(self) -> "Server":
        app = web.Application()
        app.router.add_get("/v1/models", self._models)
        if self.props is not None:
            app.router.add_get("/props", self._props)
            app.router.add_post("/tokenize", self._tokenize)
            app.router.add_post("/completion", self._native)
        app.router.add_post("/v1/completions", self._openai)
        app.router.add_post("/v1/chat/completions", self._openai)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.runner.cleanup()

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "qwen", "owned_by": self.owner}]})

    async def _props(self, request: web.Request) -> web.Response:
        base = {"default_generation_settings": {"n_ctx": 8192}, "model_path": "/m/qwen.gguf"}
        return web.json_response(base | (self.props or {}))

    async def _tokenize(self, request: web.Request) -> web.Response:
        body = await request.json()
        text, special = body["content"], body["parse_special"]
        if special and text in ("<|im_start|>", "<|im_end|>"):
            return web.json_response({"tokens": [len(text)]})
        return web.json_response({"tokens": [100 + ord(c) for c in text]})

    async def _native(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        return web.json_response({"content": "去也。", "stop": True, "stop_type": "eos"})

    async def _openai(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        chat = "messages" in self.asked[-1]
        said = {"message": {"content": "去也。"}} if chat else {"text": "去也。"}
        return web.json_response({"choices": [{**said, "finish_reason": "stop"}]})


CAST = load_cast()
SCENE = Scene((CAST["wukong"], CAST["bajie"]), (Turn("小明", "谁在？<|im_end|>"),), language="zh")


async def spoken(voice) -> str:
    read = voice.read(SCENE, CAST["bajie"])
    reply = voice.begin(read, Sampling(max_tokens=32), room="r", person="p")
    return "".join([piece async for piece in reply])


CHATML = {"chat_template": "<|im_start|>"}


@pytest.mark.parametrize(
    ("props", "words", "kind"),
    [
        (CHATML, [], "llama-server"),
        ({"chat_template": "of no family"}, [], "chat"),
        ({"chat_template": "of no family"}, ["--markup", "chatml"], "llama-server"),
        (None, [], "chat"),
        (None, ["--markup", "chatml"], "completions"),
    ],
)
async def test_each_server_is_asked_as_well_as_it_can_be(props, words, kind):
    async with Server(props=props) as server:
        voice = await open_chosen(options("--engine", server.url, *words), {})
        try:
            engine: Any = voice.engine
            assert engine.offer.kind == kind
            assert voice.name.startswith("qwen")
            server.asked.clear()
            assert await spoken(voice) == "去也。"
            body = server.asked[0]
            if kind == "chat":
                roles = [message["role"] for message in body["messages"]]
                assert roles == ["system", "user"]
                assert "\n接下来：猪八戒\n" in body["messages"][-1]["content"]
            elif kind == "completions":
                assert body["prompt"].endswith("<|im_start|>assistant\n猪八戒：")
                assert "＜|im_end|>" in body["prompt"]
            else:
                assert isinstance(body["prompt"], list)
            assert len(await voice.summed_up(SCENE, "", longest=80, room="r")) > 0
        finally:
            await voice.close()


async def test_the_environment_names_it_and_its_key(tmp_path):
    async with Server(props=CHATML) as server:
        file = tmp_path / "key"
        file.write_text("s3cret-s3cret\n")
        environment = {"MRP_ENGINE": f"{server.url}/v1", "MRP_ENGINE_KEY_FILE": str(file)}
        assert remote.urls(options(), environment) == [f"{server.url}/v1"]
        voice = await open_chosen(options(), environment)
        await voice.close()
        assert "s3cret" not in redact("a s3cret-s3cret b", known(environment))
        assert "k" * 9 not in redact("k" * 9, known({"MRP_ENGINE_KEY": "k" * 9}))
        with pytest.raises(SecretProblem, match="MRP_ENGINE_KEY_FILE"):
            await open_chosen(options(), environment | {"MRP_ENGINE_KEY_FILE": "/nowhere"})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--voice", "x.gguf"], "--voice goes onto a file"),
        (["--engine-model", "llama"], "does not serve 'llama', but: qwen"),
        (["--markup", "nonsense"], "nonsense"),
        (["--markup", "gemma"], "<start_of_turn>.*--markup|--markup.*<start_of_turn>"),
    ],
)
async def test_what_does_not_fit_is_one_sentence(words, said):
    async with Server(props=CHATML) as server:
        given = options("--engine", server.url, *words)
        with pytest.raises((EngineError, StyleError), match=said):
            await open_server([server.url], given, {})


async def test_the_doctor_says_what_a_server_is_and_cannot_do():
    async with Server() as server:
        given = options("--engine", server.url)
        findings = await check_engine([server.url], given, {})
        assert findings[0].level == "well"
        assert "chat messages" in findings[0].says
        told = " ".join(finding.says for finding in findings[1:])
        for missing in ("probabilities", "--context", "messages only"):
            assert missing in told
        findings = await check_engine([server.url, "http://127.0.0.1:9"], given, {})
        assert any("127.0.0.1:9 does not answer" in finding.says for finding in findings)
    (finding,) = await check_engine([server.url], given, {})
    assert finding.level == "fault"
    assert "cannot be reached" in finding.says


async def test_a_context_that_turns_out_shorter_shortens_what_is_read():
    async with Server() as server:
        voice = await open_chosen(options("--engine", server.url, "--context", "4096"), {})
        try:
            long = Scene(SCENE.cast, tuple(Turn("小明", "甚" * 90) for _ in range(60)))
            before = voice.read(long, CAST["bajie"])
            assert len(before.tokens) > 2000
            engine: Any = voice.engine
            engine._shorten(2000)
            after = voice.read(long, CAST["bajie"])
            assert after.dropped > before.dropped
            assert len(after.tokens) < 2000
        finally:
            await voice.close()
            await asyncio.sleep(0)
