"""Walking JSON schemas, for the rules about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["has_cycle", "is_object", "object_depth", "resolve", "walk"]

Schema = Mapping[str, Any]

_ONE = (
    "items",
    "additionalProperties",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
)
_MANY = ("anyOf", "oneOf", "allOf", "prefixItems")
_NAMED = ("properties", "$defs", "definitions", "patternProperties", "dependentSchemas")
_FOREVER = 1000


def children(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """The schemas right inside a schema, with the way to each."""
    for key in _ONE:
        if isinstance(inner := schema.get(key), Mapping):
            yield key, inner
    for key in _MANY:
        if isinstance(found := schema.get(key), list):
            yield from ((f"{key}/{n}", inner) for n, inner in enumerate(found) if isinstance(inner, Mapping))
    for key in _NAMED:
        if isinstance(named := schema.get(key), Mapping):
            yield from ((f"{key}/{name}", inner) for name, inner in named.items() if isinstance(inner, Mapping))


def walk(schema: Any, at: str = "") -> Iterator[tuple[str, Schema]]:
    """Every schema inside a schema, itself first, with its place as a JSON pointer."""
    stack = [(at, schema)] if isinstance(schema, Mapping) else []
    while stack:
        place, node = stack.pop()
        yield place, node
        stack.extend(reversed([(f"{place}/{way}", inner) for way, inner in children(node)]))


def is_object(schema: Schema) -> bool:
    """Whether a schema describes an object, or may."""
    kind = schema.get("type")
    return (
        kind == "object" or (isinstance(kind, list) and "object" in kind) or (kind is None and "properties" in schema)
    )


def resolve(root: Schema, reference: Any) -> Schema | None:
    """What a local reference stands for, or `None` when there is no such place."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    node: Any = root
    for step in reference[1:].split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(node, Mapping) and name in node:
            node = node[name]
        elif isinstance(node, list) and name.isdecimal() and int(name) < len(node):
            node = node[int(name)]
        else:
            return None
    return node if isinstance(node, Mapping) else None


def has_cycle(root: Schema) -> bool:
    """Whether a reference leads back to a schema that it stands in."""
    done: set[int] = set()
    open_: set[int] = set()
    stack: list[tuple[Schema, bool]] = [(root, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            open_.discard(id(node))
            done.add(id(node))
            continue
        if id(node) in open_:
            return True
        if id(node) in done:
            continue
        open_.add(id(node))
        stack.append((node, True))
        stack.extend((inner, False) for inner in _reached(root, node))
    return False


def _reached(root: Schema, node: Schema) -> Iterator[Schema]:
    """The schemas that a value of this one meets next: definitions only where they are referred to."""
    for way, inner in children(node):
        if not way.startswith(("$defs/", "definitions/")):
            yield inner
    if (target := resolve(root, node.get("$ref"))) is not None:
        yield target


def object_depth(root: Schema) -> int:
    """How many objects stand in each other at the deepest place, through references; cycles count once."""
    known: dict[int, int] = {}
    path: set[int] = set()
    deepest = 0
    stack: list[tuple[Schema, int, bool]] = [(root, 0, False)]
    while stack:
        node, above, leaving = stack.pop()
        if leaving:
            path.discard(id(node))
            continue
        depth = above + is_object(node)
        if id(node) in path or known.get(id(node), -1) >= depth or depth > _FOREVER:
            continue
        known[id(node)] = depth
        deepest = max(deepest, depth)
        path.add(id(node))
        stack.append((node, depth, True))
        stack.extend((inner, depth, False) for inner in _reached(root, node))
    return deepest
