"""JSON schemas as Cohere's structured outputs take them.

https://docs.cohere.com/docs/structured-outputs#json-schema-mode
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...data.json import encode_json
from ...schema import SchemaReferenceError, map_subschemas

__all__ = ["render_schema"]

_IMPOSSIBLE = frozenset({"allOf", "oneOf", "not", "if", "then", "else", "patternProperties", "prefixItems"})
_HINTS = frozenset(
    {
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "minLength",
        "maxLength", "uniqueItems", "minProperties", "maxProperties",
    }
)  # fmt: skip
_FORMATS = frozenset({"date-time", "uuid", "date", "time"})
_BAD_PATTERN = re.compile(r"\^|\$|\(\?[=!<]")


class _InexpressibleError(Exception):
    """The schema says something that the service cannot keep to."""


def render_schema(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema with limits, patterns and formats that the service lacks in words, or `None` when it cannot be said.

    That is so where an object has no required property, the root is not an object, or a keyword such as `not` is used.
    """
    if schema.get("type") != "object" and "$ref" not in schema:
        return None
    try:
        return _render(schema)
    except (_InexpressibleError, SchemaReferenceError, RecursionError, TypeError, AttributeError):
        return None


def _render(node: Mapping[str, Any]) -> dict[str, Any]:
    if not _IMPOSSIBLE.isdisjoint(node):
        raise _InexpressibleError
    kind = node.get("type")
    if (kind == "object" or "properties" in node) and not node.get("required"):
        raise _InexpressibleError
    left_out = _HINTS & node.keys()
    if node.get("format", "date") not in _FORMATS:
        left_out |= {"format"}
    if isinstance(node.get("pattern"), str) and _BAD_PATTERN.search(node["pattern"]):
        left_out |= {"pattern"}
    changed = {key: value for key, value in node.items() if key not in left_out}
    if left_out:
        words = ", ".join(f"{key}: {encode_json(node[key]).decode()}" for key in sorted(left_out))
        changed["description"] = f"{changed['description']} ({words})" if changed.get("description") else f"({words})"
    return map_subschemas(changed, _render)
