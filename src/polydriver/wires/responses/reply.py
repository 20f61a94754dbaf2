"""Parsing what the Responses API answers: items, usage, how it ended. Shared by whole replies and streams."""

from __future__ import annotations

import binascii
from typing import Any

import msgspec

from ...data.arguments import LONGEST_SEED, make_call_id, parse_arguments
from ...data.billing import BillingFacts
from ...data.http import Reply
from ...data.json import as_dict, as_list, as_str, excerpt
from ...data.messages import Image, Part, ProviderData, ProviderPart, Reasoning, Refusal, Text, ToolCall
from ...data.prompt import Prompt
from ...data.responses import AIResponse, FinishReason
from ..reported_cost import COST_FIELDS, read_usual_cost
from .history import CUSTOM_CALL
from .progress import THOUGHT_BREAK
from .request import ResponsesRequests
from .usage import parse_usage, read_billing

__all__ = [
    "CALLS",
    "UNEXPLAINED",
    "ResponsesReplies",
    "map_finish",
    "parse_item",
    "parse_payload",
    "read_logprobs",
    "set_apart",
]

CALLS = {"function_call": "arguments", CUSTOM_CALL: "input"}
"""The items that are calls of the caller's tools, and the field that holds what the tool is given."""

UNEXPLAINED = {"message": "the response failed without saying why", "code": "server_error"}
"""The error of a failed response that holds none."""

_INCOMPLETE: dict[str, FinishReason] = {
    "max_output_tokens": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
}
_UNFINISHED = ("queued", "in_progress")


def parse_payload(wire: ResponsesReplies, payload: dict[str, Any]) -> AIResponse:
    """The response in a decoded reply. Raises a mapped error when it failed, `InvalidResponseError` when it is not a
    response."""
    status, output = as_str(payload.get("status")), payload.get("output")
    if status == "failed" or (payload.get("error") and not output):
        raise wire.map_payload({"error": payload.get("error") or UNEXPLAINED})
    if not isinstance(output, list):
        if output is not None or status not in _UNFINISHED:
            raise wire.invalid_response("it has no output", excerpt(payload))
        output = []
    seed = as_str(payload.get("id")) or ""
    items = [as_dict(item) for item in output]
    parts: list[Part] = []
    thought = False
    for position, item in enumerate(items):
        cut = status == "incomplete" and position == len(items) - 1
        found = parse_item(wire, item, position, seed=seed, cut=cut, stored=payload.get("store") is True)
        parts += set_apart(found) if thought else found
        thought = thought or any(type(part) is Reasoning and part.text for part in found)
    raw_usage = as_dict(payload.get("usage"))
    response = AIResponse(
        parts=parts,
        finish_reason=map_finish(status or "completed", payload, parts),
        raw_finish_reason=status,
        logprobs=read_logprobs(items),
        usage=parse_usage(raw_usage) if raw_usage else None,
        model=as_str(payload.get("model")),
        id=seed or None,
        raw=payload,
    )
    response.billing = wire.read_billing(response, as_str(payload.get("service_tier")))
    if raw_usage:
        wire.report_cost(raw_usage, response)
    return response


def map_finish(status: str, payload: dict[str, Any], parts: list[Part]) -> FinishReason | None:
    """Our word for how a response ended; `None` while it has not. A completed one is told apart by what it holds."""
    if status in _UNFINISHED:
        return None
    if status == "incomplete":
        return _INCOMPLETE.get(as_str(as_dict(payload.get("incomplete_details")).get("reason")) or "", "other")
    if status in ("completed", "complete"):
        kinds = {type(part) for part in parts}
        return "tool_calls" if ToolCall in kinds else "content_filter" if Refusal in kinds else "stop"
    return "error" if status == "failed" else "other"


def parse_item(
    wire: ResponsesReplies,
    item: dict[str, Any],
    position: int,
    *,
    seed: str = "",
    cut: bool = False,
    stored: bool = False,
) -> list[Part]:
    """The parts of one output item.

    `position` and `seed` (the response's id) name a call that has no id. `cut`: the answer ended in this item, so
    that a call may lack arguments. `stored`: the provider keeps the item, so that its id means something to it later.
    """
    kind = as_str(item.get("type"))
    if kind == "message" or (kind is None and "content" in item):
        return _parse_message(wire, item, stored)
    if kind == "reasoning":
        return _parse_reasoning(wire, item, stored)
    if kind in CALLS:
        if not (as_str(item.get("name")) or as_str(item.get("call_id"))):
            return []  # pieces of arguments whose beginning never came
        call_id = as_str(item.get("call_id")) or as_str(item.get("id")) or make_call_id(seed[:LONGEST_SEED], position)
        return [_parse_call(wire, item, call_id, cut, stored)]
    if kind is None:
        return []
    parts: list[Part] = [ProviderPart(wire.origin, kind, item)]
    if kind == "image_generation_call" and (image := _parse_image(wire, item)):
        parts.append(image)
    return parts


