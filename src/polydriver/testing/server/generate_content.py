"""Gemini's generateContent from the server's side. https://ai.google.dev/api/generate-content"""

from __future__ import annotations

import base64
from http import HTTPStatus
from typing import Any

from ...data.json import as_dict, as_list, encode_json
from ...data.messages import Image, Reasoning, Refusal, Text, ToolCall
from ...data.responses import AIResponse, Choice
from ...data.usage import TokenUsage
from ...drivers.mock.calls import MockCall
from ...drivers.mock.failures import FAILURES, Failure
from ...drivers.mock.forms import ReplyForm, cut_up, wanted_choices
from ...wires.generate_content.names import with_camel_names

__all__ = ["GENERATE_CONTENT", "GenerateContentForm"]

_FINISH = {"length": "MAX_TOKENS", "content_filter": "SAFETY", "error": "OTHER", "other": "OTHER"}
_FINISH_WORDS = {
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
}
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_WORDS = {
    "context_length_exceeded": "The input token count (1200000) exceeds the maximum number of tokens (1048576).",
    "model_not_found": "models/mock is not found for API version v1beta, or is not supported for generateContent.",
    "insufficient_quota": "You exceeded your current quota, please check your plan and billing details.",
    "invalid_api_key": "API key not valid. Please pass a valid API key.",
}
"""What Google says where it has no code."""


class GenerateContentForm(ReplyForm):
    """Candidates as Google sends them: whole parts of a stream, calls never in pieces, thoughts as marked texts."""

    broken = b'data: {"candidates": [{"content": {"parts": [{"text": "'

    def read_call(self, body: dict[str, Any]) -> dict[str, Any]:
        """See `ReplyForm.read_call`; `model` and `stream`, which the path says, stand in the body."""
        body = as_dict(with_camel_names(body))
        messages: list[dict[str, Any]] = []
        if system := as_dict(body.get("systemInstruction")):
            messages.append({"role": "system", "content": as_list(system.get("parts"))})
        contents = body.get("contents")
        for content in [contents] if isinstance(contents, dict) else as_list(contents):
            messages += _read_content(as_dict(content))
        declared = [
            function
            for tool in as_list(body.get("tools"))
            for function in as_list(as_dict(tool).get("functionDeclarations"))
            if isinstance(function, dict)
        ]
        kept = {"model", "contents", "systemInstruction", "tools", "stream"}
        options = {key: value for key, value in body.items() if key not in kept}
        return {
            "model": body["model"],
            "messages": messages,
            "tools": [_read_function(function) for function in declared],
            "options": {**options, **_read_options(body)},
            "stream": body.get("stream") is True,
        }

    def write_whole(self, response: AIResponse, usage: TokenUsage, call: MockCall) -> dict[str, Any]:
        """See `ReplyForm.write_whole`."""
        candidates = [
            _candidate(_write_parts(choice), choice, _finish(choice)) for choice in wanted_choices(response, call)
        ]
        return {"candidates": candidates, "usageMetadata": _write_usage(usage), **_tail(response, call)}

    def write_events(self, response: AIResponse, usage: TokenUsage, call: MockCall, size: int) -> list[bytes]:
        """See `ReplyForm.write_events`."""
        counted, tail = _write_usage(usage), _tail(response, call)
        begun = {name: count for name, count in counted.items() if name == "promptTokenCount"}
        events: list[dict[str, Any]] = []
        choices = wanted_choices(response, call)
        for choice in choices:
            pieces = [piece for part in _write_parts(choice) for piece in _take_apart(part, size)] or [{"text": ""}]
            *earlier, last = pieces
            events += ({"candidates": [_candidate([piece], choice)], "usageMetadata": begun} for piece in earlier)
            events.append({"candidates": [_candidate([last], choice, _finish(choice))], "usageMetadata": counted})
        return [b"data: " + encode_json({**event, **tail}) + b"\r\n\r\n" for event in events]

    def write_error(self, failure: Failure) -> Any:
        """See `ReplyForm.write_error`."""
        status, message = failure.status, failure.message
        if failure.form == "stream_error":
            status = 500
        if failure.code in _WORDS and any(message == usual.message for usual in FAILURES.values()):
            message = _WORDS[failure.code]
        error: dict[str, Any] = {"code": status, "message": message, "status": _STATUSES.get(status) or _word(status)}
        domain = "googleapis.com"
        if failure.code == "invalid_api_key":
            info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": domain}
            error["details"] = [info]
        elif failure.code == "insufficient_quota":
            violation = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "50"}
            error["details"] = [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}]
        return {"error": error}

    def write_error_event(self, failure: Failure) -> bytes:
        """See `ReplyForm.write_error_event`."""
        return b"data: " + encode_json(self.write_error(failure)) + b"\r\n\r\n"


