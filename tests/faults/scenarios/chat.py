"""OpenAI's Chat Completions. https://platform.openai.com/docs/api-reference/chat-streaming/streaming"""

from __future__ import annotations

from typing import Any, ClassVar

from polydriver.driver import Driver
from polydriver.drivers.openai import OpenAIDriver
from polydriver.errors import (
    APITimeoutError,
    ContentFilterError,
    ContextLengthError,
    InvalidCredentialsError,
    InvalidRequestError,
    ModelNotFoundError,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
)

from .base import Event, Refusal, StreamError, Wire, call_arguments

__all__ = ["ChatWire"]

_USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}


def _failure(message: str = "no", **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None, **fields}}


def _refused(status: int, kind: type[ProviderError], message: str = "no", **fields: Any) -> Refusal:
    return Refusal(status, _failure(message, **fields), kind)


class ChatWire(Wire):
    """Chat Completions of OpenAI, which all compatible services speak."""

    name = "chat"
    prefix = "OpenAI"
    model = "gpt-4o-mini"
    options: ClassVar[dict[str, Any]] = {"api": "chat"}
    refusals: ClassVar[list[Refusal]] = [
        _refused(400, InvalidRequestError, "messages: at least one is needed"),
        _refused(400, ContextLengthError, code="context_length_exceeded"),
        _refused(400, ContentFilterError, code="content_policy_violation"),
        _refused(401, InvalidCredentialsError, "Incorrect API key provided", code="invalid_api_key"),
        _refused(403, InvalidCredentialsError, "Country, region, or territory not supported"),
        _refused(404, ModelNotFoundError, "The model `gpt-x` does not exist", code="model_not_found"),
        Refusal(408, b"", APITimeoutError),
        Refusal(413, b"too large", InvalidRequestError),
        _refused(429, QuotaExceededError, type="insufficient_quota", code="insufficient_quota"),
        _refused(429, RateLimitError, "Rate limit reached", type="tokens", code="rate_limit_exceeded"),
        _refused(500, ServerError, "The server had an error", type="server_error"),
        Refusal(529, b"", ServerError),
    ]
    stream_errors: ClassVar[list[StreamError]] = [
        StreamError(_failure("boom", type="server_error"), ServerError),
        StreamError(_failure("slow down", type="tokens", code="rate_limit_exceeded"), RateLimitError),
        StreamError(_failure("no"), InvalidRequestError),
        StreamError({"error": {"message": "overloaded", "code": 503}, "choices": []}, ServerError),
        StreamError({"error": {"message": "overloaded", "code": "503"}}, ServerError),
    ]
    empty_replies: ClassVar[list[dict[str, Any]]] = [
        {"id": "c", "choices": [{"index": 0, "message": {"content": None}, "finish_reason": "stop"}]},
        {"id": "c", "choices": [{"message": {"content": "", "reasoning_content": "Hm"}, "finish_reason": "length"}]},
    ]

    def driver(self, url: str, key: str, settings: dict[str, Any]) -> Driver:
        """See `Wire.driver`."""
        return OpenAIDriver({"api_key": key, "base_url": f"{url}/v1", **settings})

    def frame(self, *events: Event, end: bool = True) -> bytes:
        """See `Wire.frame`. A stream that ended says so."""
        ended = end and any(self._ends(event) for event in events)
        return b"".join(self.frames(*events)) + (b"data: [DONE]\n\n" if ended else b"")

    def _ends(self, event: Event) -> bool:
        choices = event.get("choices") if isinstance(event, dict) else None
        first = choices[0] if isinstance(choices, list) and choices else None
        return isinstance(first, dict) and bool(first.get("finish_reason"))

    def _chunk(self, finish: str | None = None, **delta: Any) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {"id": "c1", "object": "chat.completion.chunk", "model": "gpt-x", "choices": [choice]}

    def begin(self) -> list[Event]:
        """See `Wire.begin`."""
        return [self._chunk(role="assistant", content="")]

    def text(self, *deltas: str) -> list[Event]:
        """See `Wire.text`."""
        return [self._chunk(content=delta) for delta in deltas]

    def thought(self, *deltas: str) -> list[Event]:
        """See `Wire.thought`."""
        return [self._chunk(reasoning_content=delta) for delta in deltas]

    def call_start(self, index: int, call_id: str, name: str) -> list[Event]:
        """See `Wire.call_start`."""
        function = {"name": name, "arguments": ""}
        return [self._chunk(tool_calls=[{"index": index, "id": call_id, "type": "function", "function": function}])]

    def call_piece(self, index: int, text: str) -> list[Event]:
        """See `Wire.call_piece`."""
        return [self._chunk(tool_calls=[{"index": index, "function": {"arguments": text}}])]

    def call_end(self, index: int, call_id: str, name: str, arguments: str) -> list[Event]:
        """See `Wire.call_end`. Nothing says so."""
        return []

    def end(self, finish: str = "stop") -> list[Event]:
        """See `Wire.end`."""
        return [self._chunk(finish), {"id": "c1", "model": "gpt-x", "choices": [], "usage": _USAGE}]

    def whole(self, text: str | None = "Hello", finish: str = "stop", **call: Any) -> dict[str, Any]:
        """See `Wire.whole`."""
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if call:
            function = {"name": call["name"], "arguments": call_arguments(call)}
            message["tool_calls"] = [{"id": call["call_id"], "type": "function", "function": function}]
        choice = {"index": 0, "message": message, "finish_reason": finish}
        return {"id": "c1", "object": "chat.completion", "model": "gpt-x", "choices": [choice], "usage": _USAGE}
