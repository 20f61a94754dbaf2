"""The mock's answers in the form of Chat Completions, whole or streamed."""

from __future__ import annotations

from typing import Any

from ...data.json import as_list, encode_json
from ...data.messages import Reasoning, Refusal, Text
from ...data.responses import AIResponse, Choice
from ...data.usage import TokenUsage
from .calls import MockCall
from .failures import Failure
from .forms import CREATED, ReplyForm, cut_up, wanted_choices
from .usage import call_arguments, render_usage

__all__ = ["CHAT", "ChatForm"]

_FINISH = {"error": "stop", "other": "stop", None: "stop"}


class ChatForm(ReplyForm):
    """Chat Completions. https://platform.openai.com/docs/api-reference/chat"""

    broken = b'data: {"id": "chatcmpl-mock", "choices": [{"delta": {"content": "'

    def read_call(self, body: dict[str, Any]) -> dict[str, Any]:
        """See `ReplyForm.read_call`: the form in which a `MockCall` is."""
        rest = {key: value for key, value in body.items() if key not in ("model", "messages", "tools", "stream")}
        return {
            "model": body["model"],
            "messages": [message for message in as_list(body.get("messages")) if isinstance(message, dict)],
            "tools": [tool for tool in as_list(body.get("tools")) if isinstance(tool, dict)],
            "options": rest,
            "stream": body.get("stream") is True,
        }

    def write_whole(self, response: AIResponse, usage: TokenUsage, call: MockCall) -> dict[str, Any]:
        """See `ReplyForm.write_whole`."""
        entries = [
            {
                "index": choice.index,
                "message": _message(choice, call),
                "logprobs": choice.logprobs,
                "finish_reason": _finish(choice),
            }
            for choice in wanted_choices(response, call)
        ]
        head = {**_head(response, call), "object": "chat.completion"}
        return {**head, "choices": entries, "usage": render_usage(usage)}

    def write_events(self, response: AIResponse, usage: TokenUsage, call: MockCall, size: int) -> list[bytes]:
        """See `ReplyForm.write_events`."""
        head = _head(response, call)
        events = [_event(head, [entry]) for entry in _stream_entries(wanted_choices(response, call), call, size)]
        if (call.options.get("stream_options") or {}).get("include_usage"):
            events.append(_event(head, [], render_usage(usage)))
        return [*events, b"data: [DONE]\n\n"]

    def write_error(self, failure: Failure) -> Any:
        """See `ReplyForm.write_error`."""
        return failure.payload()

    def write_error_event(self, failure: Failure) -> bytes:
        """See `ReplyForm.write_error_event`."""
        return b"data: " + encode_json(failure.payload()) + b"\n\n"


CHAT = ChatForm()
"""The form of Chat Completions."""


def _head(response: AIResponse, call: MockCall) -> dict[str, Any]:
    return {
        "id": response.id or f"chatcmpl-mock-{call.number}",
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": response.model or call.model,
    }


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
                deltas += [{field: piece} for piece in cut_up(part.text, size)]  # type: ignore[union-attr]
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
                for piece in cut_up(arguments, size)
            ]
        entries += [{"index": choice.index, "delta": delta, "finish_reason": None} for delta in deltas]
        entries.append({"index": choice.index, "delta": {}, "finish_reason": _finish(choice)})
    return entries


def _event(head: dict[str, Any], entries: list[dict[str, Any]], usage: dict[str, Any] | None = None) -> bytes:
    chunk = {**head, "choices": entries}
    if usage is not None:
        chunk["usage"] = usage
    return b"data: " + encode_json(chunk) + b"\n\n"
