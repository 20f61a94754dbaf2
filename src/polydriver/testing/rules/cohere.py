"""What Cohere's Chat API, version 2, refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .base import RuleBook, SentRequest, child, dicts, duplicates
from .schemas import is_object, walk
from .shapes import breaches, tagged, words

__all__ = ["RULES"]

REFERENCE = "https://docs.cohere.com/reference/chat"
STRUCTURED = "https://docs.cohere.com/docs/structured-outputs"
FIELD = "https://github.com/langchain-ai/langchain-cohere"
UNSUPPORTED = (
    "allOf",
    "oneOf",
    "not",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "uniqueItems",
)
FORMATS = ("date-time", "uuid", "date", "time")

_TEXT = {"text!": "string"}
_IMAGE = {"image_url!": {"url!": "string", "detail": words("auto", "low", "high")}}
_DOCUMENT = {"document!": {"data!": "any", "id": "string"}}
_CALL = {"id!": "string", "type!": words("function"), "function!": {"name!": "string", "arguments!": "string"}}
_MESSAGE = tagged(
    "role",
    {
        "user": {"content!": ("string", [tagged("type", {"text": _TEXT, "image_url": _IMAGE})])},
        "system": {"content!": ("string", [tagged("type", {"text": _TEXT})])},
        "assistant": {
            "content": ("string", [tagged("type", {"text": _TEXT, "thinking": {"thinking!": "string"}})]),
            "tool_calls": [_CALL],
            "tool_plan": "string",
            "citations": "any",
        },
        "tool": {
            "tool_call_id!": "string",
            "content!": ("string", [tagged("type", {"text": _TEXT, "document": _DOCUMENT})]),
        },
    },
)
_BODY: dict[str, Any] = {
    "model!": "string",
    "messages!": [_MESSAGE],
    "tools": [
        {"type!": words("function"), "function!": {"name!": "string", "description": "string", "parameters!": "object"}}
    ],
    "documents": "any",
    "citation_options": "object",
    "response_format": tagged("type", {"text": {}, "json_object": {"json_schema": "object", "schema": "object"}}),
    "safety_mode": words("CONTEXTUAL", "STRICT", "OFF"),
    "stop_sequences": ["string"],
    **dict.fromkeys(("stream", "strict_tools", "logprobs", "raw_prompting"), "boolean"),
    **dict.fromkeys(("max_tokens", "seed", "k", "priority"), "integer"),
    **dict.fromkeys(("temperature", "p", "frequency_penalty", "presence_penalty"), "number"),
    "tool_choice": words("REQUIRED", "NONE"),
    "thinking": {"type!": words("enabled", "disabled"), "token_budget": "integer"},
}

RULES = RuleBook()


@RULES.rule("cohere.body", "unknown field, or content types that this role does not have", REFERENCE)
def _shape(sent: SentRequest) -> Iterator[str]:
    yield from breaches(_BODY, sent.body)


@RULES.rule(
    "cohere.ranges",
    "p from 0.01 to 0.99, k 0 to 500, penalties 0 to 1, 5 stop sequences at most, seed unsigned",
    REFERENCE,
)
def _ranges(sent: SentRequest) -> Iterator[str]:
    ranges = {
        "p": (0.01, 0.99),
        "k": (0, 500),
        "frequency_penalty": (0, 1),
        "presence_penalty": (0, 1),
        "seed": (0, 2**64 - 1),
        "temperature": (0, 2),
    }
    for name, (low, high) in ranges.items():
        value = sent.body.get(name)
        if isinstance(value, int | float) and not low <= value <= high:
            yield name
    if len(sent.body.get("stop_sequences") or ()) > 5:
        yield "stop_sequences"


@RULES.rule("cohere.tool-choice", "tool_choice is REQUIRED or NONE, and needs tools", REFERENCE)
def _choice(sent: SentRequest) -> Iterator[str]:
    if sent.body.get("tool_choice") is not None and not sent.body.get("tools"):
        yield "tool_choice"


@RULES.rule("cohere.format-beside-tools", "response_format is not supported beside tools or documents", STRUCTURED)
def _beside(sent: SentRequest) -> Iterator[str]:
    wanted = child(sent.body.get("response_format"), "type") == "json_object"
    if wanted and (sent.body.get("tools") or sent.body.get("documents")):
        yield "response_format"


@RULES.rule(
    "cohere.schema",
    "unsupported in a schema: allOf, oneOf, not, limits, uniqueItems, ^ and $ and look-ahead in patterns, other formats than date-time, uuid, date, time; the root is an object, each object has a required field",
    STRUCTURED,
)
def _schema(sent: SentRequest) -> Iterator[str]:
    for place, schema in _schemas(sent):
        if schema.get("type") != "object":
            yield place
        for way, node in walk(schema, place):
            yield from (f"{way}/{name}" for name in UNSUPPORTED if name in node)
            pattern = node.get("pattern")
            if isinstance(pattern, str) and (pattern.startswith("^") or pattern.endswith("$") or "(?" in pattern):
                yield f"{way}/pattern"
            if isinstance(node.get("format"), str) and node["format"] not in FORMATS:
                yield f"{way}/format"
            if is_object(node) and node.get("properties") and not node.get("required"):
                yield f"{way}/required"


@RULES.rule("cohere.strict-tools", "strict_tools: each tool needs at least one required parameter", STRUCTURED)
def _strict(sent: SentRequest) -> Iterator[str]:
    if sent.body.get("strict_tools"):
        functions = [child(tool, "function") for tool in dicts(sent.body.get("tools"))]
        yield from (
            str(child(function, "name")) for function in functions if not child(function, "parameters", "required")
        )


@RULES.rule("cohere.content", "a message must have content, or tool_calls", FIELD, documented=False)
def _content(sent: SentRequest) -> Iterator[str]:
    if not sent.body.get("messages"):
        yield "messages"
    for position, message in enumerate(dicts(sent.body.get("messages"))):
        if not message.get("content") and not message.get("tool_calls"):
            yield f"messages[{position}]"


@RULES.rule(
    "cohere.calls-answered",
    "each tool call must be answered by a tool message, and a tool message must answer a tool call of the message before",
    FIELD,
    documented=False,
)
def _pairs(sent: SentRequest) -> Iterator[str]:
    open_: set[Any] = set()
    called: set[Any] = set()
    for position, message in enumerate([*dicts(sent.body.get("messages")), {}]):
        if message.get("role") == "tool":
            if message.get("tool_call_id") not in called:
                yield f"messages[{position}]"
            open_.discard(message.get("tool_call_id"))
            continue
        yield from (f"{name!r} has no answer" for name in sorted(map(str, open_)))
        calls = [call.get("id") for call in dicts(message.get("tool_calls"))]
        yield from duplicates(calls)
        open_, called = set(calls), set(calls)


def _schemas(sent: SentRequest) -> Iterator[tuple[str, Mapping[str, Any]]]:
    wanted = sent.body.get("response_format")
    schema = child(wanted, "json_schema") or child(wanted, "schema")
    if isinstance(schema, Mapping):
        yield "response_format", schema
    if sent.body.get("strict_tools"):
        for tool in dicts(sent.body.get("tools")):
            if isinstance(parameters := child(tool, "function", "parameters"), Mapping):
                yield f"tools {child(tool, 'function', 'name')!r}", parameters
