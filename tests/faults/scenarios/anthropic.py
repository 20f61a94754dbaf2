"""Anthropic Messages. https://platform.claude.com/docs/en/build-with-claude/streaming, .../en/api/errors"""

from __future__ import annotations

from typing import Any, ClassVar

from polydriver.driver import Driver
from polydriver.drivers.anthropic import AnthropicDriver
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

from .base import Event, Refusal, StreamError, Wire

__all__ = ["AnthropicWire", "failure"]

_STOPS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}


def failure(kind: str, message: str) -> dict[str, Any]:
    """An error object, the same in replies and in streams."""
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_011"}


def _refused(status: int, kind: str, message: str, cls: type[ProviderError], **headers: str) -> Refusal:
    return Refusal(status, failure(kind, message), cls, headers)


class AnthropicWire(Wire):
    """Anthropic's own API."""

    name = "anthropic"
    prefix = "Anthropic"
    model = "claude-sonnet-4-5"
    refusals: ClassVar[list[Refusal]] = [
        _refused(400, "invalid_request_error", "messages: at least one message is required", InvalidRequestError),
        _refused(
            400,
            "invalid_request_error",
            "prompt is too long: 208310 tokens > 200000 maximum",
            ContextLengthError,
        ),
        _refused(
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing.",
            QuotaExceededError,
        ),
        _refused(400, "invalid_request_error", "Output blocked by content filtering policy", ContentFilterError),
        _refused(401, "authentication_error", "invalid x-api-key", InvalidCredentialsError),
        _refused(402, "billing_error", "There is an issue with your billing.", QuotaExceededError),
        _refused(403, "permission_error", "Your API key does not have permission.", InvalidCredentialsError),
        _refused(404, "not_found_error", "model: claude-nonesuch", ModelNotFoundError),
        _refused(404, "not_found_error", "Not found", InvalidRequestError),
        _refused(413, "request_too_large", "Request exceeds the maximum size", InvalidRequestError),
        _refused(422, "invalid_request_error", "unprocessable", InvalidRequestError),
        _refused(429, "rate_limit_error", "Number of requests has exceeded your limit", RateLimitError),
        _refused(500, "api_error", "Internal server error", ServerError),
        _refused(504, "timeout_error", "The request timed out", APITimeoutError),
        _refused(529, "overloaded_error", "Overloaded", ServerError),
    ]
    stream_errors: ClassVar[list[StreamError]] = [
        StreamError(failure("overloaded_error", "Overloaded"), ServerError),
        StreamError(failure("api_error", "Internal server error"), ServerError),
        StreamError(failure("rate_limit_error", "slow down"), RateLimitError),
        StreamError(failure("timeout_error", "took too long"), APITimeoutError),
        StreamError(failure("authentication_error", "invalid x-api-key"), InvalidCredentialsError),
        StreamError(failure("invalid_request_error", "prompt is too long"), ContextLengthError),
        StreamError(failure("invalid_request_error", "no"), InvalidRequestError),
        StreamError({"type": "error", "error": "overloaded"}, ProviderError),
    ]
    empty_replies: ClassVar[list[dict[str, Any]]] = [
        {"id": "m", "type": "message", "role": "assistant", "content": [], "stop_reason": "end_turn"},
        {
            "id": "m",
            "type": "message",
            "content": [{"type": "thinking", "thinking": "Hm", "signature": "s"}],
            "stop_reason": "end_turn",
        },
        {"id": "m", "type": "message", "content": [], "stop_reason": "refusal"},
    ]

    def driver(self, url: str, key: str, settings: dict[str, Any]) -> Driver:
        """See `Wire.driver`."""
        return AnthropicDriver({"api_key": key, "base_url": url, **settings})

    def keep_alive(self) -> list[bytes]:
        """See `Wire.keep_alive`."""
        return [*super().keep_alive(), *self.frames({"type": "ping"})]

    def begin(self) -> list[Event]:
        """See `Wire.begin`."""
        usage = {"input_tokens": 5, "output_tokens": 1, "cache_read_input_tokens": 0}
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": []}
        return [
            {"type": "message_start", "message": {**message, "stop_reason": None, "usage": usage}},
            {"type": "ping"},
        ]

    def text(self, *deltas: str) -> list[Event]:
        """See `Wire.text`."""
        return self._block(0, {"type": "text", "text": ""}, [{"type": "text_delta", "text": d} for d in deltas])

    def thought(self, *deltas: str) -> list[Event]:
        """See `Wire.thought`."""
        pieces = [{"type": "thinking_delta", "thinking": delta} for delta in deltas]
        signed = {"type": "signature_delta", "signature": "c2ln"}
        start = {"type": "thinking", "thinking": "", "signature": ""}
        return [*self._block(9, start, [*pieces, signed]), {"type": "content_block_stop", "index": 9}]

    def _block(self, index: int, start: dict[str, Any], deltas: list[dict[str, Any]]) -> list[Event]:
        begun = {"type": "content_block_start", "index": index, "content_block": start}
        return [begun, *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas)]

    def call_start(self, index: int, call_id: str, name: str) -> list[Event]:
        """See `Wire.call_start`."""
        return self._block(index + 1, {"type": "tool_use", "id": call_id, "name": name, "input": {}}, [])

    def call_piece(self, index: int, text: str) -> list[Event]:
        """See `Wire.call_piece`."""
        delta = {"type": "input_json_delta", "partial_json": text}
        return [{"type": "content_block_delta", "index": index + 1, "delta": delta}]

    def call_end(self, index: int, call_id: str, name: str, arguments: str) -> list[Event]:
        """See `Wire.call_end`."""
        return [{"type": "content_block_stop", "index": index + 1}]

    def end(self, finish: str = "stop") -> list[Event]:
        """See `Wire.end`."""
        delta = {"stop_reason": _STOPS[finish], "stop_sequence": None}
        return [
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7}},
            {"type": "message_stop"},
        ]

    def whole(self, text: str | None = "Hello", finish: str = "stop", **call: Any) -> dict[str, Any]:
        """See `Wire.whole`."""
        content: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
        if call:
            content.append(
                {"type": "tool_use", "id": call["call_id"], "name": call["name"], "input": call["arguments"]}
            )
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-x",
            "content": content,
            "stop_reason": _STOPS[finish],
            "stop_sequence": None,
            "usage": {"input_tokens": 5, "output_tokens": 7},
        }
