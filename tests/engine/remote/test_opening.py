"""Servers opened as well as they can be asked."""

import pytest

from engine.remote.fleet import Wish
from engine.remote.opening import key_of, open_served
from engine.sequence import EngineError


async def opened(server, *, known: bool = True, fences=(), **wish):
    return await open_served(
        [server.url],
        Wish(**wish),
        key="",
        knows=lambda metadata: known,
        serving=lambda engine: engine.offer.kind,
        fences=lambda served: fences,
    )


@pytest.mark.parametrize(
    ("kind", "known", "text", "becomes"),
    [
        ("llama-server", True, False, "llama-server"),
        ("llama-server", False, False, "chat"),
        ("llama-server", False, True, "llama-server"),
        ("vllm", False, False, "chat"),
        ("vllm", False, True, "completions"),
        ("hosted", False, True, "chat"),  # it has no /v1/completions
    ],
)
async def test_kinds(kind, known, text, becomes, serve):
    server = await serve(kind)
    engine, served = await opened(server, known=known, text=text)
    await engine.close()
    assert served == engine.offer.kind == becomes
    if kind == "llama-server" and becomes == "chat":
        assert any("--markup" in note for note in engine.notes)


async def test_what_fails_leaves_no_connection_open(serve):
    server = await serve()
    with pytest.raises(EngineError, match="no control token"):
        await opened(server, fences=["<nothing>"])
    with pytest.raises(ZeroDivisionError):
        await open_served(
            [server.url], Wish(), key="", knows=lambda _: True, serving=lambda _: 1 // 0,
            fences=lambda _: (),
        )  # fmt: skip


def test_the_key(tmp_path):
    file = tmp_path / "key"
    file.write_text(" s3cret\n")
    assert key_of({}) == ""
    assert key_of({"MRP_ENGINE_KEY": "a", "MRP_ENGINE_KEY_FILE": str(file)}) == "a"
    assert key_of({"MRP_ENGINE_KEY_FILE": str(file)}) == "s3cret"
    with pytest.raises(EngineError, match="MRP_ENGINE_KEY_FILE"):
        key_of({"MRP_ENGINE_KEY_FILE": str(tmp_path / "none")})
