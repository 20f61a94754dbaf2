"""The Responses API from the server's side. https://platform.openai.com/docs/api-reference/responses"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from ...data.json import as_dict, as_list, as_str, encode_json
from ...data.messages import Part, Reasoning, Refusal, Text, ToolCall
from ...data.responses import AIResponse
from ...data.usage import TokenUsage
from ...drivers.mock.calls import MockCall
from ...drivers.mock.failures import Failure
from ...drivers.mock.forms import CREATED, ReplyForm, cut_up
from ...drivers.mock.usage import call_arguments

__all__ = ["RESPONSES", "ResponsesForm"]

_ECHOED: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "store": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
    "metadata": {},
}
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


class ResponsesForm(ReplyForm):
    """Items and events as OpenAI sends them: an item for each stretch of reasoning, of text, and for each call."""

    broken = b'event: response.output_text.delta\ndata: {"type": "response.output_text.delta", "delta": "'

    def read_call(self, body: dict[str, Any]) -> dict[str, Any]:
        """See `ReplyForm.read_call`."""
        given = body.get("input")
        items = [{"role": "user", "content": given}] if isinstance(given, str) else as_list(given)
        messages = [message for item in items if isinstance(item, dict) and (message := _read_item(item))]
        if instructions := as_str(body.get("instructions")):
            messages.insert(0, {"role": "system", "content": instructions})
        options = {key: value for key, value in body.items() if key not in ("model", "input", "tools", "stream")}
        wanted = as_dict(as_dict(body.get("text")).get("format"))
        if wanted.get("type") == "json_schema":
            options["response_format"] = {"type": "json_schema", "json_schema": wanted}
        elif wanted.get("type") == "json_object":
            options["response_format"] = wanted
        choice = body.get("tool_choice")
        if isinstance(choice, dict) and choice.get("type") == "function":
            options["tool_choice"] = {"type": "function", "function": {"name": choice.get("name")}}
        return {
            "model": body["model"],
            "messages": messages,
            "tools": [_read_tool(tool) for tool in as_list(body.get("tools")) if isinstance(tool, dict)],
            "options": options,
            "stream": body.get("stream") is True,
        }

    def write_whole(self, response: AIResponse, usage: TokenUsage, call: MockCall) -> dict[str, Any]:
        """See `ReplyForm.write_whole`."""
        items = [item for _, item in _items(response, call)]
        return _envelope(response, call, _status(response), items, write_usage(usage))

    def write_events(self, response: AIResponse, usage: TokenUsage, call: MockCall, size: int) -> list[bytes]:
        """See `ReplyForm.write_events`."""
        begun = _envelope(response, call, "in_progress", [], None)
        events: list[dict[str, Any]] = [
            {"type": "response.created", "response": begun},
            {"type": "response.in_progress", "response": begun},
        ]
        for place, (parts, item) in enumerate(_items(response, call)):
            events += ({**event, "output_index": place} for event in _item_events(parts, item, size))
        status = _status(response)
        events.append({"type": f"response.{status}", "response": self.write_whole(response, usage, call)})
        return [write_event({**event, "sequence_number": number}) for number, event in enumerate(events)]

    def write_error(self, failure: Failure) -> Any:
        """See `ReplyForm.write_error`."""
        return failure.payload()

    def write_error_event(self, failure: Failure) -> bytes:
        """See `ReplyForm.write_error_event`."""
        code = failure.code or failure.type
        return write_event({"type": "error", "code": code, "message": failure.message, "param": None})


RESPONSES = ResponsesForm()
"""The form of the Responses API."""


def write_event(event: dict[str, Any]) -> bytes:
    """An event of a stream, named by its type."""
    return b"event: %s\ndata: %s\n\n" % (event["type"].encode(), encode_json(event))


def write_usage(usage: TokenUsage) -> dict[str, Any]:
    """A usage object of the Responses API."""
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_input_tokens or 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
        "total_tokens": usage.total_tokens,
    }


def _read_item(item: dict[str, Any]) -> dict[str, Any] | None:
    kind = item.get("type") or "message"
    if kind == "message":
        return {"role": item.get("role") or "user", "content": item.get("content")}
    if kind in ("function_call", "custom_tool_call"):
        function = {"name": item.get("name"), "arguments": item.get("arguments", item.get("input"))}
        call = {"id": item.get("call_id"), "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    if kind in ("function_call_output", "custom_tool_call_output"):
        return {"role": "tool", "tool_call_id": item.get("call_id"), "content": item.get("output")}
    return None


def _read_tool(tool: dict[str, Any]) -> dict[str, Any]:
    if tool.get("type") != "function":
        return tool
    return {"type": "function", "function": {key: value for key, value in tool.items() if key != "type"}}


def _status(response: AIResponse) -> str:
    return "incomplete" if response.finish_reason in _INCOMPLETE and not response.refusal else "completed"


def _envelope(
    response: AIResponse, call: MockCall, status: str, items: list[dict[str, Any]], usage: dict[str, Any] | None
) -> dict[str, Any]:
    asked = call.options
    details = {"reason": _INCOMPLETE[str(response.finish_reason)]} if status == "incomplete" else None
    echoed = {name: asked.get(name, usual) for name, usual in _ECHOED.items()}
    echoed["tools"] = [_write_tool(tool) for tool in call.tools]
    if isinstance(echoed["tool_choice"], dict) and "function" in echoed["tool_choice"]:
        echoed["tool_choice"] = {"type": "function", **echoed["tool_choice"]["function"]}
    tier = asked.get("service_tier")
    return {
        "id": response.id or f"resp_mock_{call.number}",
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "background": asked.get("background") is True,
        "completed_at": CREATED if status == "completed" else None,
        "error": None,
        "incomplete_details": details,
        "model": response.model or call.model,
        "output": items,
        **echoed,
        "reasoning": {"effort": None, "summary": None, **as_dict(asked.get("reasoning"))},
        "service_tier": tier if tier not in (None, "auto") else "default",
        "text": {"format": {"type": "text"}, "verbosity": "medium", **as_dict(asked.get("text"))},
        "usage": usage,
    }


def _write_tool(tool: dict[str, Any]) -> dict[str, Any]:
    function = as_dict(tool.get("function"))
    return {"type": "function", "strict": True, **function} if function else tool


def _items(response: AIResponse, call: MockCall) -> list[tuple[list[Part], dict[str, Any]]]:
    """The output items, each with the parts that it is made of: texts that follow each other share one."""
    groups: list[list[Part]] = []
    for part in response.parts:
        told = isinstance(part, Text | Refusal)
        if told and groups and isinstance(groups[-1][0], Text | Refusal):
            groups[-1].append(part)
        elif told or isinstance(part, Reasoning | ToolCall):
            groups.append([part])
    return [(parts, _write_item(parts, place, call)) for place, parts in enumerate(groups)]


def _write_item(parts: list[Part], place: int, call: MockCall) -> dict[str, Any]:
    first, name = parts[0], f"mock_{call.number}_{place}"
    if isinstance(first, Reasoning):
        summary = [{"type": "summary_text", "text": first.text}] if first.text else []
        item: dict[str, Any] = {"id": f"rs_{name}", "type": "reasoning", "summary": summary}
        if "reasoning.encrypted_content" in as_list(call.options.get("include")):
            item["encrypted_content"] = base64.b64encode(first.text.encode("utf-8", "replace")).decode()
        return item
    if isinstance(first, ToolCall):
        return {
            "id": f"fc_{name}",
            "type": "function_call",
            "status": "completed",
            "arguments": call_arguments(first),
            "call_id": first.id or f"call_{name}",
            "name": first.name,
        }
    content = [_write_content(part) for part in parts]
    return {"id": f"msg_{name}", "type": "message", "status": "completed", "content": content, "role": "assistant"}


def _write_content(part: Part, text: str | None = None) -> dict[str, Any]:
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text if text is None else text}
    assert isinstance(part, Text)
    shown = part.text if text is None else text
    citations = part.citations if text is None else []
    return {"type": "output_text", "annotations": citations, "logprobs": [], "text": shown}


def _item_events(parts: list[Part], item: dict[str, Any], size: int) -> Iterator[dict[str, Any]]:
    """The events of one item, without their places in the answer."""
    begun = {**item, **({"status": "in_progress"} if "status" in item else {})}
    at = {"item_id": item["id"]}
    if item["type"] == "reasoning":
        yield {"type": "response.output_item.added", "item": {**begun, "summary": []}}
        for place, piece in enumerate(item["summary"]):
            yield from _text_events("reasoning_summary", piece["text"], size, {**at, "summary_index": place})
    elif item["type"] == "function_call":
        yield {"type": "response.output_item.added", "item": {**begun, "arguments": ""}}
        whole = item["arguments"]
        for text in cut_up(whole, size):
            yield {"type": "response.function_call_arguments.delta", **at, "delta": text}
        yield {"type": "response.function_call_arguments.done", **at, "name": item["name"], "arguments": whole}
    else:
        yield {"type": "response.output_item.added", "item": {**begun, "content": []}}
        for place, part in enumerate(parts):
            yield from _content_events(part, size, {**at, "content_index": place})
    yield {"type": "response.output_item.done", "item": item}


def _text_events(kind: str, text: str, size: int, at: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"type": f"response.{kind}_part.added", **at, "part": {"type": "summary_text", "text": ""}}
    for piece in cut_up(text, size):
        yield {"type": f"response.{kind}_text.delta", **at, "delta": piece}
    yield {"type": f"response.{kind}_text.done", **at, "text": text}
    yield {"type": f"response.{kind}_part.done", **at, "part": {"type": "summary_text", "text": text}}


def _content_events(part: Part, size: int, at: dict[str, Any]) -> Iterator[dict[str, Any]]:
    refused = isinstance(part, Refusal)
    kind, name = ("refusal", "refusal") if refused else ("output_text", "text")
    more: dict[str, Any] = {} if refused else {"logprobs": []}
    whole = _write_content(part)
    yield {"type": "response.content_part.added", **at, "part": _write_content(part, "")}
    for piece in cut_up(whole[name], size):
        yield {"type": f"response.{kind}.delta", **at, "delta": piece, **more}
    yield {"type": f"response.{kind}.done", **at, name: whole[name], **more}
    yield {"type": "response.content_part.done", **at, "part": whole}
