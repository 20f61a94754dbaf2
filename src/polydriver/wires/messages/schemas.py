"""JSON schemas as structured output and strict tools take them.

https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...data.json import encode_json
from ...schema import SchemaReferenceError, map_subschemas, resolve_ref, subschemas

__all__ = ["StrictBudget", "close_arguments", "describe_tool", "has_plain_names", "object_schema", "render_schema"]

_IMPOSSIBLE = frozenset(
    {
        "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "patternProperties", "prefixItems",
        "propertyNames", "contains", "unevaluatedProperties", "unevaluatedItems", "additionalItems",
    }
)  # fmt: skip
_HINTS = frozenset(
    {
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern",
        "maxItems", "uniqueItems", "minProperties", "maxProperties", "examples",
    }
)  # fmt: skip
_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"})
_MAX_MIN_ITEMS = 1
_UNIONS = frozenset({"$ref", "anyOf", "oneOf", "allOf"})
_PROPERTY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_MAX_REFERENCES = 8
_MAX_STRICT_TOOLS = 20
_MAX_OPTIONAL = 24
_MAX_UNIONS = 16


class _InexpressibleError(Exception):
    """The schema says something that the API's grammar cannot."""


class StrictBudget:
    """What of one request's limits on strict schemas is left: tools, optional parameters, parameters of several types.

    The form of the answer and the strict tools share them.
    """

    def __init__(self) -> None:
        self._tools = _MAX_STRICT_TOOLS
        self._optional = _MAX_OPTIONAL
        self._unions = _MAX_UNIONS

    def take(self, schema: Mapping[str, Any], *, is_tool: bool) -> bool:
        """Whether there is room for a schema that `render_schema` made; it is then taken."""
        optional, unions = _count(schema)
        if optional > self._optional or unions > self._unions or (is_tool and not self._tools):
            return False
        self._optional -= optional
        self._unions -= unions
        self._tools -= is_tool
        return True


def _count(node: Mapping[str, Any]) -> tuple[int, int]:
    """How many properties are optional, and how many places have several types."""
    properties = node.get("properties", {})
    optional = len(properties.keys() - set(node.get("required", ())))
    unions = int("anyOf" in node or isinstance(node.get("type"), list))
    for inner in subschemas(node):
        more_optional, more_unions = _count(inner)
        optional, unions = optional + more_optional, unions + more_unions
    return optional, unions


def object_schema(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema as arguments of a tool: an object without a reference or a union at its root, or `None`.

    `None` comes back as well for names of properties in another alphabet than the API's.
    """
    try:
        plain = _without_root_reference(schema)
        if plain.get("type") != "object" or not _UNIONS.isdisjoint(plain) or not has_plain_names(plain):
            return None
    except (SchemaReferenceError, RecursionError, TypeError, AttributeError):
        return None
    return plain


def close_arguments(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """The arguments of a strict tool as `render_schema` has them; those of a tool without any are a closed object."""
    if schema.get("properties"):
        return render_schema(schema)
    return {"type": "object", "properties": {}, "additionalProperties": False}


def describe_tool(description: str, schema: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The description and an open object for a tool whose schema has a union at its root, which then is in words."""
    words = f"The arguments must match this JSON schema: {encode_json(schema).decode()}"
    return "\n".join(filter(None, (description, words))), {"type": "object", "properties": {}}


def has_plain_names(schema: Mapping[str, Any]) -> bool:
    """Whether all properties have names that the API takes: letters, digits, `_`, `.` and `-`, 64 at most."""
    if not all(_PROPERTY.fullmatch(name) for name in schema.get("properties", ())):
        return False
    return all(map(has_plain_names, subschemas(schema)))


def _without_root_reference(schema: Mapping[str, Any]) -> dict[str, Any]:
    plain = dict(schema)
    for _ in range(_MAX_REFERENCES):
        if isinstance(plain.get("$ref"), str):
            target = resolve_ref(schema, plain.pop("$ref"))
            plain = {**target, **plain}
        elif isinstance(plain.get("allOf"), list) and len(plain["allOf"]) == 1:
            plain = {**plain.pop("allOf")[0], **plain}
    return plain


def render_schema(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema in the form that the API can promise to keep to, or `None` when it cannot be said there.

    Objects are closed; limits on numbers and lengths, which the grammar lacks, become words in the description. `None`
    comes back for free-form objects, recursive types, keywords such as `not` and `patternProperties`, and for more
    optional properties or unions than one request may have (`StrictBudget`).
    """
    try:
        _refuse_recursion(schema, schema, ())
        if not has_plain_names(schema):
            return None
        rendered = _render(schema)
        return rendered if StrictBudget().take(rendered, is_tool=False) else None
    except (_InexpressibleError, SchemaReferenceError, RecursionError, TypeError):
        return None


def _render(node: Mapping[str, Any]) -> dict[str, Any]:
    if not _IMPOSSIBLE.isdisjoint(node):
        raise _InexpressibleError
    changed = {key: value for key, value in node.items() if key not in _HINTS and key != "discriminator"}
    hints = {key: node[key] for key in sorted(_HINTS & node.keys())}
    if "oneOf" in changed:
        if "anyOf" in changed:
            raise _InexpressibleError
        changed["anyOf"] = changed.pop("oneOf")
    if changed.get("format", "date") not in _FORMATS:
        hints["format"] = changed.pop("format")
    least = changed.get("minItems")
    if isinstance(least, int) and least > _MAX_MIN_ITEMS:
        hints["minItems"] = changed.pop("minItems")
    if _is_object(changed):
        if changed.get("additionalProperties", False) is not False or not changed.get("properties"):
            raise _InexpressibleError
        changed["additionalProperties"] = False
    if hints:
        words = ", ".join(f"{key}: {encode_json(value).decode()}" for key, value in hints.items())
        changed["description"] = f"{changed['description']} ({words})" if changed.get("description") else f"({words})"
    return map_subschemas(changed, _render)


def _is_object(node: Mapping[str, Any]) -> bool:
    kind = node.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind) or "properties" in node


def _refuse_recursion(node: Mapping[str, Any], root: Mapping[str, Any], trail: tuple[str, ...]) -> None:
    """Walk along all references, and raise where one leads back to where it came from."""
    ref = node.get("$ref")
    if isinstance(ref, str):
        if ref in trail:
            raise _InexpressibleError
        _refuse_recursion(resolve_ref(root, ref), root, (*trail, ref))
    used = {key: value for key, value in node.items() if key not in ("$defs", "definitions")}
    for inner in subschemas(used):
        _refuse_recursion(inner, root, trail)
