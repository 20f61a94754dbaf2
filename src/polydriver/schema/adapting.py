"""Undoing the harmless differences between what a schema says and what models write."""

from __future__ import annotations

from typing import Any

from .references import resolve_ref
from .validation import is_valid
from .walk import Schema

__all__ = ["adapt"]


def adapt(value: Any, schema: Schema) -> Any:
    """The value with two harmless differences undone.

    A `null` for an optional property that can't be null is left out (strict modes must write one), and 5.0
    where an integer is wanted is 5 (some wires know floats only).

    Anything else stays as it is, valid or not. The value itself is not changed.
    """
    try:
        return _adapt(value, schema, schema)
    except (RecursionError, AttributeError, LookupError, TypeError, ValueError):
        return value


def _adapt(value: Any, schema: Any, root: Schema) -> Any:
    if not isinstance(schema, dict):
        return value
    if "$ref" in schema:
        value = _adapt(value, resolve_ref(root, schema["$ref"]), root)
    for branch in schema.get("allOf", ()):
        value = _adapt(value, branch, root)
    for branch in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        fitted = _adapt(value, branch, root)
        if is_valid(fitted, branch, root):
            value = fitted
            break
    if isinstance(value, dict):
        return _adapt_object(value, schema, root)
    if isinstance(value, list):
        first = schema.get("prefixItems", [])
        rest = schema.get("items")
        return [_adapt(item, first[index] if index < len(first) else rest, root) for index, item in enumerate(value)]
    if isinstance(value, float) and value.is_integer() and _wants_integer(schema):
        return int(value)
    return value


def _adapt_object(value: dict[str, Any], schema: Schema, root: Schema) -> dict[str, Any]:
    properties = schema.get("properties", {})
    required = schema.get("required", ())
    fitted: dict[str, Any] = {}
    for key, item in value.items():
        wanted = properties.get(key, schema.get("additionalProperties"))
        if item is None and key in properties and key not in required and not is_valid(None, wanted, root):
            continue
        fitted[key] = _adapt(item, wanted, root)
    return fitted


def _wants_integer(schema: Schema) -> bool:
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    return "integer" in kinds and "number" not in kinds
