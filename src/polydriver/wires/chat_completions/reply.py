"""Parsing what Chat Completions answers: messages and what they are made of. Shared by whole replies and streams."""

from __future__ import annotations

from typing import Any

from ...data.billing import BillingFacts
from ...data.http import Reply
from ...data.json import as_dict, as_int, as_list, as_str, excerpt
from ...data.messages import Audio, Part, Reasoning, Refusal, Text
from ...data.prompt import Prompt
from ...data.responses import AIResponse, Choice, FinishReason
from ...data.usage import TokenUsage
from ..reported_cost import COST_FIELDS, read_usual_cost
from .calls import read_calls
from .extras import Extras, read_details_text, read_images, read_sources
from .request import ChatRequests
from .think_tags import split_thinking
from .usage import count_searches, parse_usage

__all__ = ["FINISH_REASONS", "ChatReplies", "map_finish", "parse_choice", "parse_payload", "read_content"]

FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "guardrail_intervened": "content_filter",
    "sensitive": "content_filter",
    "error": "error",
    "insufficient_system_resource": "error",
    "network_error": "error",
}


def map_finish(raw: str | None) -> FinishReason | None:
    """Our word for the provider's; unknown ones are "other", none stays none."""
    return FINISH_REASONS.get(raw, "other") if raw else None


def parse_payload(wire: ChatReplies, payload: dict[str, Any], prompt: Prompt) -> AIResponse:
    """The response in a decoded reply. Raises a mapped error for an error object, `InvalidResponseError` without
    choices."""
    choices = payload.get("choices")
    if payload.get("error"):
        raise wire.map_payload(payload)
    if not isinstance(choices, list) or not choices:
        if "choices" not in payload and (payload.get("message") or payload.get("detail")):
            raise wire.map_payload(payload)
        raise wire.invalid_response("it has no choices", excerpt(payload))
    choices = [choice if isinstance(choice, dict) else {} for choice in choices]
    raw_usage = payload.get("usage")
    told = map(payload.get, ("id", "model", "service_tier"))
    id, model, tier = [word if isinstance(word, str) and word else None for word in told]
    seed = id or ""
    if error := choices[0].get("error"):
        raise wire.map_payload({"error": error})
    sources = []
    if "search_results" in payload or "citations" in payload:
        sources = read_sources(payload.get("search_results"), payload.get("citations"))
    first, *others = [parse_choice(wire, choice, index, seed, sources) for index, choice in enumerate(choices)]
    response = AIResponse(
        parts=first.parts,
        finish_reason=first.finish_reason,
        raw_finish_reason=first.raw_finish_reason,
        logprobs=first.logprobs,
        usage=wire.parse_usage(raw_usage) if raw_usage and isinstance(raw_usage, dict) else None,
        model=model,
        id=id,
        alternatives=others,
        raw=payload,
        provider_data=_message_data(wire, choices[0].get("message")),
    )
    if response.usage is not None and raw_usage:
        wire.report_cost(raw_usage, response)
    response.billing = wire.read_billing(response, tier)
    return response


def parse_choice(
    wire: ChatReplies, choice: dict[str, Any], index: int, seed: str, sources: list[dict[str, Any]]
) -> Choice:
    """One entry of `choices`; `sources` are those that the reply gives beside them."""
    message, told, raw = choice.get("message"), choice.get("index"), choice.get("finish_reason")
    place = (as_int(told) or index) if told else index
    raw = raw if isinstance(raw, str) and raw else None
    finish = map_finish(raw)
    if not isinstance(message, dict):
        if finish != "content_filter":
            raise wire.invalid_response("a choice has no message", repr(choice)[:500].encode())
        message = {}
    if not sources and not wire.think_tags and _is_plain_text(message):
        parts: list[Part] = [Text(message["content"])]
    else:
        parts = _parse_parts(wire, message, seed, sources, cut=finish == "length")
        if finish == "stop" and any(type(part) is Refusal for part in parts):
            finish = "content_filter"
    return Choice(
        index=place,
        parts=parts,
        finish_reason=finish,
        raw_finish_reason=raw,
        logprobs=choice.get("logprobs"),
    )


