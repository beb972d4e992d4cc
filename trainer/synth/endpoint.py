"""A teacher behind any OpenAI-compatible endpoint. The only door to openai in this package.

The library retries, backs off and honours the server's rate limits; the key comes from the
environment and stays in the client.
"""

from __future__ import annotations

import os
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import openai

from trainer.synth.error import TeacherError
from trainer.synth.shape import schema
from trainer.synth.teacher import Ask, Completion, Unanswerable

Structured = Literal["json_schema", "json_object", "none"]
_RETRIES = 5
_TIMEOUT = 120.0  # seconds a call


class Endpoint:
    """See `trainer.synth.teacher.Teacher`.

    `structured` is how the answer's shape is asked for: json_schema (strict), json_object (older
    servers; the prompt describes the shape), none (the prompt alone).
    """

    def __init__(
        self,
        model: str,
        url: str,
        *,
        key_name: str = "OPENAI_API_KEY",
        structured: Structured = "json_schema",
        room: int = 4000,
        retries: int = _RETRIES,
    ) -> None:
        host = urlsplit(url).hostname
        if not host:
            raise TeacherError(f"--url {url!r}: must be a URL like http://127.0.0.1:8080/v1")
        self.name = f"{model}@{host}"
        self.room = room
        self._model = model
        self._structured = structured
        self._key_name = key_name
        # Servers of one's own often want none; the client insists on one.
        key = os.environ.get(key_name) or "none"
        self._client = openai.AsyncOpenAI(
            api_key=key, base_url=url, max_retries=retries, timeout=_TIMEOUT
        )

    async def ask(self, ask: Ask) -> Completion:
        """The first choice. Raises Unanswerable or TeacherError."""
        options: dict[str, Any] = {}
        if self._structured == "json_schema":
            named = {"name": "answer", "strict": True, "schema": schema(ask.shape)}
            options["response_format"] = {"type": "json_schema", "json_schema": named}
        elif self._structured == "json_object":
            options["response_format"] = {"type": "json_object"}
        messages = [{"role": message.role, "content": message.text} for message in ask.messages]
        try:
            done = await self._client.chat.completions.create(
                model=self._model,
                messages=cast(Any, messages),
                temperature=ask.temperature,
                seed=ask.seed,
                max_tokens=ask.tokens,
                **options,
            )
        except (openai.AuthenticationError, openai.PermissionDeniedError) as problem:
            raise TeacherError(
                f"{self.name} refuses the key (HTTP {problem.status_code}); put one that it takes "
                f"into the environment variable {self._key_name}"
            ) from None
        except (openai.BadRequestError, openai.UnprocessableEntityError) as problem:
            raise Unanswerable(self._refusal(problem)) from None
        except openai.APIStatusError as problem:
            raise TeacherError(
                f"{self.name} answers HTTP {problem.status_code}: {_short(problem)}; what was "
                "answered is kept, the same command goes on from there"
            ) from None
        except openai.APIConnectionError as problem:
            cause = problem.__cause__ or problem
            raise TeacherError(
                f"{self.name} cannot be reached ({type(cause).__name__}); what was answered is "
                "kept, the same command goes on from there"
            ) from None
        except openai.APIError as problem:  # for example a body that is no chat completion
            raise TeacherError(f"{self.name}: {_short(problem)}") from None
        usage = done.usage
        if not done.choices:
            raise Unanswerable("the endpoint gave no choice")
        text = done.choices[0].message.content or ""
        return Completion(
            text,
            usage.prompt_tokens if usage else 0,
            usage.completion_tokens if usage else 0,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _refusal(self, problem: openai.APIStatusError) -> str:
        told = f"HTTP {problem.status_code}: {_short(problem)}"
        if "response_format" in told or "json_schema" in told:
            told += " (an older server? try --structured json_object)"
        return told


def _short(problem: Exception) -> str:
    return " ".join(str(problem).split())[:200]
