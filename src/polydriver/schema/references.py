"""References inside JSON schemas: followed, checked, replaced, moved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .walk import Schema, map_subschemas, subschemas, without_keywords

__all__ = [
    "SchemaReferenceError",
    "check_refs",
    "hoist_defs",
    "inline_refs",
    "merge_root_ref",
    "resolve_ref",
    "wrap_value",
]


_MAX_NODES = 10_000


class SchemaReferenceError(ValueError):
    """A `$ref` that leads nowhere inside its own schema."""


def resolve_ref(root: Mapping[str, Any], ref: object) -> Schema:
    """The schema that a local reference (`#`, `#/$defs/Name`, any JSON pointer, RFC 6901) stands for.

    Raises `SchemaReferenceError` for a reference to elsewhere or to nothing.
    """
    if not isinstance(ref, str) or not ref.startswith("#"):
        raise SchemaReferenceError(f"only references inside the schema are followed, not {ref!r}")
    node: Any = root
    for step in ref[1:].split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list) and step.isdigit() and int(step) < len(node):
            node = node[int(step)]
        elif isinstance(node, Mapping) and step in node:
            node = node[step]
        else:
            raise SchemaReferenceError(f"the reference {ref!r} leads nowhere in this schema")
    if not isinstance(node, dict):
        raise SchemaReferenceError(f"the reference {ref!r} leads to something that is not a schema")
    return node


def check_refs(schema: Schema) -> None:
    """Raise `SchemaReferenceError` for the first reference in the schema that cannot be followed."""
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if "$ref" in node:
            resolve_ref(schema, node["$ref"])
        waiting.extend(subschemas(node))


def inline_refs(schema: Mapping[str, Any], *, depth: int = 2) -> Schema:
    """The schema with each `$ref` replaced by what it stands for, and without `$defs`.

    A recursive type is unrolled `depth` times and ends in a bare `{"type": ...}` of its own kind, and so does
    everything beyond 10,000 nodes. Raises `SchemaReferenceError` for a reference that leads nowhere.
    """
    left = _MAX_NODES

    def expand(node: Mapping[str, Any], trail: tuple[str, ...]) -> Schema:
        nonlocal left
        left -= 1
        while "$ref" in node:
            ref = node["$ref"]
            target = resolve_ref(schema, ref)
            beside = {key: value for key, value in node.items() if key != "$ref"}
            if trail.count(ref) >= depth or left <= 0:
                return {
                    "type": target.get("type", "object"),
                    **without_keywords(beside, {"$defs", "definitions"}),
                }
            trail = (*trail, ref)
            node = {**target, **beside}
        bare = {key: value for key, value in node.items() if key not in ("$defs", "definitions")}
        return map_subschemas(bare, lambda sub: expand(sub, trail))

    return expand(schema, ("#",))


def hoist_defs(schema: Mapping[str, Any]) -> Schema:
    """The schema with the `$defs` of all inner schemas moved to its root; different ones of the same name are
    renamed.
    """
    originals: dict[str, Any] = {}
    hoisted: dict[str, Any] = {}

    def lift(node: Schema) -> Schema:
        own = node.get("$defs")
        if isinstance(own, dict):
            node = {key: value for key, value in node.items() if key != "$defs"}
            renamed = {name: _free_name(name, definition, originals) for name, definition in own.items()}
            new = [(renamed[name], d) for name, d in own.items() if renamed[name] not in originals]
            originals.update(new)
            refs = {f"#/$defs/{old}": f"#/$defs/{name}" for old, name in renamed.items() if old != name}
            for name, definition in new:
                hoisted[name] = lift(_replace_refs(definition, refs))
            node = _replace_refs(node, refs)
        return map_subschemas(node, lift)

    root = lift(dict(schema))
    return {**root, "$defs": hoisted} if hoisted else root


def merge_root_ref(schema: Mapping[str, Any]) -> Schema:
    """The schema with a `$ref` at its very root replaced by its target, as APIs want an object there.

    Definitions that nothing refers to are dropped. Raises `SchemaReferenceError` for a reference that leads
    nowhere.
    """
    root: Schema = dict(schema)
    seen: set[str] = set()
    while "$ref" in root:
        target = resolve_ref(schema, root["$ref"])
        if root["$ref"] in seen:
            raise SchemaReferenceError(f"the reference {root['$ref']!r} refers to itself")
        seen.add(root["$ref"])
        root = {**target, **{key: value for key, value in root.items() if key != "$ref"}}
    defs = root.pop("$defs", None)
    if not isinstance(defs, dict):
        return root
    used = _used_defs(root, defs)
    return {**root, "$defs": {name: defs[name] for name in defs if name in used}} if used else root


def wrap_value(schema: Mapping[str, Any]) -> Schema:
    """An object schema with one required property, `value`, that follows `schema`; references keep their
    meaning.
    """
    inner: Schema = dict(schema)
    defs = dict(inner.pop("$defs", {}))
    moved = _prefix_root_refs({"inner": inner, "$defs": defs})
    inner, defs = moved["inner"], moved["$defs"]
    if "#/$defs/Root" in json.dumps([inner, defs]):
        defs, inner = {**defs, "Root": inner}, {"$ref": "#/$defs/Root"}
    wrapped: Schema = {
        "type": "object",
        "properties": {"value": inner},
        "required": ["value"],
        "additionalProperties": False,
    }
    return {**wrapped, "$defs": defs} if defs else wrapped


def _free_name(name: str, definition: object, taken: Mapping[str, Any]) -> str:
    candidate, number = name, 1
    while candidate in taken and taken[candidate] != definition:
        number += 1
        candidate = f"{name}_{number}"
    return candidate


def _replace_refs(schema: Schema, refs: Mapping[str, str]) -> Schema:
    if not refs:
        return schema
    changed = map_subschemas(schema, lambda sub: _replace_refs(sub, refs))
    if changed.get("$ref") in refs:
        changed["$ref"] = refs[changed["$ref"]]
    return changed


def _prefix_root_refs(node: Any) -> Any:
    """References to the old root (`#`, `#/properties/...`) turned into references to its new place."""
    if isinstance(node, list):
        return [_prefix_root_refs(item) for item in node]
    if not isinstance(node, dict):
        return node
    changed = {key: _prefix_root_refs(value) for key, value in node.items()}
    ref = changed.get("$ref")
    if isinstance(ref, str) and ref.startswith("#") and not ref.startswith("#/$defs/"):
        changed["$ref"] = "#/$defs/Root" + ref[1:]
    return changed


def _used_defs(root: Mapping[str, Any], defs: Mapping[str, Any]) -> set[str]:
    used: set[str] = set()
    waiting: list[Mapping[str, Any]] = [root]
    while waiting:
        node = waiting.pop()
        ref = node.get("$ref")
        if isinstance(ref, str) and ref.startswith("#/$defs/"):
            name = ref.removeprefix("#/$defs/").split("/")[0].replace("~1", "/").replace("~0", "~")
            if name in defs and name not in used:
                used.add(name)
                if isinstance(defs[name], dict):
                    waiting.append(defs[name])
        waiting.extend(subschemas(node))
    return used