def _is_plain_text(message: dict[str, Any]) -> bool:
    """Whether there is text and nothing else, as in most answers."""
    content = message.get("content")
    if type(content) is not str or not content:
        return False
    return not any(value for name, value in message.items() if name not in ("content", "role"))


def _parse_parts(
    wire: ChatReplies, message: dict[str, Any], seed: str, sources: list[dict[str, Any]], *, cut: bool
) -> list[Part]:
    """Everything that a message can hold, in order."""
    extras = Extras()
    server_tools = message.get(wire.server_tools_field) if wire.server_tools_field else None
    extras.add(message.get("reasoning_details"), [*sources, *as_list(message.get("annotations"))], server_tools)
    parts = extras.apply(wire, read_content(wire, message))
    parts += read_images(message.get("images"))
    parts += read_calls(wire, message, seed, cut=cut)
    if audio := _read_audio(message):
        parts.append(audio)
    return parts


def read_content(wire: ChatReplies, message: dict[str, Any]) -> list[Part]:
    """Reasoning, text and refusal of a message: `content` may be text, a list of parts, or absent."""
    parts: list[Part] = []
    thoughts = as_str(message.get("reasoning_content")) or as_str(message.get("reasoning"))
    if thoughts is None and wire.details_as_reasoning:
        thoughts = read_details_text(message.get("reasoning_details"))
    if thoughts:
        parts.append(Reasoning(thoughts))
    content = message.get("content")
    if isinstance(content, list):
        for item in content:
            parts += _read_content_item(item)
    elif isinstance(content, str) and content:
        thinking, text = split_thinking(content) if wire.think_tags else ("", content)
        if thinking:
            parts.append(Reasoning(thinking))
        if text:
            parts.append(Text(text))
    if (refusal := as_str(message.get("refusal"))) and not content:
        parts.append(Refusal(refusal))
    return parts


def _read_content_item(item: Any) -> list[Part]:
    """An item of a content list: text, or Mistral's thinking, which is a list of texts itself."""
    if isinstance(item, str):
        return [Text(item)] if item else []
    item = as_dict(item)
    if item.get("type") == "thinking":
        inner = item.get("thinking")
        pieces = [inner] if isinstance(inner, str) else [as_dict(piece).get("text") for piece in as_list(inner)]
        text = "".join(piece for piece in pieces if isinstance(piece, str))
        return [Reasoning(text)] if text else []
    text = as_str(item.get("text")) or ""
    return [Text(text)] if text else []


def _read_audio(message: dict[str, Any]) -> Audio | None:
    audio = as_dict(message.get("audio"))
    data = as_str(audio.get("data"))
    if data is None:
        return None
    try:
        return Audio.from_base64(data, "audio/wav", transcript=as_str(audio.get("transcript")))
    except ValueError:
        return None


def _message_data(wire: ChatReplies, message: object) -> dict[str, dict[str, Any]]:
    """What the next turn must repeat of this message: a spoken answer is referred to by its id."""
    if not isinstance(message, dict) or "audio" not in message:
        return {}
    audio_id = as_str(as_dict(message["audio"]).get("id"))
    return {wire.origin: {"audio": {"id": audio_id}}} if audio_id else {}


class ChatReplies(ChatRequests, kw_only=True, eq=False):
    """Reads replies. The methods are for services whose difference is more than a name."""

    def parse_response(self, reply: Reply, prompt: Prompt) -> AIResponse:
        """The answer in a whole reply. Raises a mapped error for an error object inside a 200."""
        return parse_payload(self, self.driver.decode(reply), prompt)

    def parse_usage(self, raw: dict[str, Any]) -> TokenUsage:
        """The usage object."""
        return parse_usage(raw)

    def read_billing(self, response: AIResponse, service_tier: str | None) -> BillingFacts | None:
        """See `Wire.read_billing`."""
        region = self.driver.billing_region
        if searches := count_searches(response):
            return BillingFacts(service_tier=service_tier, region=region, units={"web_searches": searches})
        return BillingFacts(service_tier=service_tier, region=region) if service_tier or region else None

    def report_cost(self, usage: dict[str, Any], response: AIResponse) -> None:
        """Take over a cost that the provider itself reports in its usage object; most report none."""
        if not usage.keys().isdisjoint(COST_FIELDS):
            response.cost = read_usual_cost(self.driver.name, usage) or response.cost
