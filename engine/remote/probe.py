"""Asks a server once what it is, which model it serves, and what it can do: its `Offer`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from engine.remote import vocabulary
from engine.remote.connection import Away, Connection, Missing
from engine.remote.server import Offer, Server, same_model
from engine.sequence import EngineError

# A short prompt in every form, to see whether something answers.
_HELLO = vocabulary.encode("<|im_start|>user\n", True) + vocabulary.encode("1")
_SLOTS = {"vllm": 128, "ollama": 4, "": 16}  # replies at once where a server does not say


async def probe(
    connection: Connection, *, model: str = "", text: bool = False, chat: bool = False
) -> Offer:
    """What the server is. `text`: the model's markup is known, so that it can be sent exact text;
    `chat`: it is to be sent messages whatever else it can do.

    Raises:
        Away: it does not answer.
        EngineError: it is none, refuses the key, or serves another model than `model`.
    """
    props = await _optional(connection, f"{connection.address.base}/props")
    listed = await _optional(connection, f"{connection.address.api}/models")
    rows = listed.get("data") if isinstance(listed, dict) else None
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    if isinstance(props, dict) and isinstance(props.get("default_generation_settings"), dict):
        offer = _native(props, rows)
        _check(connection, model, [offer.model, *_names(rows)])
        if not chat:
            offer = await _with_begin(connection, offer, props)
    else:
        software = await _software(connection, rows)
        named = _check(connection, model, _names(rows)) or _only(connection, rows)
        row: dict[str, Any] = next((row for row in rows if row.get("id") == named), {})
        context = row.get("max_model_len") or row.get("context_length") or 0
        offer = Offer(
            "completions" if text and not chat else "chat",
            named,
            software,
            context if isinstance(context, int) else 0,
            _SLOTS.get(software, 16),
            metadata={"general.name": named},
        )
    if chat and offer.native:
        offer = replace(offer, kind="chat", exact=False, begin="")
    return await _tried(connection, offer)


async def is_as_before(connection: Connection, offer: Offer) -> bool:
    """Whether a server with native routes still is what it offered; it is asked for no token, which
    would cost a slot its prefix.

    Raises:
        Away, EngineError: as `probe` does.
    """
    props = await _optional(connection, f"{connection.address.base}/props")
    if not isinstance(props, dict) or "default_generation_settings" not in props:
        return props is None  # the route may be closed to others than its operator
    now = _native(props, [{"id": offer.model}])
    return (now.context, now.slots) == (offer.context, offer.slots) and now.like(offer)


async def _optional(connection: Connection, url: str) -> Any:
    """The answer, or None where there is no such route."""
    try:
        return await connection.json(url, patience=15.0)
    except Missing:
        return None


def _native(props: dict[str, Any], rows: Sequence[dict[str, Any]]) -> Offer:
    """llama-server, or our own server, which says so and hands over the file's metadata."""
    ours = isinstance(props.get("mrp"), dict)
    metadata: dict[str, str] = {}
    if ours:
        told = props["mrp"].get("metadata")
        metadata = {str(k): str(v) for k, v in told.items()} if isinstance(told, dict) else {}
    elif isinstance(props.get("chat_template"), str):
        metadata["tokenizer.chat_template"] = props["chat_template"]
    model = str(props.get("model_alias") or props.get("model_path") or "").rpartition("/")[2]
    if not model or model == "none":
        model = next(iter(_names(rows)), "model")
    metadata.setdefault("general.name", model)
    context = props["default_generation_settings"].get("n_ctx")
    slots = props.get("total_slots")
    return Offer(
        "mrp" if ours else "llama-server",
        model,
        "mrp" if ours else "llama-server",
        context if isinstance(context, int) else 0,
        slots if isinstance(slots, int) and slots > 0 else 1,
        metadata,
        exact=True,
    )


