"""Bringing JSON schemas into the forms that Gemini reads.

https://ai.google.dev/api/caching#Schema, https://ai.google.dev/gemini-api/docs/structured-output
"""

from __future__ import annotations

from typing import Any

from ...schema import Schema, inline_refs, map_subschemas

__all__ = ["render_json_schema", "render_openapi_schema"]

_UNKNOWN_KEYWORDS = frozenset(
    {"$schema", "discriminator", "examples", "exclusiveMinimum", "exclusiveMaximum", "const", "strict"}
)
_KEPT = (
    "title",
    "description",
    "pattern",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "minProperties",
    "maxProperties",
    "required",
)
_FORMATS = {
    "STRING": ("date-time", "enum"),
    "NUMBER": ("float", "double"),
    "INTEGER": ("int32", "int64"),
}


def render_json_schema(schema: Schema) -> Schema:
    """A JSON schema without the keywords that Gemini does not read; a constant becomes an enum of one."""
    kept = {key: value for key, value in schema.items() if key not in _UNKNOWN_KEYWORDS}
    if "const" in schema:
        kept["enum"] = [schema["const"]]
    return map_subschemas(kept, render_json_schema)


def render_openapi_schema(schema: Schema) -> Schema:
    """A JSON schema in Gemini's subset of OpenAPI's: no references, one type each, null as `nullable`, text enums.

    What the subset cannot say is left out, so that it allows more than the original, never less. Raises
    `SchemaReferenceError` for a reference that leads nowhere.
    """
    return _convert(inline_refs(schema))


def _convert(schema: Schema) -> Schema:
    schema, nullable = _settle(schema)
    branches = [_convert(branch) for branch in schema.get("anyOf", ())]
    if branches:
        converted: Schema = {"anyOf": branches}
    else:
        kind = str(schema.get("type", _kind(schema))).upper()
        converted = {"type": kind}
        if schema.get("format") in _FORMATS.get(kind, ()):
            converted["format"] = schema["format"]
        _convert_content(schema, converted)
    converted |= {key: schema[key] for key in _KEPT if key in schema}
    if nullable:
        converted["nullable"] = True
    return converted


def _convert_content(schema: Schema, converted: Schema) -> None:
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if values and all(isinstance(value, str) for value in values):
        converted["enum"] = values
    if properties := schema.get("properties"):
        converted["properties"] = {name: _convert(sub) for name, sub in properties.items() if isinstance(sub, dict)}
        converted["propertyOrdering"] = list(converted["properties"])
    if converted["type"] == "ARRAY":
        items = schema.get("items")
        tuples = [_convert(sub) for sub in schema.get("prefixItems", ()) if isinstance(sub, dict)]
        if isinstance(items, dict):
            tuples.append(_convert(items))
        converted["items"] = tuples[0] if len(tuples) == 1 else {"anyOf": tuples} if tuples else {"type": "STRING"}


def _settle(schema: Schema) -> tuple[Schema, bool]:
    """The schema with `allOf` merged, alternatives in `anyOf`, null taken out; and whether null is allowed."""
    merged: Schema = {key: value for key, value in schema.items() if key not in ("allOf", "oneOf", "anyOf")}
    for part in schema.get("allOf", ()):
        merged = _merge(merged, part)
    branches: list[Any] = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    kinds = merged.get("type")
    if isinstance(kinds, list):
        merged["type"] = kinds[0] if kinds else "string"
        if len(kinds) > 1:
            del merged["type"]
            branches = [{**merged, "type": kind} for kind in kinds]
            merged = {key: merged[key] for key in ("title", "description") if key in merged}
    kept = [branch for branch in branches if isinstance(branch, dict) and branch.get("type") != "null"]
    nullable = len(kept) < len(branches) or merged.get("nullable") is True
    if len(kept) == 1:
        inner, inner_nullable = _settle(kept[0])
        return {**inner, **merged}, nullable or inner_nullable
    return ({**merged, "anyOf": kept} if kept else merged), nullable


def _merge(first: Schema, second: Any) -> Schema:
    if not isinstance(second, dict):
        return first
    merged = {**first, **second}
    if "properties" in first and "properties" in second:
        merged["properties"] = {**first["properties"], **second["properties"]}
    if "required" in first and "required" in second:
        merged["required"] = list(dict.fromkeys([*first["required"], *second["required"]]))
    return merged


def _kind(schema: Schema) -> str:
    """The type of a schema that doesn't say it."""
    if "properties" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    values = schema.get("enum", [schema.get("const", "")])
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
    return kinds.get(type(values[0]) if values else str, "string")
