"""Walking and rewriting JSON schemas: pure functions that never change what they are given."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeAlias

__all__ = ["Schema", "map_subschemas", "subschemas", "tidy", "without_keywords"]

Schema: TypeAlias = dict[str, Any]

_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems", "items"})
_SINGLES = frozenset(
    {
        "items",
        "additionalProperties",
        "not",
        "if",
        "then",
        "else",
        "contains",
        "propertyNames",
        "additionalItems",
    }
)
_JSON_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number"}


def map_subschemas(schema: Mapping[str, Any], change: Callable[[Schema], Any]) -> Schema:
    """A copy of the schema with `change` applied to each schema directly inside it (those that are objects).

    A property that happens to be called like a keyword is a property, and is left alone.
    """
    result: Schema = {}
    for key, value in schema.items():
        if key in _MAPS and isinstance(value, dict):
            result[key] = {name: change(sub) if isinstance(sub, dict) else sub for name, sub in value.items()}
        elif key in _LISTS and isinstance(value, list):
            result[key] = [change(sub) if isinstance(sub, dict) else sub for sub in value]
        elif key in _SINGLES and isinstance(value, dict):
            result[key] = change(value)
        else:
            result[key] = value
    return result


def subschemas(schema: Mapping[str, Any]) -> Iterator[Schema]:
    """Every schema that stands directly inside this one."""
    found: list[Schema] = []

    def note(sub: Schema) -> Schema:
        found.append(sub)
        return sub

    map_subschemas(schema, note)
    return iter(found)


def without_keywords(schema: Mapping[str, Any], names: Collection[str]) -> Schema:
    """The schema without these keywords, at every level. Properties of the same names stay."""
    kept = {key: value for key, value in schema.items() if key not in names}
    return map_subschemas(kept, lambda sub: without_keywords(sub, names))


def tidy(schema: Mapping[str, Any]) -> Schema:
    """The schema without titles and null defaults, which tell a model nothing, and with a `type` beside each
    enum or const.
    """
    kept = {k: v for k, v in schema.items() if k != "title" and not (k == "default" and v is None)}
    if "type" not in kept:
        values = kept.get("enum", [kept["const"]] if "const" in kept else [])
        kinds = {_JSON_TYPES.get(type(value)) for value in values} if isinstance(values, list) else set()
        if len(kinds) == 1 and None not in kinds:
            kept = {"type": kinds.pop(), **kept}
    return map_subschemas(kept, tidy)