GENERATE_CONTENT = GenerateContentForm()
"""The form of Gemini's generateContent."""


def _word(status: int) -> str:
    try:
        return HTTPStatus(status).name
    except ValueError:
        return "UNAVAILABLE" if status >= 500 else "FAILED_PRECONDITION"


def _read_content(content: dict[str, Any]) -> list[dict[str, Any]]:
    """One turn, and before it the results of functions that it holds."""
    parts = [part for part in as_list(content.get("parts")) if isinstance(part, dict)]
    results = [
        {
            "role": "tool",
            "tool_call_id": answered.get("id") or answered.get("name"),
            "content": _read_result(answered.get("response")),
        }
        for part in parts
        if (answered := as_dict(part.get("functionResponse")))
    ]
    calls = [
        {
            "id": called.get("id"),
            "type": "function",
            "function": {"name": called.get("name"), "arguments": encode_json(called.get("args") or {}).decode()},
        }
        for part in parts
        if (called := as_dict(part.get("functionCall")))
    ]
    rest = [part for part in parts if "functionResponse" not in part and "functionCall" not in part]
    said: dict[str, Any] = {"role": "assistant" if content.get("role") == "model" else "user", "content": rest}
    if calls:
        said["tool_calls"] = calls
    return [*results, said] if rest or calls else results


def _read_result(response: Any) -> str:
    """The text of a result, which stands under a name of the client's choice."""
    values = list(as_dict(response).values())
    only = values[0] if len(values) == 1 else response
    return only if isinstance(only, str) else encode_json(only).decode()


def _read_function(function: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in function.items() if key not in ("parameters", "parametersJsonSchema")}
    schema = function.get("parametersJsonSchema") or function.get("parameters")
    return {"type": "function", "function": {**rest, "parameters": schema} if schema else rest}


def _read_options(body: dict[str, Any]) -> dict[str, Any]:
    """What all wires have, by the names of Chat Completions."""
    options: dict[str, Any] = {}
    config = as_dict(body.get("generationConfig"))
    if config.get("responseMimeType") == "application/json":
        schema = config.get("responseJsonSchema") or config.get("responseSchema")
        options["response_format"] = (
            {"type": "json_schema", "json_schema": {"schema": schema}} if schema else {"type": "json_object"}
        )
    if isinstance(config.get("candidateCount"), int):
        options["n"] = config["candidateCount"]
    calling = as_dict(as_dict(body.get("toolConfig")).get("functionCallingConfig"))
    if calling.get("mode") == "ANY":
        allowed = as_list(calling.get("allowedFunctionNames"))
        options["tool_choice"] = {"type": "function", "function": {"name": allowed[0]}} if allowed else "required"
    return options


def _tail(response: AIResponse, call: MockCall) -> dict[str, Any]:
    return {"modelVersion": response.model or call.model, "responseId": response.id or f"mock-{call.number}"}


def _candidate(parts: list[dict[str, Any]], choice: Choice, finish: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": choice.index}
    if finish is not None:
        found["finishReason"] = finish
    return found


def _finish(choice: Choice) -> str:
    if choice.raw_finish_reason in _FINISH_WORDS:
        return str(choice.raw_finish_reason)
    return "SAFETY" if choice.refusal else _FINISH.get(str(choice.finish_reason), "STOP")


def _write_parts(choice: Choice) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = []
    for part in choice.parts:
        if isinstance(part, Reasoning):
            written.append({"text": part.text, "thought": True})
        elif isinstance(part, Text | Refusal):
            written.append({"text": part.text})
        elif isinstance(part, ToolCall):
            called: dict[str, Any] = {"name": part.name, "args": part.arguments or {}}
            written.append({"functionCall": {**called, "id": part.id} if part.id else called})
        elif isinstance(part, Image) and part.data is not None:
            data = base64.b64encode(part.data).decode()
            written.append({"inlineData": {"mimeType": part.media_type or "image/png", "data": data}})
    return written


def _take_apart(part: dict[str, Any], size: int) -> list[dict[str, Any]]:
    return [{**part, "text": text} for text in cut_up(part["text"], size)] if "text" in part else [part]


def _write_usage(usage: TokenUsage) -> dict[str, Any]:
    """A usage object of Google's, whose candidates leave out what was thought."""
    thoughts = usage.reasoning_tokens or 0
    read = usage.input_tokens or 0
    counted: dict[str, Any] = {
        "promptTokenCount": read,
        "candidatesTokenCount": max((usage.output_tokens or 0) - thoughts, 0),
        "totalTokenCount": read + (usage.output_tokens or 0),
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": read}],
    }
    if thoughts:
        counted["thoughtsTokenCount"] = thoughts
    if usage.cached_input_tokens is not None:
        counted["cachedContentTokenCount"] = usage.cached_input_tokens
    return counted
