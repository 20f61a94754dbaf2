"""OpenAI Responses. https://platform.openai.com/docs/api-reference/responses-streaming"""

from __future__ import annotations

from typing import Any, ClassVar

from polydriver import OpenAIDriver
from polydriver.driver import Driver
from polydriver.errors import (
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

__all__ = ["ResponsesWire", "failed"]

_USAGE = {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12, "output_tokens_details": {"reasoning_tokens": 2}}
_STATUS: dict[str, dict[str, Any]] = {
    "stop": {"status": "completed"},
    "tool_calls": {"status": "completed"},
    "length": {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
    "content_filter": {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
}


def failed(code: str, message: str) -> dict[str, Any]:
    """The event of a response that failed."""
    response = {"id": "resp_1", "status": "failed", "output": [], "error": {"code": code, "message": message}}
    return {"type": "response.failed", "response": response}


def _refused(status: int, kind: type[ProviderError], message: str, **fields: Any) -> Refusal:
    return Refusal(status, {"error": {"message": message, "type": "invalid_request_error", **fields}}, kind)


class ResponsesWire(Wire):
    """OpenAI's Responses API."""

    name = "responses"
    prefix = "OpenAI"
    model = "gpt-4o-mini"
    options: ClassVar[dict[str, Any]] = {"api": "responses"}
    refusals: ClassVar[list[Refusal]] = [
        _refused(400, InvalidRequestError, "Invalid value for 'input'", param="input"),
        _refused(400, ContextLengthError, "too long", code="context_length_exceeded"),
        _refused(401, InvalidCredentialsError, "Incorrect API key provided", code="invalid_api_key"),
        _refused(403, InvalidCredentialsError, "Country not supported", code="unsupported_country_region_territory"),
        _refused(404, ModelNotFoundError, "The model `x` does not exist", code="model_not_found"),
        _refused(413, InvalidRequestError, "too large"),
        _refused(422, InvalidRequestError, "unprocessable"),
        _refused(429, QuotaExceededError, "You exceeded your current quota", code="insufficient_quota"),
        _refused(429, RateLimitError, "Rate limit reached", code="rate_limit_exceeded"),
        _refused(500, ServerError, "The server had an error", type="server_error"),
        _refused(503, ServerError, "The engine is overloaded", type="server_error"),
        Refusal(529, b"", ServerError),
    ]
    stream_errors: ClassVar[list[StreamError]] = [
        StreamError(failed("server_error", "The model failed"), ServerError),
        StreamError(failed("rate_limit_exceeded", "Rate limit reached"), RateLimitError),
        StreamError(failed("invalid_prompt", "Invalid prompt"), InvalidRequestError),
        StreamError(failed("bio_policy", "no"), ContentFilterError),
        StreamError({"type": "error", "code": "server_error", "message": "boom", "param": None}, ServerError),
        StreamError(
            {"type": "error", "error": {"type": "too_many_requests", "code": "rate_limit_exceeded", "message": "slow"}},
            RateLimitError,
        ),
        StreamError({"error": {"type": "server_error", "message": "boom"}}, ServerError),
        StreamError({"error": {"type": "invalid_request_error", "message": "no"}}, InvalidRequestError),
        StreamError({"type": "response.failed", "response": None}, ServerError),
    ]
    empty_replies: ClassVar[list[dict[str, Any]]] = [
        {"id": "r", "object": "response", "status": "completed", "output": []},
        {"id": "r", "status": "completed", "output": [{"type": "reasoning", "id": "rs", "summary": []}]},
        {"id": "r", "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "output": []},
    ]

    def driver(self, url: str, key: str, settings: dict[str, Any]) -> Driver:
        """See `Wire.driver`."""
        return OpenAIDriver({"api_key": key, "base_url": f"{url}/v1", **settings})

    def keep_alive(self) -> list[bytes]:
        """See `Wire.keep_alive`."""
        return [*super().keep_alive(), *self.frames({"type": "keepalive", "sequence_number": 3})]

    def begin(self) -> list[Event]:
        """See `Wire.begin`."""
        response = {"id": "resp_1", "object": "response", "status": "in_progress", "model": "gpt-x", "output": []}
        return [
            {"type": "response.created", "response": response},
            {"type": "response.in_progress", "response": response},
        ]

    def text(self, *deltas: str) -> list[Event]:
        """See `Wire.text`."""
        at = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
        item = {"id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": []}
        part = {"type": "output_text", "text": "", "annotations": []}
        return [
            {"type": "response.output_item.added", "output_index": 0, "item": item},
            {"type": "response.content_part.added", **at, "part": part},
            *({"type": "response.output_text.delta", **at, "delta": delta} for delta in deltas),
        ]

    def thought(self, *deltas: str) -> list[Event]:
        """See `Wire.thought`."""
        at = {"item_id": "rs_1", "output_index": 9, "summary_index": 0}
        item = {"id": "rs_1", "type": "reasoning", "summary": []}
        told = {**item, "summary": [{"type": "summary_text", "text": "".join(deltas)}]}
        return [
            {"type": "response.output_item.added", "output_index": 9, "item": item},
            *({"type": "response.reasoning_summary_text.delta", **at, "delta": delta} for delta in deltas),
            {"type": "response.output_item.done", "output_index": 9, "item": told},
        ]

    def call_start(self, index: int, call_id: str, name: str) -> list[Event]:
        """See `Wire.call_start`."""
        item = {"id": f"fc_{call_id}", "type": "function_call", "call_id": call_id, "name": name, "arguments": ""}
        return [{"type": "response.output_item.added", "output_index": index + 1, "item": item}]

    def call_piece(self, index: int, text: str) -> list[Event]:
        """See `Wire.call_piece`."""
        return [{"type": "response.function_call_arguments.delta", "output_index": index + 1, "delta": text}]

    def call_end(self, index: int, call_id: str, name: str, arguments: str) -> list[Event]:
        """See `Wire.call_end`."""
        item = {"id": f"fc_{call_id}", "type": "function_call", "call_id": call_id, "name": name}
        whole = {**item, "arguments": arguments, "status": "completed"}
        return [
            {"type": "response.function_call_arguments.done", "output_index": index + 1, "arguments": arguments},
            {"type": "response.output_item.done", "output_index": index + 1, "item": whole},
        ]

    def end(self, finish: str = "stop") -> list[Event]:
        """See `Wire.end`. The whole output is not repeated, as some services don't."""
        response = {"id": "resp_1", "model": "gpt-x", "output": [], "usage": _USAGE, **_STATUS[finish]}
        return [{"type": f"response.{response['status']}", "response": response}]

    def whole(self, text: str | None = "Hello", finish: str = "stop", **call: Any) -> dict[str, Any]:
        """See `Wire.whole`."""
        output: list[dict[str, Any]] = []
        if text:
            content = [{"type": "output_text", "text": text, "annotations": []}]
            output.append({"type": "message", "id": "msg_1", "role": "assistant", "content": content})
        if call:
            made = {"call_id": call["call_id"], "name": call["name"], "arguments": call_arguments(call)}
            output.append({"type": "function_call", "id": "fc_1", **made})
        return {"id": "resp_1", "object": "response", "model": "gpt-x", "output": output, "usage": _USAGE} | _STATUS[
            finish
        ]
