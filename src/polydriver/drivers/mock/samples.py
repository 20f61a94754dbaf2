"""The smallest value that a JSON schema allows, for structured answers that nobody scripted."""

from __future__ import annotations

from typing import Any

__all__ = ["sample"]

_MAX_DEPTH = 20


def sample(schema: Any, root: dict[str, Any] | None = None, depth: int = 0) -> Any:
    """A value for a schema. Constraints that a small value cannot guess (patterns, formats) are not looked
    at."""
    if not isinstance(schema, dict) or depth > _MAX_DEPTH:
        return None
    root = schema if root is None else root
    if isinstance(ref := schema.get("$ref"), str):
        return sample(_resolve(ref, root), root, depth + 1)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if schema.get("enum"):
        return schema["enum"][0]
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return sample(schema[key][0], root, depth + 1)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    kind = kind.lower() if isinstance(kind, str) else kind  # Gemini writes OBJECT
    if kind == "object" or "properties" in schema:
        return _sample_object(schema, root, depth)
    if kind == "array":
        return [sample(schema.get("items"), root, depth + 1) for _ in range(min(int(schema.get("minItems", 0)), 100))]
    if kind in ("integer", "number"):
        return schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
    return {"string": "x" * int(schema.get("minLength", 0)) or "mock", "boolean": False}.get(str(kind))


def _sample_object(schema: dict[str, Any], root: dict[str, Any], depth: int) -> dict[str, Any]:
    properties = schema.get("properties", {})
    names = schema.get("required", properties)
    return {name: sample(properties.get(name), root, depth + 1) for name in names}


def _resolve(ref: str, root: dict[str, Any]) -> Any:
    found: Any = root
    for step in ref.removeprefix("#").strip("/").split("/"):
        if step:
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return found
