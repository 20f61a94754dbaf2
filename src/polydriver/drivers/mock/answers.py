"""From what a mock is to answer to the bytes that a Chat Completions server would send, whole or streamed."""

from __future__ import annotations

from typing import Any

import msgspec

from ...data.http import Simulated
from ...data.json import encode_json
from ...data.messages import Reasoning, Refusal, Text
from ...data.responses import AIResponse, Choice
from .calls import MockCall
from .failures import Failure
from .replies import Answer
from .usage import call_arguments, estimate_usage, render_usage

__all__ = ["Delivery", "json_reply", "render_answer", "render_failure"]

_CREATED = 1_767_225_600  # 2026-01-01T00:00:00Z: a mock reads no clock
_BROKEN = b'data: {"id": "chatcmpl-mock", "choices": [{"delta": {"content": "'
_PAGE = (
    b"<!DOCTYPE html><html><head><title>Mock gateway error</title></head>"
    b"<body><h1>Mock gateway error</h1></body></html>"
)
_FINISH = {"error": "stop", "other": "stop", None: "stop"}
_SSE = {"content-type": "text/event-stream; charset=utf-8"}


class Delivery(msgspec.Struct, frozen=True):
    """How answers are delivered: characters in a piece, seconds before each."""

    chunk_size: int
    delay: float


def json_reply(
    payload: Any, number: int, *, status: int = 200, headers: dict[str, str] | None = None, delay: float = 0.0
) -> Simulated:
    """A whole reply."""
    all_headers = {
        "content-type": "application/json",
        "x-request-id": f"req_mock_{number}",
        **(headers or {}),
    }
    return Simulated(status=status, headers=all_headers, chunks=[encode_json(payload)], delays=delay)


def render_answer(answer: Answer, call: MockCall, delivery: Delivery) -> Simulated:
    """The reply that carries an answer."""
    delivery = Delivery(
        answer.chunk_size or delivery.chunk_size, delivery.delay if answer.delay is None else answer.delay
    )
    response = answer.response
    head = _head(response, call)
    choices = _choices(response, call)
    usage = render_usage(response.usage or estimate_usage(response, call))
    if not call.stream:
        entries = [
            {
                "index": choice.index,
                "message": _message(choice, call),
                "logprobs": choice.logprobs,
                "finish_reason": _finish(choice),
            }
            for choice in choices
        ]
        whole = {**head, "object": "chat.completion", "choices": entries, "usage": usage}
        return json_reply(whole, call.number, delay=delivery.delay)
    events = [_event(head, [entry]) for entry in _stream_entries(choices, call, delivery.chunk_size)]
    if (call.options.get("stream_options") or {}).get("include_usage"):
        events.append(_event(head, [], usage))
    events.append(b"data: [DONE]\n\n")
    return Simulated(headers=_stream_headers(call), chunks=events, delays=delivery.delay)


def render_failure(failure: Failure, call: MockCall, delivery: Delivery) -> Simulated:
    """The reply, or the want of one, that is a failure."""
    headers = {**failure.headers}
    if failure.retry_after is not None:
        headers["retry-after"] = f"{failure.retry_after:g}"
    form = failure.form
    if form == "reply":
        return json_reply(failure.payload(), call.number, status=failure.status, headers=headers)
    if form == "refuse" or form == "timeout":
        return Simulated(end=form)
    if form == "html":
        return Simulated(status=failure.status, headers={"content-type": "text/html", **headers}, chunks=[_PAGE])
    if form == "empty":
        return Simulated(status=failure.status, headers=headers)
    return _begin(failure, call, delivery) if call.stream else _whole_but_broken(failure, call, headers)


def _begin(failure: Failure, call: MockCall, delivery: Delivery) -> Simulated:
    """A stream that begins well."""
    answer = Answer(response=AIResponse.from_text(failure.text))
    good = render_answer(answer, call, delivery)
    after = len(good.chunks) // 2 if failure.after is None else failure.after
    chunks = good.chunks[:after]
    if failure.form == "stream_error":
        chunks.append(b"data: " + encode_json(failure.payload()) + b"\n\n")
    elif failure.form == "bad_json":
        chunks.append(_BROKEN + b"\n\n")
    end = failure.form if failure.form in ("cut", "stall") else "clean"
    return msgspec.structs.replace(good, chunks=chunks, end=end)