def set_apart(parts: list[Part]) -> list[Part]:
    """The parts of an item that is not the first to show reasoning: a blank line goes before its thoughts."""
    return [
        msgspec.structs.replace(part, text=THOUGHT_BREAK + part.text) if type(part) is Reasoning and part.text else part
        for part in parts
    ]


def _parse_message(wire: ResponsesReplies, item: dict[str, Any], stored: bool) -> list[Part]:
    facts = {
        name: value for name in ("id", "phase") if (value := as_str(item.get(name))) and (stored or name == "phase")
    }
    data: ProviderData = {wire.item_origin: facts} if facts else {}
    content = item.get("content")
    if isinstance(content, str):
        return [Text(content, provider_data=data)] if content else []
    parts: list[Part] = []
    for piece in as_list(content):
        piece = as_dict(piece)
        if refusal := as_str(piece.get("refusal")):
            parts.append(Refusal(refusal, data))
        elif text := as_str(piece.get("text")):
            if piece.get("type") == "reasoning_text":
                parts.append(Reasoning(text))
            else:
                citations = [entry for entry in as_list(piece.get("annotations")) if isinstance(entry, dict)]
                parts.append(Text(text, citations, data))
    return parts


def _parse_reasoning(wire: ResponsesReplies, item: dict[str, Any], stored: bool) -> list[Part]:
    """A reasoning item goes back as it came, if the provider can read it then: from what it holds, or by its id."""
    summary, content = (as_list(item.get(name)) for name in ("summary", "content"))
    texts = [text for piece in (*summary, *content) if (text := as_str(as_dict(piece).get("text")))]
    data: ProviderData = {}
    if stored or content or as_str(item.get("encrypted_content")):
        data = {wire.origin: {name: value for name, value in item.items() if value is not None}}
    return [Reasoning(THOUGHT_BREAK.join(texts), data)] if texts or data else []


def _parse_call(wire: ResponsesReplies, item: dict[str, Any], call_id: str, cut: bool, stored: bool) -> ToolCall:
    kind = item["type"]
    facts = {
        name: value for name in ("id", "namespace") if (value := as_str(item.get(name))) and (stored or name != "id")
    }
    given = item.get(CALLS[kind])
    arguments: dict[str, Any] | None
    text: str | None
    if kind == CUSTOM_CALL:
        facts["type"] = kind
        given = given if isinstance(given, str) else ""
        arguments, text = (None, given) if cut else ({"input": given}, None)
    else:
        arguments, text = parse_arguments(given, cut=cut or item.get("status") == "incomplete")
    return ToolCall(
        call_id, as_str(item.get("name")) or "", arguments, text, {wire.item_origin: facts} if facts else {}
    )


def _parse_image(wire: ResponsesReplies, item: dict[str, Any]) -> Image | None:
    data = as_str(item.get("result"))
    kind = as_str(item.get("output_format")) or "png"
    try:
        return (
            Image.from_base64(data, f"image/{kind}", provider_data={wire.origin: {"id": item.get("id")}})
            if data
            else None
        )
    except (binascii.Error, ValueError):
        return None


def read_logprobs(items: list[dict[str, Any]]) -> dict[str, list[Any]] | None:
    """The log probabilities of all tokens of the text, in the form that Chat Completions gives them."""
    found: list[Any] = []
    for item in items:
        for piece in as_list(item.get("content")):
            found += as_list(as_dict(piece).get("logprobs"))
    return {"content": found} if found else None


class ResponsesReplies(ResponsesRequests, kw_only=True, eq=False):
    """Reads replies."""

    def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
        """The answer in a whole reply. Raises a mapped error when the response failed."""
        return parse_payload(self, self.decode(reply))

    def read_billing(self, response: AIResponse, service_tier: str | None) -> BillingFacts | None:
        """See `Wire.read_billing`."""
        return read_billing(response, service_tier, self.driver.billing_region)

    def report_cost(self, usage: dict[str, Any], response: AIResponse) -> None:
        """Take over a cost that the provider itself reports in its usage object; most report none."""
        if not usage.keys().isdisjoint(COST_FIELDS):
            response.cost = read_usual_cost(self.name, usage) or response.cost
