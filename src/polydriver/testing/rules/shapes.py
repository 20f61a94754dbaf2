"""Shapes of JSON bodies, written small: which fields there are, and of what type.

A shape is one of: `"string"`, `"integer"`, `"number"`, `"boolean"`, `"object"`, `"any"`; `words("a", "b")` for a text
that must be one of these; `[shape]` for a list; a tuple of shapes for one of several; `maps(shape)` for an object with
any names; a dict for an object with these names and no others, where a name that ends with `!` is required; a function
without parameters that gives a shape, for one that holds itself. `null` is taken
for absent, except where the field is required.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

__all__ = ["Words", "blob", "breaches", "maps", "tagged", "words"]


class Words(msgspec.Struct, frozen=True):
    """A text out of these."""

    allowed: frozenset[str]


class Maps(msgspec.Struct, frozen=True):
    """An object with any names, each of this shape."""

    shape: Any


class Tagged(msgspec.Struct, frozen=True):
    """An object whose member `name` says which of the shapes it has."""

    name: str
    shapes: Mapping[str, Any]
    default: str | None


class Blob(msgspec.Struct, frozen=True):
    """A text that is base64."""


def words(*allowed: str) -> Words:
    """A text out of these."""
    return Words(frozenset(allowed))


def maps(shape: Any) -> Maps:
    """An object with any names, each of this shape."""
    return Maps(shape)


def tagged(name: str, shapes: Mapping[str, Any], default: str | None = None) -> Tagged:
    """An object whose member `name` says which of the shapes it has; a shape of `"any"` is not looked at."""
    return Tagged(name, shapes, default)


def blob() -> Blob:
    """A text that is base64."""
    return Blob()


_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, Mapping),
    "any": lambda value: True,
}


def breaches(shape: Any, value: Any, at: str = "", *, unknown: bool = True) -> Iterator[str]:
    """Every place where a value is not of a shape, with what is wrong there. `unknown` false overlooks fields that the
    shape does not name."""
    if callable(shape):
        shape = shape()
    if isinstance(shape, str):
        if not _TYPES[shape](value):
            yield f"{at or 'the body'} is not of type {shape}"
    elif isinstance(shape, Words):
        if value not in shape.allowed if isinstance(value, str) else True:
            yield f"{at} is {str(value)[:60]!r}, not one of {', '.join(sorted(shape.allowed))}"
    elif isinstance(shape, Blob):
        if not _is_base64(value):
            yield f"{at} is not base64"
    elif isinstance(shape, Tagged):
        yield from _tagged(shape, value, at, unknown)
    elif isinstance(shape, tuple):
        yield from _one_of(shape, value, at, unknown)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{at} is not a list"
            return
        for position, inner in enumerate(value):
            yield from breaches(shape[0], inner, f"{at}[{position}]", unknown=unknown)
    else:
        yield from _object(shape, value, at, unknown)


def _object(shape: Any, value: Any, at: str, unknown: bool) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{at or 'the body'} is not an object"
        return
    if isinstance(shape, Maps):
        for name, inner in value.items():
            yield from breaches(shape.shape, inner, f"{at}.{name}".lstrip("."), unknown=unknown)
        return
    for name, inner in value.items():
        wanted = shape.get(name, shape.get(f"{name}!"))
        place = f"{at}.{name}".lstrip(".")
        if inner is None and f"{name}!" not in shape and (wanted is not None or not unknown):
            continue
        if wanted is not None:
            yield from breaches(wanted, inner, place, unknown=unknown)
        elif unknown:
            yield f"{place} is not known"
    for name in shape:
        if name.endswith("!") and name[:-1] not in value:
            yield f"{at}.{name[:-1]}".lstrip(".") + " is missing"


def _tagged(shape: Tagged, value: Any, at: str, unknown: bool) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{at} is not an object"
        return
    tag = value.get(shape.name, shape.default)
    if not isinstance(tag, str) or tag not in shape.shapes:
        yield f"{at}.{shape.name} is {str(tag)[:60]!r}, not one of {', '.join(sorted(shape.shapes))}"
        return
    chosen = shape.shapes[tag]
    if isinstance(chosen, Mapping):
        chosen = {shape.name: "string", **chosen}
    yield from breaches(chosen, value, at, unknown=unknown)


def _one_of(shapes: tuple[Any, ...], value: Any, at: str, unknown: bool) -> Iterator[str]:
    """The breaches of the alternative that comes nearest."""
    nearest: list[str] | None = None
    for shape in shapes:
        if shape is None:
            if value is None:
                return
            continue
        found = list(breaches(shape, value, at, unknown=unknown))
        if not found:
            return
        if nearest is None or len(found) < len(nearest):
            nearest = found
    yield from nearest or [f"{at} is not null"]


def _is_base64(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