async def _with_begin(connection: Connection, offer: Offer, props: dict[str, Any]) -> Offer:
    """With the texts of its EOS token, and of a BOS where the model wants one at the front."""
    body = {"content": "", "add_special": True, "parse_special": True}
    said = await connection.json(f"{connection.address.base}/tokenize", body)
    begin = props.get("bos_token") if isinstance(said, dict) and said.get("tokens") else ""
    end = props.get("eos_token")
    return replace(
        offer,
        begin=begin if isinstance(begin, str) else "",
        end=end if isinstance(end, str) else "",
    )


async def _software(connection: Connection, rows: Sequence[dict[str, Any]]) -> str:
    owners = {str(row.get("owned_by")) for row in rows}
    if "vllm" in owners:
        return "vllm"
    if "library" in owners:
        try:
            said = await connection.json(f"{connection.address.base}/api/version", patience=15.0)
        except EngineError:
            return ""
        return "ollama" if isinstance(said, dict) and "version" in said else ""
    return ""


async def _tried(connection: Connection, offer: Offer) -> Offer:
    """What it really does when it is asked for one token."""
    notes: list[str] = []
    if offer.kind == "mrp":
        return replace(offer, scores="whole")
    server = Server(connection, offer)
    try:
        table = await server.peek(_HELLO)
    except Missing:
        if offer.kind != "completions":
            raise EngineError(
                f"{server.name} answers neither /completion nor /v1/chat/completions; is the "
                "address right?"
            ) from None
        notes.append("it has no /v1/completions: the talk is sent as messages, so --markup is moot")
        return await _tried(connection, replace(offer, kind="chat", notes=(*offer.notes, *notes)))
    except Away:
        raise
    except EngineError as problem:
        if "key" in str(problem) or "web page" in str(problem) or "instead of" in str(problem):
            raise
        table = {}
    if offer.kind == "chat":
        notes.append(
            "it takes messages only: turns may be read again where its template changes, and "
            "typed control tokens are made harmless by full-width characters"
        )
    if not table:
        notes.append("it tells no probabilities: who speaks next is decided by rules alone")
    if offer.software == "ollama" and not offer.context:
        offer = replace(offer, context=await _loaded_context(connection, offer.model))
    if not offer.context:
        notes.append("it does not say how long its context is; name it with --context")
    grammar = offer.native or offer.software == "vllm" or offer.kind == "chat"
    if not grammar:
        notes.append("it takes no grammar: what is learned of people in idle time is left out")
    return replace(
        offer, scores="table" if table else "", grammar=grammar, notes=(*offer.notes, *notes)
    )


async def _loaded_context(connection: Connection, model: str) -> int:
    """The context with which Ollama has loaded a model: what is beyond it, it drops in silence."""
    said = await _optional(connection, f"{connection.address.base}/api/ps")
    rows = said.get("models") if isinstance(said, dict) else None
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and same_model(str(row.get("name")), model):
            context = row.get("context_length")
            return context if isinstance(context, int) else 0
    return 0


def _names(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows if isinstance(row.get("id"), str)]


def _check(connection: Connection, wanted: str, names: Sequence[str]) -> str:
    """The wanted model under the server's own name; "" where none is wanted.

    Raises:
        EngineError: the server lists models, and not this one.
    """
    if not wanted or not names:
        return wanted
    for name in names:
        if name == wanted:
            return name
    for name in names:
        if same_model(name, wanted):
            return name
    raise EngineError(
        f"{connection.address.name} does not serve {wanted!r}, but: {', '.join(names[:8])}"
        f"{' …' if len(names) > 8 else ''}; name one of these with --engine-model"
    )


def _only(connection: Connection, rows: Sequence[dict[str, Any]]) -> str:
    names = _names(rows)
    if len(names) == 1:
        return names[0]
    said = f"serves {', '.join(names[:8])}" if names else "does not say which models it serves"
    raise EngineError(f"{connection.address.name} {said}; name one with --engine-model")
