"""Gemini generateContent, as server-sent events and as one JSON array.

https://ai.google.dev/api/generate-content, https://ai.google.dev/gemini-api/docs/troubleshooting
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from polydriver.driver import Driver
from polydriver.drivers.gemini import GeminiDriver
from polydriver.errors import (
    APITimeoutError,
    ContextLengthError,
    InvalidCredentialsError,
    InvalidRequestError,
    ModelNotFoundError,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
)

from .base import Event, Refusal, StreamError, Wire, encode

__all__ = ["GeminiArrayWire", "GeminiWire", "failure", "retry_info"]

_STOPS = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP", "content_filter": "SAFETY"}
_USAGE = {"promptTokenCount": 5, "candidatesTokenCount": 7, "totalTokenCount": 12}


def failure(code: int, status: str, message: str, *details: dict[str, Any]) -> dict[str, Any]:
    """A `google.rpc.Status`, the same in replies and in streams."""
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


def retry_info(delay: Any) -> dict[str, Any]:
    """The detail that says when to come back."""
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


def _quota(name: str) -> dict[str, Any]:
    return {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{"quotaId": name, "quotaMetric": "generate_content_requests", "quotaValue": "20"}],
    }


_BAD_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}


def _refused(kind: type[ProviderError], code: int, status: str, message: str, *details: dict[str, Any]) -> Refusal:
    return Refusal(code, failure(code, status, message, *details), kind)


class GeminiWire(Wire):
    """Gemini with `alt=sse`."""

    name = "gemini"
    prefix = "Gemini"
    model = "gemini-2.5-flash"
    streams_calls = False
    refusals: ClassVar[list[Refusal]] = [
        _refused(InvalidRequestError, 400, "INVALID_ARGUMENT", "Invalid value at 'contents[0].role'"),
        _refused(InvalidRequestError, 400, "FAILED_PRECONDITION", "User location is not supported for the API use."),
        _refused(InvalidCredentialsError, 400, "INVALID_ARGUMENT", "API key not valid. Please pass one.", _BAD_KEY),
        _refused(
            ContextLengthError,
            400,
            "INVALID_ARGUMENT",
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        ),
        _refused(InvalidCredentialsError, 401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
        _refused(InvalidCredentialsError, 403, "PERMISSION_DENIED", "The caller does not have permission."),
        _refused(
            ModelNotFoundError,
            404,
            "NOT_FOUND",
            "models/gemini-x is not found for API version v1beta, or is not supported for generateContent.",
        ),
        Refusal(413, b"<html><title>413. That's an error.</title></html>", InvalidRequestError),
        _refused(InvalidRequestError, 422, "INVALID_ARGUMENT", "unprocessable"),
        _refused(RateLimitError, 429, "RESOURCE_EXHAUSTED", "Quota exceeded for metric", retry_info("0.05s")),
        _refused(RateLimitError, 429, "RESOURCE_EXHAUSTED", "Resource has been exhausted", _quota("PerMinute")),
        _refused(QuotaExceededError, 429, "RESOURCE_EXHAUSTED", "You exceeded your quota", _quota("RequestsPerDay")),
        _refused(ServerError, 500, "INTERNAL", "An internal error has occurred."),
        Refusal(500, [failure(500, "INTERNAL", "An internal error has occurred.")], ServerError),
        _refused(ServerError, 503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
        _refused(APITimeoutError, 504, "DEADLINE_EXCEEDED", "The service could not finish in time."),
        Refusal(529, b"", ServerError),
    ]
    stream_errors: ClassVar[list[StreamError]] = [
        StreamError(failure(503, "UNAVAILABLE", "The model is overloaded."), ServerError),
        StreamError(failure(500, "INTERNAL", "An internal error has occurred."), ServerError),
        StreamError(failure(429, "RESOURCE_EXHAUSTED", "Quota exceeded"), RateLimitError),
        StreamError(failure(499, "CANCELLED", "The operation was cancelled."), InvalidRequestError),
        StreamError(failure(400, "INVALID_ARGUMENT", "API key not valid.", _BAD_KEY), InvalidCredentialsError),
        StreamError([failure(503, "UNAVAILABLE", "The model is overloaded.")], ServerError),
        StreamError({"error": "overloaded"}, ProviderError),
    ]
    empty_replies: ClassVar[list[dict[str, Any]]] = [
        {"candidates": [{"finishReason": "STOP", "index": 0}], "usageMetadata": _USAGE},
        {"candidates": [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS"}]},
        {"candidates": [{"content": {"parts": [{"text": "Hm", "thought": True}]}, "finishReason": "STOP"}]},
        {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 5}},
    ]

    def driver(self, url: str, key: str, settings: dict[str, Any]) -> Driver:
        """See `Wire.driver`."""
        return GeminiDriver({"api_key": key, "base_url": f"{url}/v1beta", **settings})

    def begin(self) -> list[Event]:
        """See `Wire.begin`."""
        return [{"responseId": "r1", "modelVersion": "gemini-x", "usageMetadata": {"promptTokenCount": 5}}]

    def text(self, *deltas: str) -> list[Event]:
        """See `Wire.text`."""
        return [self._chunk({"text": delta}) for delta in deltas]

    def thought(self, *deltas: str) -> list[Event]:
        """See `Wire.thought`."""
        return [self._chunk({"text": delta, "thought": True}) for delta in deltas]

    def calls(self, *calls: tuple[str, str, str]) -> list[Event]:
        """See `Wire.calls`. They come whole, all in one event."""
        parts = [
            {"functionCall": {"id": call_id, "name": name, "args": json.loads(arguments)}}
            for call_id, name, arguments in calls
        ]
        return [self._chunk(*parts)]

    def _chunk(self, *parts: dict[str, Any]) -> dict[str, Any]:
        candidate = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
        usage = {"promptTokenCount": 5, "candidatesTokenCount": 1, "totalTokenCount": 6}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-x", "responseId": "r1"}

    def end(self, finish: str = "stop") -> list[Event]:
        """See `Wire.end`."""
        candidate = {"content": {"role": "model", "parts": [{"text": ""}]}, "finishReason": _STOPS[finish], "index": 0}
        return [
            {"candidates": [candidate], "usageMetadata": _USAGE, "modelVersion": "gemini-x", "responseId": "r1"},
        ]

    def whole(self, text: str | None = "Hello", finish: str = "stop", **call: Any) -> dict[str, Any]:
        """See `Wire.whole`."""
        parts: list[dict[str, Any]] = [{"text": text}] if text else []
        if call:
            function = {"id": call["call_id"], "name": call["name"], "args": call["arguments"]}
            parts.append({"functionCall": function})
        candidate = {"content": {"role": "model", "parts": parts}, "finishReason": _STOPS[finish], "index": 0}
        return {"candidates": [candidate], "usageMetadata": _USAGE, "modelVersion": "gemini-x", "responseId": "r1"}


class GeminiArrayWire(GeminiWire):
    """Gemini as one JSON array, which it streams without `alt=sse`."""

    name = "gemini array"
    content_type = "application/json"

    def frame(self, *events: Event, end: bool = True) -> bytes:
        """See `Wire.frame`."""
        return b"".join(self.frames(*events)) + (b"\n]" if end and events else b"")

    def frames(self, *events: Event) -> list[bytes]:
        """See `Wire.frames`. The first opens the array."""
        return [(b",\r\n" if place else b"[") + encode(event) for place, event in enumerate(events)]

    def keep_alive(self) -> list[bytes]:
        """See `Wire.keep_alive`."""
        return [b"\n", b" "]
