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

from .references import SchemaReferenceError, resolve_ref
from .walk import Schema, map_subschemas

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
_MAX_ENUM_VALUES = 1000
_LARGE_ENUM = 250
_MAX_CHARS_OF_LARGE_ENUM = 15_000
_MAX_CHARS = 120_000
_TYPES: dict[type, str] = {
    str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null", list: "array", dict: "object"
}  # fmt: skip


class _InexpressibleError(Exception):
    """The schema says something that the strict subset cannot."""


def strict_schema(schema: Mapping[str, Any]) -> Schema | None:
    """The schema in the strict subset, or `None` when it cannot be said there.

    Objects are closed, optional properties become required and nullable (a `null` for one of them means
    "absent"; see `adapt`), keywords outside the subset become words in the description. `None` comes back for
    free-form objects (`dict[str, int]`, an open object, anything untyped), tuples, `not`, a root that is not an object,
    and schemas beyond a limit: 10 levels of nesting (references followed), 5000 properties, 1000 values of enums,
    15,000 characters in an enum of more than 250 strings, 120,000 characters of names and values. Applying it twice
    changes nothing more. The last 256 results are kept and shared: do not change one.
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
        if "definitions" in strict or not _Size(strict).is_within_limits():
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
    node = _typed(_hints_in_description(node))
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


def _typed(node: Schema) -> Schema:
    """With the `type` that an enum or a constant has anyway: without one the schema is refused."""
    values = node["enum"] if isinstance(node.get("enum"), list) else [node["const"]] if "const" in node else []
    if "type" in node or not values:
        return node
    kinds = list(dict.fromkeys(_TYPES[type(value)] for value in values))
    return {**node, "type": kinds[0] if len(kinds) == 1 else kinds}


class _Size:
    """How large a schema is, by the measures that have limits."""

    def __init__(self, root: Schema) -> None:
        self.properties = self.enum_values = self.chars = 0
        self.is_enum_too_long = False
        self._root = root
        self._depths: dict[str, int] = {}
        self._measure(root)
        self.depth = self._find_depth(root)

    def is_within_limits(self) -> bool:
        return (
            self.properties <= _MAX_PROPERTIES
            and self.enum_values <= _MAX_ENUM_VALUES
            and self.chars <= _MAX_CHARS
            and self.depth <= _MAX_DEPTH
            and not self.is_enum_too_long
        )

    def _measure(self, node: Schema) -> None:
        names = [*node.get("properties", ()), *node.get("$defs", ())]
        self.properties += len(node.get("properties", ()))
        values = node.get("enum", ())
        texts = [value for value in values if isinstance(value, str)]
        chars = sum(map(len, texts))
        self.enum_values += len(values)
        self.is_enum_too_long |= len(texts) > _LARGE_ENUM and chars > _MAX_CHARS_OF_LARGE_ENUM
        self.chars += chars + sum(map(len, names))
        if isinstance(node.get("const"), str):
            self.chars += len(node["const"])
        for sub in _subschemas(node):
            self._measure(sub)

    def _find_depth(self, node: Schema) -> int:
        """The levels below a node. A reference counts as what it names, one back to what it stands in as nothing."""
        pointer = node.get("$ref")
        if pointer is not None:
            if pointer not in self._depths:
                self._depths[pointer] = 0
                self._depths[pointer] = self._find_depth(resolve_ref(self._root, pointer))
            return self._depths[pointer]
        deepest = max((self._find_depth(sub) for sub in _subschemas(node, definitions=False)), default=0)
        return deepest + ("properties" in node or "items" in node)


def _subschemas(node: Schema, definitions: bool = True) -> list[Schema]:
    found: list[Schema] = []

    def keep(sub: Schema) -> Schema:
        found.append(sub)
        return sub

    map_subschemas(node if definitions else {key: value for key, value in node.items() if key != "$defs"}, keep)
    return found