def _whole_but_broken(failure: Failure, call: MockCall, headers: dict[str, str]) -> Simulated:
    if failure.form == "stream_error":
        return json_reply(failure.payload(), call.number, headers=headers)
    good = render_answer(Answer(response=AIResponse.from_text(failure.text)), call, Delivery(1, 0.0))
    body = good.chunks[0]
    end = failure.form if failure.form in ("cut", "stall") else "clean"
    return msgspec.structs.replace(good, headers={**good.headers, **headers}, chunks=[body[: len(body) // 2]], end=end)


def _head(response: AIResponse, call: MockCall) -> dict[str, Any]:
    return {
        "id": response.id or f"chatcmpl-mock-{call.number}",
        "object": "chat.completion.chunk",
        "created": _CREATED,
        "model": response.model or call.model,
    }


def _choices(response: AIResponse, call: MockCall) -> list[Choice]:
    """The scripted choices; when the caller wants more, the first is repeated."""
    wanted = call.options.get("n")
    choices: list[Choice] = [response, *response.alternatives]
    while isinstance(wanted, int) and len(choices) < min(wanted, 128):
        choices.append(Choice(index=len(choices), parts=response.parts, finish_reason=response.finish_reason))
    return choices


def _finish(choice: Choice) -> str:
    if choice.raw_finish_reason:
        return choice.raw_finish_reason
    if choice.finish_reason is None and choice.tool_calls:
        return "tool_calls"
    return _FINISH.get(choice.finish_reason) or str(choice.finish_reason)


def _calls(choice: Choice, call: MockCall) -> list[dict[str, Any]]:
    return [
        {
            "id": wanted.id or f"call_mock_{call.number}_{choice.index}_{position}",
            "type": "function",
            "function": {"name": wanted.name, "arguments": call_arguments(wanted)},
        }
        for position, wanted in enumerate(choice.tool_calls)
    ]


def _message(choice: Choice, call: MockCall) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": choice.content or None,
        "refusal": choice.refusal or None,
    }
    if choice.reasoning:
        message["reasoning_content"] = choice.reasoning
    if calls := _calls(choice, call):
        message["tool_calls"] = calls
    return message


def _stream_entries(choices: list[Choice], call: MockCall, size: int) -> list[dict[str, Any]]:
    """The entries of `choices`, one for each event."""
    entries: list[dict[str, Any]] = []
    for choice in choices:
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        for part in choice.parts:
            field = {Text: "content", Reasoning: "reasoning_content", Refusal: "refusal"}.get(type(part))
            if field is not None:
                deltas += [{field: piece} for piece in _pieces(part.text, size)]  # type: ignore[union-attr]
        for position, made in enumerate(_calls(choice, call)):
            arguments = made["function"]["arguments"]
            begun = {
                **made,
                "index": position,
                "function": {"name": made["function"]["name"], "arguments": ""},
            }
            deltas.append({"tool_calls": [begun]})
            deltas += [
                {"tool_calls": [{"index": position, "function": {"arguments": piece}}]}
                for piece in _pieces(arguments, size)
            ]
        entries += [{"index": choice.index, "delta": delta, "finish_reason": None} for delta in deltas]
        entries.append({"index": choice.index, "delta": {}, "finish_reason": _finish(choice)})
    return entries


def _pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def _event(head: dict[str, Any], entries: list[dict[str, Any]], usage: dict[str, Any] | None = None) -> bytes:
    chunk = {**head, "choices": entries}
    if usage is not None:
        chunk["usage"] = usage
    return b"data: " + encode_json(chunk) + b"\n\n"


def _stream_headers(call: MockCall) -> dict[str, str]:
    return {**_SSE, "x-request-id": f"req_mock_{call.number}"}
