"""Anthropic's Messages from the server's side. https://platform.claude.com/docs/en/api/messages"""

from __future__ import annotations

import base64
from typing import Any

from ...data.json import as_dict, as_list, encode_json
from ...data.messages import Reasoning, Refusal, Text, ToolCall
from ...data.responses import AIResponse
from ...data.usage import TokenUsage
from ...drivers.mock.calls import MockCall
from ...drivers.mock.failures import FAILURES, Failure
from ...drivers.mock.forms import ReplyForm, cut_up
from ...drivers.mock.usage import call_arguments

__all__ = ["MESSAGES", "MessagesForm"]

_STOP = {"length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
_STOP_WORDS = {"end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal"}
_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_WORDS = {
    "context_length_exceeded": "prompt is too long: 250000 tokens > 200000 maximum",
    "model_not_found": "model: mock",
    "content_filter": "Output blocked by content filtering policy",
    "invalid_api_key": "invalid x-api-key",
}
"""What Anthropic says where it has no code."""


class MessagesForm(ReplyForm):
    """Blocks and events as Anthropic sends them: thinking is signed, and the input of a tool comes in pieces."""

    id_header = "request-id"
    broken = b'event: content_block_delta\ndata: {"type": "content_block_delta", "index": 0, "delta": {"text": "'

    def read_call(self, body: dict[str, Any]) -> dict[str, Any]:
        """See `ReplyForm.read_call`."""
        messages: list[dict[str, Any]] = []
        if body.get("system"):
            messages.append({"role": "system", "content": body["system"]})
        for message in as_list(body.get("messages")):
            messages += _read_message(as_dict(message))
        options = {key: value for key, value in body.items() if key not in ("model", "messages", "tools", "stream")}
        config = as_dict(body.get("output_config"))
        wanted = as_dict(config.get("format", body.get("output_format")))
        if wanted.get("type") == "json_schema":
            options["response_format"] = {"type": "json_schema", "json_schema": wanted}
        choice = as_dict(body.get("tool_choice"))
        if choice.get("type") == "tool":
            options["tool_choice"] = {"type": "function", "function": {"name": choice.get("name")}}
        elif choice:
            options["tool_choice"] = {"any": "required"}.get(str(choice.get("type")), choice.get("type"))
        return {
            "model": body["model"],
            "messages": messages,
            "tools": [_read_tool(tool) for tool in as_list(body.get("tools")) if isinstance(tool, dict)],
            "options": options,
            "stream": body.get("stream") is True,
        }

    def write_whole(self, response: AIResponse, usage: TokenUsage, call: MockCall) -> dict[str, Any]:
        """See `ReplyForm.write_whole`."""
        return {
            **_head(response, call),
            "content": _blocks(response, call),
            "stop_reason": _stop_reason(response),
            "usage": _write_usage(usage),
        }

    def write_events(self, response: AIResponse, usage: TokenUsage, call: MockCall, size: int) -> list[bytes]:
        """See `ReplyForm.write_events`."""
        counted = _write_usage(usage)
        begun = {**_head(response, call), "content": [], "stop_reason": None, "usage": {**counted, "output_tokens": 1}}
        events: list[dict[str, Any]] = [{"type": "message_start", "message": begun}]
        for index, block in enumerate(_blocks(response, call)):
            empty, deltas = _take_apart(block, size)
            events.append({"type": "content_block_start", "index": index, "content_block": empty})
            if index == 0:
                events.append({"type": "ping"})
            events += ({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas)
            events.append({"type": "content_block_stop", "index": index})
        end = {"stop_reason": _stop_reason(response), "stop_sequence": None}
        output = {name: count for name, count in counted.items() if name.endswith("_tokens")}
        events += [{"type": "message_delta", "delta": end, "usage": output}, {"type": "message_stop"}]
        return [_event(event) for event in events]

    def write_error(self, failure: Failure) -> Any:
        """See `ReplyForm.write_error`."""
        kind = _TYPES.get(failure.status) or ("api_error" if failure.status >= 500 else "invalid_request_error")
        message = failure.message
        if failure.form == "stream_error":
            kind = "api_error"
        elif failure.code == "insufficient_quota":
            kind = "billing_error"
        elif failure.code in _WORDS and any(failure.message == usual.message for usual in FAILURES.values()):
            message = _WORDS[failure.code]
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_mock"}

    def write_error_event(self, failure: Failure) -> bytes:
        """See `ReplyForm.write_error_event`."""
        return _event(self.write_error(failure))


MESSAGES = MessagesForm()
"""The form of Anthropic's Messages."""


def _event(event: dict[str, Any]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (event["type"].encode(), encode_json(event))


def _read_message(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The message, and before it the results of tools that it holds, each as a message of its own."""
    role, content = message.get("role") or "user", message.get("content")
    if not isinstance(content, list):
        return [{"role": role, "content": content}]
    blocks = [block for block in content if isinstance(block, dict)]
    results = [
        {"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": block.get("content")}
        for block in blocks
        if block.get("type") == "tool_result"
    ]
    calls = [
        {
            "id": block.get("id"),
            "type": "function",
            "function": {"name": block.get("name"), "arguments": encode_json(block.get("input")).decode()},
        }
        for block in blocks
        if block.get("type") == "tool_use"
    ]
    rest = [block for block in blocks if block.get("type") not in ("tool_result", "tool_use")]
    said: dict[str, Any] = {"role": role, "content": rest}
    if calls:
        said["tool_calls"] = calls
    return [*results, said] if rest or calls else results


def _read_tool(tool: dict[str, Any]) -> dict[str, Any]:
    if "input_schema" not in tool:
        return tool
    rest = {key: value for key, value in tool.items() if key not in ("input_schema", "type")}
    return {"type": "function", "function": {**rest, "parameters": tool["input_schema"]}}


def _head(response: AIResponse, call: MockCall) -> dict[str, Any]:
    return {
        "id": response.id or f"msg_mock_{call.number}",
        "type": "message",
        "role": "assistant",
        "model": response.model or call.model,
        "stop_sequence": None,
    }


def _stop_reason(response: AIResponse) -> str:
    if response.raw_finish_reason in _STOP_WORDS:
        return str(response.raw_finish_reason)
    if response.refusal:
        return "refusal"
    if response.finish_reason is None and response.tool_calls:
        return "tool_use"
    return _STOP.get(str(response.finish_reason), "end_turn")


def _blocks(response: AIResponse, call: MockCall) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    for part in response.parts:
        if isinstance(part, Reasoning):
            signature = base64.b64encode(b"mock:" + part.text.encode("utf-8", "replace")).decode()
            blocks.append({"type": "thinking", "thinking": part.text, "signature": signature})
        elif isinstance(part, Text | Refusal):
            blocks.append({"type": "text", "text": part.text})
        elif isinstance(part, ToolCall):
            call_id = part.id or f"toolu_mock_{call.number}_{len(blocks)}"
            blocks.append({"type": "tool_use", "id": call_id, "name": part.name, "input": part.arguments or {}})
    return blocks


def _take_apart(block: dict[str, Any], size: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A block as it begins, and the deltas that fill it."""
    kind = block["type"]
    if kind == "text":
        return {**block, "text": ""}, [{"type": "text_delta", "text": text} for text in cut_up(block["text"], size)]
    if kind == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": text} for text in cut_up(block["thinking"], size)]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
        return {**block, "thinking": "", "signature": ""}, deltas
    whole = call_arguments(ToolCall("", block["name"], block["input"]))
    pieces = ["", *cut_up(whole, size)]
    return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


def _write_usage(usage: TokenUsage) -> dict[str, Any]:
    """A usage object of Anthropic's, whose input leaves out what the cache held."""
    cached, written = usage.cached_input_tokens or 0, usage.cache_write_tokens or 0
    return {
        "input_tokens": max((usage.input_tokens or 0) - cached - written, 0),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": cached,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": usage.output_tokens or 0,
        "service_tier": "standard",
    }
