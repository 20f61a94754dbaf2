"""Cohere's chat, version 2. https://docs.cohere.com/docs/streaming, https://docs.cohere.com/reference/errors"""

from __future__ import annotations

from typing import Any, ClassVar

from polydriver.driver import Driver
from polydriver.drivers.cohere import CohereDriver
from polydriver.errors import (
    ContentFilterError,
    ContextLengthError,
    InvalidCredentialsError,
    InvalidRequestError,
    ModelNotFoundError,
    ProviderError,
    RateLimitError,
    ServerError,
)

from .base import Event, Refusal, StreamError, Wire, call_arguments

__all__ = ["CohereWire"]

_STOPS = {"stop": "COMPLETE", "length": "MAX_TOKENS", "tool_calls": "TOOL_CALL", "content_filter": "ERROR_TOXIC"}
_USAGE = {
    "billed_units": {"input_tokens": 1, "output_tokens": 2},
    "tokens": {"input_tokens": 5, "output_tokens": 7},
}


class CohereWire(Wire):
    """Cohere's chat."""

    name = "cohere"
    prefix = "Cohere"
    model = "command-a-03-2025"
    refusals: ClassVar[list[Refusal]] = [
        Refusal(400, {"id": "e", "message": "invalid request: message must be at least 1 token"}, InvalidRequestError),
        Refusal(400, {"id": "e", "message": "too many tokens: total number of tokens"}, ContextLengthError),
        Refusal(401, {"id": "e", "message": "invalid api token"}, InvalidCredentialsError),
        Refusal(403, {"message": "not allowed"}, InvalidCredentialsError),
        Refusal(404, {"id": "e", "message": "model 'x' not found, make sure the ID is correct"}, ModelNotFoundError),
        Refusal(413, b"", InvalidRequestError),
        Refusal(422, {"message": "unprocessable entity"}, InvalidRequestError),
        Refusal(429, {"message": "You are using a Trial key, limited to 20 API calls / minute."}, RateLimitError),
        Refusal(498, {"message": "blocked output"}, ContentFilterError),
        Refusal(500, {"message": "internal server error"}, ServerError),
        Refusal(503, {"message": "service unavailable"}, ServerError),
        Refusal(529, b"", ServerError),
    ]
    stream_errors: ClassVar[list[StreamError]] = [
        StreamError({"message": "internal server error", "id": "e"}, ProviderError),
        StreamError(
            {"type": "message-end", "id": "c1", "delta": {"finish_reason": "ERROR", "error": "out of capacity"}},
            ProviderError,
        ),
    ]
    empty_replies: ClassVar[list[dict[str, Any]]] = [
        {"id": "c", "message": {"role": "assistant", "content": []}, "finish_reason": "COMPLETE"},
        {"id": "c", "message": {"content": [{"type": "thinking", "thinking": "Hm"}]}, "finish_reason": "COMPLETE"},
        {"id": "c", "message": {"role": "assistant"}, "finish_reason": "MAX_TOKENS"},
    ]

    def driver(self, url: str, key: str, settings: dict[str, Any]) -> Driver:
        """See `Wire.driver`."""
        return CohereDriver({"api_key": key, "base_url": url, **settings})

    def begin(self) -> list[Event]:
        """See `Wire.begin`."""
        message = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
        return [{"type": "message-start", "id": "c1", "delta": {"message": message}}]

    def text(self, *deltas: str) -> list[Event]:
        """See `Wire.text`."""
        return self._content("text", deltas)

    def thought(self, *deltas: str) -> list[Event]:
        """See `Wire.thought`."""
        return [*self._content("thinking", deltas), {"type": "content-end", "index": 0}]

    def _content(self, kind: str, deltas: tuple[str, ...]) -> list[Event]:
        start = {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": kind, kind: ""}}}}
        return [
            start,
            *(
                {"type": "content-delta", "index": 0, "delta": {"message": {"content": {kind: delta}}}}
                for delta in deltas
            ),
        ]

    def call_start(self, index: int, call_id: str, name: str) -> list[Event]:
        """See `Wire.call_start`."""
        function = {"name": name, "arguments": ""}
        call = {"id": call_id, "type": "function", "function": function}
        return [{"type": "tool-call-start", "index": index, "delta": {"message": {"tool_calls": call}}}]

    def call_piece(self, index: int, text: str) -> list[Event]:
        """See `Wire.call_piece`."""
        call = {"function": {"arguments": text}}
        return [{"type": "tool-call-delta", "index": index, "delta": {"message": {"tool_calls": call}}}]

    def call_end(self, index: int, call_id: str, name: str, arguments: str) -> list[Event]:
        """See `Wire.call_end`."""
        return [{"type": "tool-call-end", "index": index}]

    def end(self, finish: str = "stop") -> list[Event]:
        """See `Wire.end`."""
        delta = {"finish_reason": _STOPS[finish], "usage": _USAGE}
        return [{"type": "content-end", "index": 0}, {"type": "message-end", "id": "c1", "delta": delta}]

    def whole(self, text: str | None = "Hello", finish: str = "stop", **call: Any) -> dict[str, Any]:
        """See `Wire.whole`."""
        message: dict[str, Any] = {"role": "assistant"}
        if text:
            message["content"] = [{"type": "text", "text": text}]
        if call:
            function = {"name": call["name"], "arguments": call_arguments(call)}
            message["tool_calls"] = [{"id": call["call_id"], "type": "function", "function": function}]
        return {"id": "c1", "message": message, "finish_reason": _STOPS[finish], "usage": _USAGE}
