"""The strict subset of JSON Schema: what a provider can promise to keep to exactly.

Follows OpenAI's rules for structured outputs
(https://platform.openai.com/docs/guides/structured-outputs#supported-schemas), which the compatible services
share: every object closed, every property required, no free-form parts.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

import msgspec

from .walk import Schema, SchemaReferenceError, map_subschemas, resolve_ref

__all__ = ["strict_schema"]

_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})
_IMPOSSIBLE = frozenset(
    {
        "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "patternProperties",
        "prefixItems", "propertyNames", "contains", "unevaluatedProperties", "unevaluatedItems",
        "additionalItems",
    }
)  # fmt: skip
_HINTS = ("default", "examples", "minLength", "maxLength", "uniqueItems", "minProperties", "maxProperties")
_MAX_DEPTH = 10
_MAX_PROPERTIES = 5000


class _InexpressibleError(Exception):
    """The schema says something that the strict subset cannot."""


def strict_schema(schema: Mapping[str, Any]) -> Schema | None:
    """The schema in the strict subset, or `None` when it cannot be said there.

    Objects are closed, optional properties become required and nullable (a `null` for one of them means
    "absent"; see `adapt`), keywords outside the subset become words in the description. `None` comes back for
    free-form objects (`dict[str, int]`, an open object, anything untyped), tuples, `not`, a root that is no
    object, and schemas deeper than 10 levels or with more than 5000 properties. Applying it twice changes
    nothing more. The last 256 results are kept and shared: do not change one.
    """
    try:
        return _kept_strict(msgspec.json.encode(schema))
    except (TypeError, ValueError, OverflowError, RecursionError):
        return None


@functools.lru_cache(maxsize=256)
def _kept_strict(encoded: bytes) -> Schema | None:
    schema = msgspec.json.decode(encoded)
    try:
        root = _unref(schema, schema)
        if root.get("type") != "object":
            return None
        strict = _strict(root, schema, True)
        if "definitions" in strict or _count(strict) > _MAX_PROPERTIES or _depth(strict) > _MAX_DEPTH:
            return None
    except (_InexpressibleError, SchemaReferenceError, RecursionError, AttributeError, LookupError, TypeError):
        return None
    return strict


def _strict(node: Schema, root: Mapping[str, Any], is_root: bool = False) -> Schema:
    if "$ref" in node:
        if set(node) == {"$ref"}:
            resolve_ref(root, node["$ref"])
            return node
        node = _unref(node, root)
    if not is_root:
        node = {key: value for key, value in node.items() if key != "$defs"}
    node = _plain_unions(node, root)
    if not _IMPOSSIBLE.isdisjoint(node) or not {"type", "anyOf", "enum", "const", "$ref"} & set(node):
        raise _InexpressibleError
    node = _hints_in_description(node)
    if _allows(node, "array") and not isinstance(node.get("items"), dict):
        raise _InexpressibleError
    if _allows(node, "object"):
        node = _closed(node)
    return map_subschemas(node, lambda sub: _strict(sub, root))


def _unref(node: Mapping[str, Any], root: Mapping[str, Any]) -> Schema:
    """Keywords beside a reference are not allowed, so the target takes the reference's place."""
    merged: Schema = dict(node)
    for _ in range(_MAX_DEPTH):
        if "$ref" not in merged:
            return merged
        merged = {
            **resolve_ref(root, merged["$ref"]),
            **{key: value for key, value in merged.items() if key != "$ref"},
        }
    raise _InexpressibleError


def _plain_unions(node: Schema, root: Mapping[str, Any]) -> Schema:
    """`oneOf` as `anyOf`, an `allOf` of one merged into its place."""
    node = dict(node)
    parts = node.pop("allOf", None)
    if parts is not None:
        if len(parts) != 1 or not isinstance(parts[0], dict):
            raise _InexpressibleError
        node = _unref({**parts[0], **node}, root)
    if "oneOf" in node:
        if "anyOf" in node:
            raise _InexpressibleError
        node["anyOf"] = node.pop("oneOf")
        node.pop("discriminator", None)
    if not all(isinstance(sub, dict) for sub in node.get("anyOf", ())):
        raise _InexpressibleError
    return node


def _hints_in_description(node: Schema) -> Schema:
    hints = [f"{key}: {json.dumps(node[key], default=str)}" for key in _HINTS if key in node]
    form = node.get("format")
    if form is not None and form not in _FORMATS:
        hints.append(f"format: {form}")
    kept = {key: value for key, value in node.items() if key not in _HINTS}
    if form not in _FORMATS:
        kept.pop("format", None)
    if hints:
        words = [kept["description"]] if kept.get("description") else []
        kept["description"] = " ".join([*words, f"({', '.join(hints)})"])
    return kept


def _closed(node: Schema) -> Schema:
    """An object with all its properties required, the optional ones nullable, and no others allowed."""
    properties = node.get("properties")
    if node.get("additionalProperties", False) is not False or not isinstance(properties, dict):
        raise _InexpressibleError
    if not all(isinstance(sub, dict) for sub in properties.values()):
        raise _InexpressibleError
    required = set(node.get("required", ()))
    closed = {name: sub if name in required else _nullable(sub) for name, sub in properties.items()}
    return {**node, "properties": closed, "required": list(closed), "additionalProperties": False}


def _nullable(schema: Schema) -> Schema:
    kind = schema.get("type")
    if isinstance(kind, str) and kind != "null":
        if "const" in schema:
            schema = {**{k: v for k, v in schema.items() if k != "const"}, "enum": [schema["const"]]}
        if "enum" in schema and None not in schema["enum"]:
            schema = {**schema, "enum": [*schema["enum"], None]}
        return {**schema, "type": [kind, "null"]}
    if kind == "null" or (isinstance(kind, list) and "null" in kind):
        return schema
    union = next((key for key in ("anyOf", "oneOf") if isinstance(schema.get(key), list)), None)
    if union is not None:
        has_null = any(isinstance(choice, dict) and choice.get("type") == "null" for choice in schema[union])
        return schema if has_null else {**schema, union: [*schema[union], {"type": "null"}]}
    described = {"description": schema["description"]} if "description" in schema else {}
    return {"anyOf": [{k: v for k, v in schema.items() if k != "description"}, {"type": "null"}], **described}


def _allows(node: Mapping[str, Any], kind: str) -> bool:
    declared = node.get("type")
    return declared == kind or (isinstance(declared, list) and kind in declared)


def _count(node: Schema) -> int:
    total = len(node.get("properties", ()))

    def add(sub: Schema) -> Schema:
        nonlocal total
        total += _count(sub)
        return sub

    map_subschemas(node, add)
    return total


def _depth(node: Schema) -> int:
    deepest = 0

    def look(sub: Schema) -> Schema:
        nonlocal deepest
        deepest = max(deepest, _depth(sub))
        return sub

    map_subschemas(node, look)
    return deepest + ("properties" in node or "items" in node)
