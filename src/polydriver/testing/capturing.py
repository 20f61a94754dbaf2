"""Fixtures from a real server: what it answers to a few requests, byte by byte and without keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from .. import errors as tree
from ..data.responses import AIResponse
from ..errors import AIError, ProviderError
from .cassette import Cassette
from .exchanges import read_answer
from .replies import ErrorReply, ExpectedAnswer, WireFixtures

__all__ = ["Captured", "capture_fixtures"]

NO_MODEL = "no-such-model-of-polydriver"
"""The model that is asked for to see what the server says of one that it does not have."""

_HELLO = "Say hello in one short sentence."
_THINK = "Which is more, 17 times 23 or 400? Think, then answer in one word."
_WEATHER = "What is the weather in Paris, and what time is it there? Use both tools at once."
_TOOLS = [
    {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
    {"name": "get_time", "description": "The time in Paris", "parameters": {"type": "object", "properties": {}}},
]
_TEXTS = ["one text", "another"]


class Captured(msgspec.Struct, kw_only=True):
    """What came of it: the fixtures, and why some are not there, by their names."""

    fixtures: WireFixtures
    missing: dict[str, str] = {}


def capture_fixtures(
    connect: Callable[[Cassette], Any],
    model: str,
    *,
    options: Mapping[str, Any] | None = None,
    reasoning: bool = False,
    embedding_model: str | None = None,
    known: WireFixtures | None = None,
) -> Captured:
    """Ask a server for an answer, a stream, calls of tools, its models and one that it does not have.

    `connect` makes a provider with a cassette as its transport. `options` are sent with each prompt. With `reasoning`
    answers with reasoning are asked for, with an `embedding_model` vectors. What is recorded takes the place of that in
    `known`, whose rest is kept.
    """
    run = _Run(connect, {"model": model, "retry_attempts": 1, **(options or {})})
    run.answers("", _HELLO)
    run.answers("tool_", _WEATHER, tools=_TOOLS, tool_choice="required")
    if reasoning:
        run.answers("reasoning_", _THINK, reasoning_effort="low")
    run.models()
    run.unknown_model()
    if embedding_model is not None:
        run.embeddings(embedding_model)
    known = known or WireFixtures()
    errors = [*(reply for reply in known.error_replies if reply not in run.errors), *run.errors]
    made = {**run.found, "expected": {**known.expected, **run.expected}, "error_replies": errors}
    return Captured(fixtures=msgspec.structs.replace(known, **made), missing=run.missing)


class _Run:
    """One session with a server."""

    def __init__(self, connect: Callable[[Cassette], Any], options: dict[str, Any]) -> None:
        self._connect = connect
        self._options = options
        self.found: dict[str, Any] = {}
        self.expected: dict[str, ExpectedAnswer] = {}
        self.errors: list[ErrorReply] = []
        self.missing: dict[str, str] = {}

    def answers(self, prefix: str, text: str, **options: Any) -> None:
        """A whole answer and a stream: `whole_reply`, `stream_reply`, `tool_reply`, `tool_stream_reply`, ..."""
        self._answer(
            f"{prefix or 'whole_'}reply", lambda provider: provider.send_message(text, **self._options, **options)
        )

        def stream(provider: Any) -> AIResponse:
            with provider.send_streaming_message(text, **self._options, **options) as answer:
                return answer.until_done()  # type: ignore[no-any-return]

        self._answer(f"{prefix}stream_reply", stream)

    def models(self) -> None:
        """All pages of the model list."""
        exchanges, models = self._record("models_reply", lambda provider: provider.get_available_models())
        if models is not None:
            self.found["models_reply"], *pages = [body for _, body in exchanges]
            self.found["models_pages"] = pages
            told = [{"id": model.id, "context_length": model.context_length} for model in models]
            self.found["expected_models"] = told

    def unknown_model(self) -> None:
        """What the server says of a model that it does not have."""
        exchanges, error = self._record(
            "error_replies", lambda provider: _error_of(provider, {**self._options, "model": NO_MODEL})
        )
        if isinstance(error, ProviderError) and exchanges:
            status, body = exchanges[-1]
            self.errors.append((status, body, _class_of(error)))
        else:
            self.missing["error_replies"] = f"the server answers for a model that it cannot have, {NO_MODEL}"

    def embeddings(self, model: str) -> None:
        """Vectors of two texts."""
        exchanges, result = self._record("embeddings_reply", lambda provider: provider.embed(_TEXTS, model=model))
        if result is not None:
            self.found["embeddings_reply"] = exchanges[-1][1]
            self.found["expected_vectors"] = [vector.tolist() for vector in result.embeddings]

    def _answer(self, name: str, ask: Callable[[Any], AIResponse]) -> None:
        exchanges, answer = self._record(name, ask)
        if answer is not None:
            self.found[name] = exchanges[-1][1]
            told = ExpectedAnswer.of(answer)
            reported = answer.cost is not None and answer.cost.source.startswith("reported")
            self.expected[name] = told if reported else msgspec.structs.replace(told, cost=None)

    def _record(self, name: str, ask: Callable[[Any], Any]) -> tuple[list[tuple[int, bytes]], Any]:
        """The exchanges that a call makes, as status and body, and what it gives; `None` when it fails."""
        cassette = Cassette(Path(f"{name}.jsonl"), "record")
        provider = self._connect(cassette)
        try:
            got = ask(provider)
        except AIError as error:
            self.missing[name] = str(error)
            got = None
        finally:
            provider.close()
        answers = [read_answer(exchange["response"]) for exchange in cassette.exchanges]
        return [(answer.status, b"".join(answer.chunks)) for answer in answers], got


def _error_of(provider: Any, options: dict[str, Any]) -> AIError | None:
    try:
        provider.send_message(_HELLO, **options)
    except AIError as error:
        return error
    return None


def _class_of(error: ProviderError) -> str:
    """The name of the class of the tree that all drivers share."""
    return next(kind.__name__ for kind in type(error).__mro__ if kind.__name__ in tree.__all__)
