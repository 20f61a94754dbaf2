"""Ollama's own API: JSON lines. https://docs.ollama.com/api"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from polydriver.driver import Driver
from polydriver.drivers.ollama import OllamaDriver
from polydriver.errors import (
    InvalidCredentialsError,
    InvalidRequestError,
    ModelNotFoundError,
    ProviderError,
    RateLimitError,
    ServerError,
)

from .base import Event, Refusal, StreamError, Wire, encode

__all__ = ["OllamaWire"]

_COUNTS = {"prompt_eval_count": 5, "eval_count": 7, "total_duration": 9}
_STOPS = {"stop": "stop", "length": "length", "tool_calls": "stop", "content_filter": "other"}


class OllamaWire(Wire):
    """Ollama's chat."""

    name = "ollama"
    prefix = "Ollama"
    model = "gemma3:1b"
    content_type = "application/x-ndjson"
    streams_calls = False
    refusals: ClassVar[list[Refusal]] = [
        Refusal(400, {"error": "invalid character 'x' looking for beginning of value"}, InvalidRequestError),
        Refusal(401, {"error": "unauthorized"}, InvalidCredentialsError),
        Refusal(403, {"error": "forbidden"}, InvalidCredentialsError),
        Refusal(404, {"error": "model 'nonesuch' not found"}, ModelNotFoundError),
        Refusal(404, b"404 page not found", InvalidRequestError),
        Refusal(413, b"", InvalidRequestError),
        Refusal(422, {"error": "unprocessable"}, InvalidRequestError),
        Refusal(429, {"error": "you've reached your hourly usage limit"}, RateLimitError),
        Refusal(500, {"error": "llama runner process has terminated"}, ServerError),
        Refusal(503, {"error": "server busy, please try again. maximum pending requests exceeded"}, ServerError),
        Refusal(529, b"", ServerError),
    ]
    stream_errors: ClassVar[list[StreamError]] = [
        StreamError({"error": "an error was encountered while running the model"}, ProviderError),
        StreamError({"error": {"message": "boom", "type": "server_error"}}, ServerError),
        StreamError({"error": "unexpected EOF", "status": 500}, ServerError),
    ]
    empty_replies: ClassVar[list[dict[str, Any]]] = [
        {"model": "m", "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"},
        {"model": "m", "message": {"content": "", "thinking": "Hm"}, "done": True, "done_reason": "length"},
    ]

    def driver(self, url: str, key: str, settings: dict[str, Any]) -> Driver:
        """See `Wire.driver`."""
        return OllamaDriver({"api_key": key, "base_url": url, **settings})

    def frames(self, *events: Event) -> list[bytes]:
        """See `Wire.frames`."""
        return [encode(event) + b"\n" for event in events]

    def keep_alive(self) -> list[bytes]:
        """See `Wire.keep_alive`."""
        return [b"\n", b" \r\n"]

    def begin(self) -> list[Event]:
        """See `Wire.begin`."""
        return [self._line(content="")]

    def text(self, *deltas: str) -> list[Event]:
        """See `Wire.text`."""
        return [self._line(content=delta) for delta in deltas]

    def thought(self, *deltas: str) -> list[Event]:
        """See `Wire.thought`."""
        return [self._line(content="", thinking=delta) for delta in deltas]

    def calls(self, *calls: tuple[str, str, str]) -> list[Event]:
        """See `Wire.calls`. They come whole."""
        return [
            self._line(
                content="",
                tool_calls=[{"id": call_id, "function": {"name": name, "arguments": json.loads(arguments)}}],
            )
            for call_id, name, arguments in calls
        ]

    def _line(self, **message: Any) -> dict[str, Any]:
        return {"model": "gemma", "created_at": "2025-01-01T00:00:00Z", "message": message, "done": False}

    def end(self, finish: str = "stop") -> list[Event]:
        """See `Wire.end`."""
        return [{**self._line(content=""), "done": True, "done_reason": _STOPS[finish], **_COUNTS}]

    def whole(self, text: str | None = "Hello", finish: str = "stop", **call: Any) -> dict[str, Any]:
        """See `Wire.whole`."""
        message: dict[str, Any] = {"role": "assistant", "content": text or ""}
        if call:
            function = {"name": call["name"], "arguments": call["arguments"]}
            message["tool_calls"] = [{"id": call["call_id"], "function": function}]
        return {**self._line(**message), "done": True, "done_reason": _STOPS[finish], **_COUNTS}
