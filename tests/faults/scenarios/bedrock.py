"""Bedrock ConverseStream: binary frames.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
"""

from __future__ import annotations

from typing import Any, ClassVar

from tests.wires.bedrock import exception, frame

from polydriver.driver import Driver
from polydriver.drivers.bedrock import BedrockDriver
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

__all__ = ["BedrockWire", "Framed"]

_STOPS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "guardrail_intervened",
}
_USAGE = {"inputTokens": 5, "outputTokens": 7, "totalTokens": 12}


class Framed(bytes):
    """A frame that is complete already: an exception."""


def _refused(status: int, name: str, message: str, kind: type[ProviderError]) -> Refusal:
    headers = {"x-amzn-errortype": f"{name}:http://internal.amazon.com/coral/com.amazon.bedrock/"}
    return Refusal(status, {"message": message}, kind, headers)


def _raised(name: str, message: str, kind: type[ProviderError]) -> StreamError:
    return StreamError(Framed(exception(name, message)), kind)


class BedrockWire(Wire):
    """Converse, with an API key. Events are pairs of a type and a payload."""

    name = "bedrock"
    prefix = "Bedrock"
    model = "amazon.nova-lite-v1:0"
    content_type = "application/vnd.amazon.eventstream"
    refusals: ClassVar[list[Refusal]] = [
        _refused(400, "ValidationException", "The provided request is not valid", InvalidRequestError),
        _refused(400, "ValidationException", "Input is too long for requested model.", ContextLengthError),
        _refused(400, "ValidationException", "The provided model identifier is invalid.", ModelNotFoundError),
        _refused(400, "ServiceQuotaExceededException", "Your request exceeds the quota", QuotaExceededError),
        _refused(401, "UnauthorizedException", "no", InvalidCredentialsError),
        _refused(403, "AccessDeniedException", "You don't have access to the model", InvalidCredentialsError),
        _refused(403, "ExpiredTokenException", "The security token is expired", InvalidCredentialsError),
        _refused(404, "ResourceNotFoundException", "Could not resolve the foundation model", ModelNotFoundError),
        _refused(408, "ModelTimeoutException", "The request took too long", APITimeoutError),
        Refusal(413, b"", InvalidRequestError),
        Refusal(422, {"message": "unprocessable"}, InvalidRequestError),
        _refused(424, "ModelErrorException", "The model failed", ServerError),
        _refused(429, "ThrottlingException", "Too many requests, please wait", RateLimitError),
        _refused(500, "InternalServerException", "boom", ServerError),
        _refused(503, "ServiceUnavailableException", "Bedrock is unable to process your request", ServerError),
        Refusal(529, b"", ServerError),
    ]
    stream_errors: ClassVar[list[StreamError]] = [
        _raised("throttlingException", "Too many requests", RateLimitError),
        _raised("internalServerException", "boom", ServerError),
        _raised("modelStreamErrorException", "The model failed", ServerError),
        _raised("serviceUnavailableException", "busy", ServerError),
        _raised("validationException", "no", InvalidRequestError),
    ]
    empty_replies: ClassVar[list[dict[str, Any]]] = [
        {"output": {"message": {"role": "assistant", "content": []}}, "stopReason": "end_turn", "usage": _USAGE},
        {
            "output": {"message": {"content": [{"reasoningContent": {"reasoningText": {"text": "Hm"}}}]}},
            "stopReason": "max_tokens",
        },
    ]

    def driver(self, url: str, key: str, settings: dict[str, Any]) -> Driver:
        """See `Wire.driver`."""
        return BedrockDriver({"api_key": key, "base_url": url, "region": "us-east-1", **settings})

    def frames(self, *events: Event) -> list[bytes]:
        """See `Wire.frames`. Bytes are the payload of a delta."""
        framed: list[bytes] = []
        for event in events:
            if isinstance(event, Framed):
                framed.append(event)
                continue
            kind, payload = event if isinstance(event, tuple) else ("contentBlockDelta", event)
            headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
            framed.append(frame(headers, encode(payload)))
        return framed

    def keep_alive(self) -> list[bytes]:
        """See `Wire.keep_alive`. There is none but an event of an unknown kind."""
        return []

    def begin(self) -> list[Event]:
        """See `Wire.begin`."""
        return [("messageStart", {"role": "assistant"})]

    def text(self, *deltas: str) -> list[Event]:
        """See `Wire.text`."""
        return [self._delta(0, {"text": delta}) for delta in deltas]

    def thought(self, *deltas: str) -> list[Event]:
        """See `Wire.thought`."""
        told = [self._delta(9, {"reasoningContent": {"text": delta}}) for delta in deltas]
        signed = self._delta(9, {"reasoningContent": {"signature": "c2ln"}})
        return [*told, signed, ("contentBlockStop", {"contentBlockIndex": 9})]

    def _delta(self, index: int, delta: dict[str, Any]) -> Event:
        return ("contentBlockDelta", {"contentBlockIndex": index, "delta": delta})

    def call_start(self, index: int, call_id: str, name: str) -> list[Event]:
        """See `Wire.call_start`."""
        start = {"toolUse": {"toolUseId": call_id, "name": name}}
        return [("contentBlockStart", {"contentBlockIndex": index + 1, "start": start})]

    def call_piece(self, index: int, text: str) -> list[Event]:
        """See `Wire.call_piece`."""
        return [self._delta(index + 1, {"toolUse": {"input": text}})]

    def call_end(self, index: int, call_id: str, name: str, arguments: str) -> list[Event]:
        """See `Wire.call_end`."""
        return [("contentBlockStop", {"contentBlockIndex": index + 1})]

    def end(self, finish: str = "stop") -> list[Event]:
        """See `Wire.end`."""
        return [
            ("contentBlockStop", {"contentBlockIndex": 0}),
            ("messageStop", {"stopReason": _STOPS[finish]}),
            ("metadata", {"usage": _USAGE, "metrics": {"latencyMs": 3}}),
        ]

    def whole(self, text: str | None = "Hello", finish: str = "stop", **call: Any) -> dict[str, Any]:
        """See `Wire.whole`."""
        content: list[dict[str, Any]] = [{"text": text}] if text else []
        if call:
            made = {"toolUseId": call["call_id"], "name": call["name"], "input": call["arguments"]}
            content.append({"toolUse": made})
        message = {"role": "assistant", "content": content}
        return {"output": {"message": message}, "stopReason": _STOPS[finish], "usage": _USAGE}
