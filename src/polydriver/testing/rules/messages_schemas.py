"""What Anthropic takes as the schema of a structured answer or of a strict tool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .base import RuleBook, SentRequest, child, dicts
from .schemas import has_cycle, is_object, resolve, walk

__all__ = ["STRUCTURED"]

FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid")
LIMITS = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
)
UNSUPPORTED = (
    *LIMITS,
    "uniqueItems",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "patternProperties",
    "prefixItems",
    "dependentRequired",
    "dependentSchemas",
    "propertyNames",
    "contains",
)
MAX_OPTIONAL = 24
MAX_STRICT_TOOLS = 20
SCHEMAS = "https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations"

STRUCTURED = RuleBook()


@STRUCTURED.rule(
    "messages.structured-closed", "structured output: additionalProperties must be false on every object", SCHEMAS
)
def _closed(sent: SentRequest) -> Iterator[str]:
    for place, node in _structured(sent):
        if is_object(node) and node.get("additionalProperties") is not False:
            yield place


@STRUCTURED.rule(
    "messages.structured-recursive", "structured output: no recursive schemas, only local references", SCHEMAS
)
def _recursive(sent: SentRequest) -> Iterator[str]:
    for place, schema in _roots(sent):
        if has_cycle(schema) or any(
            "$ref" in node and resolve(schema, node["$ref"]) is None for _, node in walk(schema)
        ):
            yield place


@STRUCTURED.rule(
    "messages.structured-keywords",
    "structured output: no numeric limits, minItems 0 or 1, no oneOf/not/if/...",
    SCHEMAS,
)
def _keywords(sent: SentRequest) -> Iterator[str]:
    for place, node in _structured(sent):
        yield from (f"{place}/{name}" for name in UNSUPPORTED if name in node)
        if node.get("minItems") not in (None, 0, 1):
            yield f"{place}/minItems"


@STRUCTURED.rule("messages.structured-format", "structured output: unknown string format", SCHEMAS)
def _format(sent: SentRequest) -> Iterator[str]:
    for place, node in _structured(sent):
        if isinstance(node.get("format"), str) and node["format"] not in FORMATS:
            yield f"{place}/format"


@STRUCTURED.rule(
    "messages.structured-optional",
    f"structured output: {MAX_OPTIONAL} optional parameters and {MAX_STRICT_TOOLS} strict tools at most",
    SCHEMAS,
)
def _counts(sent: SentRequest) -> Iterator[str]:
    optional = 0
    for _, node in _structured(sent):
        optional += sum(name not in (node.get("required") or ()) for name in node.get("properties") or {})
    if optional > MAX_OPTIONAL:
        yield f"{optional} optional parameters"
    if sum(tool.get("strict") is True for tool in dicts(sent.body.get("tools"))) > MAX_STRICT_TOOLS:
        yield "tools"


def _roots(sent: SentRequest) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for wanted in (child(sent.body.get("output_config"), "format"), sent.body.get("output_format")):
        if isinstance(schema := child(wanted, "schema"), Mapping):
            yield "output format", schema
    for tool in dicts(sent.body.get("tools")):
        if tool.get("strict") is True and isinstance(schema := tool.get("input_schema"), Mapping):
            yield f"tools {tool.get('name')!r}", schema


def _structured(sent: SentRequest) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for place, schema in _roots(sent):
        yield from walk(schema, place)
