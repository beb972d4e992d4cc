"""The model that writes all characters' replies: an engine, and the prompt style it was taught.

voice = open_voice("models/xiyou-mini.gguf")
reply = voice.begin(reading, scene, speaker, room="terminal:main", turn=7)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

from bot.conversation import Reading, reading, turn_length
from bot.summary import ask_for_summary
from bot.tasks import tasks_of
from characters.card import Character
from characters.prompt import Span, Style, Tail, encode, next_names, stop_strings
from characters.style import Serving, markup_named, serving
from characters.thoughts import spoken
from characters.turn import Scene
from engine.sequence import Engine, ModelError, Reply, Sampling
from hub.choice import ECHO
from hub.machine import too_large

_WARMEST = 1.2  # to which another version may turn the temperature up


def open_voice(
    model: str,
    *,
    adapter: Path | None = None,
    context: int | None = None,
    seed: int | None = None,
    threads: int | None = None,
    markup: str = "",
) -> Voice:
    """Load a GGUF, with a LoRA `adapter` on it, or the fake for "echo". Without `context` what
    `mrp fit` wrote counts, without `threads` the physical cores; `markup` names the family of a
    model whose chat template does not tell it.

    Raises:
        ModelError: the file is missing, broken, or of a kind that cannot be served.
        StyleError: it does not say how it wants to be asked.
    """
    if markup:
        markup_named(markup)  # before a large file is loaded
    if model == ECHO:
        from engine.echo import EchoEngine  # a fake that a bot with a model never needs

        echo = EchoEngine(_last_said, context=2**20)
        return Voice(echo, Serving(style=Style(cards="brief")), name=ECHO, seed=seed)
    path = Path(model).expanduser()
    if not path.is_file():
        raise ModelError(
            f"there is no model file {path}; name one with --model or MRP_MODEL (a name of "
            f"`mrp model list` or any chat GGUF), or try without a model: --model {ECHO}"
        )
    if sentence := too_large(path.name, path.stat().st_size):
        raise ModelError(sentence)
    # Here, because llama.cpp takes a while to load and the fake needs none of it.
    from engine.llama import LlamaEngine
    from engine.model_card import fitted

    replies = None if "replies" in fitted(path) else 4
    engine = LlamaEngine.open(
        path, context=context, replies=replies, threads=threads, adapter=adapter
    )
    name = engine.metadata.get("general.name") or path.stem
    if adapter is not None:
        name = f"{name} + {adapter.stem}"
    served = serving(engine.metadata, engine, markup=markup)
    return Voice(engine, served, name=name, seed=seed)


def _last_said(prompt: str) -> str:
    """What the echo says: the last thing that a person said."""
    said = re.findall(r"<\|im_start\|>user\n[^：:]*[：:] ?(.*?)<\|im_end\|>", prompt, re.DOTALL)
    return said[-1] if said else ""


class Voice:
    """`name` is the model's; `seed` makes a conversation repeatable; `tasks` are what it is asked
    beside talk (see `bot.tasks`)."""

    def __init__(
        self, engine: Engine, served: Serving, *, name: str = "", seed: int | None = None
    ) -> None:
        markup = served.style.markup
        if markup.begin and len(engine.encode(markup.begin, True)) != 1:
            # Another family's BOS: as text it would only confuse the model.
            style = replace(served.style, markup=replace(markup, begin=""))
            served = replace(served, style=style)
        self.name = name
        # What it computes on, in words; only an engine in this process can tell.
        self.placement: str = getattr(engine, "placement", "")
        self.thinks = False  # it was seen to begin its replies inside a thought
        self.engine = engine
        self.served = served
        self.tasks = tasks_of(engine.metadata, served.context)
        self._seed = seed
        self._encode = lru_cache(maxsize=8192)(lambda text, control: engine.encode(text, control))
        self._measure = lru_cache(maxsize=8192)(
            partial(turn_length, style=served.style, encoder=self.encode)
        )

    def encode(self, text: str, control: bool = False) -> Sequence[int]:
        """The engine's tokens of a text; asked once for each text."""
        return self._encode(text, control)

    @property
    def context(self) -> int:
        """The longest prompt and reply, in tokens. A server's may shrink (see `RemoteEngine`)."""
        return min(self.engine.context, self.served.context or self.engine.context)

    @property
    def _longest(self) -> int:
        # A reply may take a quarter of a small context, not more: the talk needs the rest.
        return min(self.served.max_tokens, max(self.context // 4, 16))

    @property
    def obeys(self) -> bool:
        """Whether somebody may have it write something (`/character draft`)."""
        return "drafts" in self.tasks

    def length(self, text: str) -> int:
        """How many tokens a text takes."""
        return len(self.engine.encode(text))

    def read(
        self,
        scene: Scene,
        speaker: Character,
        tail: Tail | None = None,
        *,
        examples: bool = True,
        cue: bool = True,
    ) -> Reading:
        """What the model reads so that `speaker` goes on; `examples` and `cue` as in `Style`, where
        the model's own has them.

        Raises:
            Crowded: the cards on stage leave no room for talk.
        """
        style = self.served.style
        return reading(
            scene,
            speaker,
            style=replace(style, examples=style.examples and examples, cue=style.cue and cue),
            encoder=self.encode,
            context=self.context - self._longest,
            tail=tail,
            measure=self._measure,
        )

    async def opinions(
        self,
        scene: Scene,
        among: Sequence[Character],
        *,
        room: str,
        person: str,
        waiting: bool = True,
    ) -> list[float]:
        """How likely the model finds each of them to speak next, as natural logarithms.

        Raises:
            Crowded: the cards on stage leave no room for talk.
            EngineError: the engine cannot say.
        """
        dropped = self.read(scene, among[0]).dropped
        left = replace(scene, turns=scene.turns[dropped:])
        shared, names = next_names(left, among, style=self.served.style)
        return await self.engine.score(
            encode(shared, self.encode),
            [encode(name, self.encode) for name in names],
            room=room,
            person=person,
            waiting=waiting,
        )

    async def summed_up(self, scene: Scene, earlier: str, *, longest: int, room: str) -> str:
        """The model's summary of a scene's turns, of about `longest` characters, "" when they do
        not fit; for idle time.

        Raises:
            EngineError: the engine failed.
        """
        spans = ask_for_summary(scene, earlier, longest, self.served.style.markup)
        most = min(self._longest, 2 * longest)
        return await self.answer(spans, most, temperature=0.3, room=room) or ""

    async def answer(
        self,
        spans: Sequence[Span],
        longest: int,
        *,
        temperature: float = 0.0,
        grammar: str = "",
        room: str,
        ends: Callable[[], bool] = lambda: False,
    ) -> str | None:
        """The answer, of at most `longest` tokens, to a prompt that asks for something else than a
        line; "" when it does not fit. Behind everybody who waits for a reply, and None as soon as
        `ends` says so.

        Raises:
            EngineError: the engine failed.
        """
        tokens = encode(spans, self.encode)
        if len(tokens) + longest > self.engine.context:
            return ""
        # What stands before the text that is asked about, the next question has, too.
        last = max((at for at, span in enumerate(spans) if not span.control), default=0)
        stable = len(encode(spans[:last], self.encode))
        sampling = Sampling(
            temperature=temperature,
            max_tokens=longest,
            grammar=grammar,
            seed=self._seed,
            stop=self.served.style.markup.plain,
        )
        reply = self.engine.stream(tokens, sampling, room=room, waiting=False, stable=stable)
        said = []
        try:
            async for piece in reply:
                said.append(piece)
                if ends():
                    return None
        finally:
            await reply.aclose()
        return spoken("".join(said)).strip()

    def begin(
        self,
        read: Reading,
        sampling: Sampling,
        *,
        room: str,
        person: str,
        waiting: bool = True,
    ) -> Reply:
        """Begin the reply. `waiting`: a person asked for it.

        Raises:
            EngineError: later, from the reply itself.
        """
        return self.engine.stream(
            read.tokens,
            sampling,
            room=room,
            person=person,
            waiting=waiting,
            stable=read.stable,
        )

    def sampling(
        self, scene: Scene, speaker: Character, turn: int, warmth: float = 1.0
    ) -> Sampling:
        """How the speaker's reply is sampled. `turn` tells replies of one seed apart; `warmth`
        turns the temperature up, for another version of a line."""
        served = self.served
        temperature = served.temperature_for(speaker)
        return Sampling(
            temperature=min(temperature * warmth, max(temperature, _WARMEST)),
            **served.dials(),
            max_tokens=self._longest,
            seed=None if self._seed is None else (self._seed * 1_000_003 + turn) % 2**31,
            stop=(*_stops(scene, speaker), *served.style.markup.plain),
        )

    async def close(self) -> None:
        """Free the model."""
        await self.engine.close()


def _stops(scene: Scene, speaker: Character) -> tuple[str, ...]:
    """Anybody's name with a colon at the start of a line: only a saving. `bot.labels` finds all
    forms of a label, and only where it is one."""
    names = [name for c in (*scene.cast, speaker) for name in c.names]
    names += [stop[:-1] for stop in stop_strings(scene)]
    return tuple(f"\n{name}{mark}" for name in dict.fromkeys(names) for mark in "：:")
