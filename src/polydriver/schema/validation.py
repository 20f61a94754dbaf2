"""Checking JSON values against JSON schemas: the part of draft 2020-12 that AI providers accept.

Known: `type`, `enum`, `const`, `properties`, `required`, `additionalProperties`, `patternProperties`,
`propertyNames`, `min/maxProperties`, `items`, `prefixItems`, `min/maxItems`, `uniqueItems`, `min/maxLength`,
`pattern`, `minimum`, `maximum` and their exclusive forms, `multipleOf`, `anyOf`, `oneOf`, `allOf`, `not`, and
`$ref` inside the schema. `format` and all other keywords say nothing here, as the standard has it for
keywords that are not known. https://json-schema.org/draft/2020-12/json-schema-validation
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from .foreign import matches
from .references import SchemaReferenceError, resolve_ref
from .walk import Schema

__all__ = ["find_problems", "is_valid"]

_SHOWN = 80


class _Place(NamedTuple):
    """Where a check stands: the whole schema (for references), the one at hand, and the path of the value."""

    root: Schema
    schema: Schema
    path: str


def find_problems(value: Any, schema: Schema, *, limit: int = 10) -> list[str]:
    """What is wrong with a JSON value, at most `limit` sentences such as "`a.b[0]`: must be a string, got 5".

    An empty list means that the value is valid. Never raises: a value nested too deeply, a malformed schema, and one
    whose references lead nowhere or in a circle are reported as problems.
    """
    found: list[str] = []
    try:
        for problem in _check(value, _Place(schema, schema, "")):
            found.append(problem)
            if len(found) >= limit:
                break
    except RecursionError:
        found.append("nested too deeply to be checked")
    except SchemaReferenceError as error:
        found.append(str(error))
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        found.append(f"the schema itself is not valid: {error}")
    return found


def is_valid(value: Any, schema: Any, root: Schema) -> bool:
    """Whether the value fits a schema that stands inside `root`, where its references lead.

    Raises `SchemaReferenceError` and `RecursionError` for references that lead nowhere or in a circle.
    """
    return _is_valid(value, _Place(root, schema, ""))


def _is_valid(value: Any, place: _Place) -> bool:
    return next(_check(value, place), None) is None


def _check(value: Any, place: _Place) -> Iterator[str]:
    schema: Any = place.schema
    if schema is False:
        yield _say(place, "is not allowed here")
    if not isinstance(schema, Mapping):
        return
    if "type" in schema and not _has_type(value, schema["type"]):
        yield _say(place, f"must be {_type_words(schema['type'])}, got {_show(value)}")
        return
    for keyword, argument in schema.items():
        check = _CHECKS.get(keyword)
        if check is not None:
            yield from check(value, argument, place)


def _say(place: _Place, text: str) -> str:
    return f"`{place.path}`: {text}" if place.path else f"it {text}"


def _show(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, default=repr)
    except (ValueError, RecursionError):
        text = type(value).__name__
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "number": _is_number,
    "integer": lambda value: _is_number(value) and (isinstance(value, int) or value % 1 == 0),
}
_ARTICLES = {"array": "an array", "object": "an object", "integer": "an integer", "null": "null"}


def _has_type(value: Any, wanted: Any) -> bool:
    names = wanted if isinstance(wanted, list) else [wanted]
    known = [_TYPES[name] for name in names if isinstance(name, str) and name in _TYPES]
    return len(known) < len(names) or any(is_type(value) for is_type in known)


def _type_words(wanted: Any) -> str:
    names = wanted if isinstance(wanted, list) else [wanted]
    return " or ".join(_ARTICLES.get(name, f"a {name}") for name in names)


def _same(left: Any, right: Any) -> bool:
    """Equality of JSON values: 1 is 1.0, but `true` is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(item, right[key]) for key, item in left.items())
    return bool(left == right)


def _check_enum(value: Any, allowed: Any, place: _Place) -> Iterator[str]:
    if isinstance(allowed, list) and not any(_same(value, item) for item in allowed):
        yield _say(place, f"must be one of {', '.join(map(_show, allowed))}, got {_show(value)}")


def _check_const(value: Any, wanted: Any, place: _Place) -> Iterator[str]:
    if not _same(value, wanted):
        yield _say(place, f"must be {_show(wanted)}, got {_show(value)}")


def _check_ref(value: Any, ref: Any, place: _Place) -> Iterator[str]:
    yield from _check(value, place._replace(schema=resolve_ref(place.root, ref)))


def _check_properties(value: Any, properties: Any, place: _Place) -> Iterator[str]:
    if isinstance(value, dict):
        for name, schema in properties.items():
            if name in value:
                yield from _check(value[name], _Place(place.root, schema, _join(place.path, name)))


def _check_required(value: Any, names: Any, place: _Place) -> Iterator[str]:
    if isinstance(value, dict):
        for name in names:
            if name not in value:
                yield f"`{_join(place.path, name)}`: is missing"


def _check_additional(value: Any, schema: Any, place: _Place) -> Iterator[str]:
    if not isinstance(value, dict):
        return
    known = place.schema.get("properties", {})
    patterns = place.schema.get("patternProperties", {})
    for name, item in value.items():
        if name in known or any(matches(pattern, name) for pattern in patterns):
            continue
        if schema is False:
            others = ", ".join(known) or "none"
            yield f"`{_join(place.path, name)}`: there is no such property (there are: {others})"
        else:
            yield from _check(item, _Place(place.root, schema, _join(place.path, name)))


def _check_patterns(value: Any, patterns: Any, place: _Place) -> Iterator[str]:
    if isinstance(value, dict):
        for pattern, schema in patterns.items():
            for name, item in value.items():
                if matches(pattern, name):
                    yield from _check(item, _Place(place.root, schema, _join(place.path, name)))


def _check_names(value: Any, schema: Any, place: _Place) -> Iterator[str]:
    if isinstance(value, dict):
        for name in value:
            yield from _check(name, _Place(place.root, schema, _join(place.path, name)))


def _check_items(value: Any, schema: Any, place: _Place) -> Iterator[str]:
    if isinstance(value, list):
        start = len(place.schema.get("prefixItems", ()))
        for index, item in enumerate(value[start:], start):
            yield from _check(item, _Place(place.root, schema, f"{place.path}[{index}]"))


def _check_prefix(value: Any, schemas: Any, place: _Place) -> Iterator[str]:
    if isinstance(value, list):
        for index, (item, schema) in enumerate(zip(value, schemas, strict=False)):
            yield from _check(item, _Place(place.root, schema, f"{place.path}[{index}]"))


def _check_unique(value: Any, wanted: Any, place: _Place) -> Iterator[str]:
    if wanted is True and isinstance(value, list):
        for index, item in enumerate(value):
            if any(_same(item, other) for other in value[:index]):
                yield _say(place, f"must not hold {_show(item)} twice")
                return


def _check_any(value: Any, schemas: Any, place: _Place) -> Iterator[str]:
    branches: list[list[str]] = []
    for schema in schemas:
        problems = list(_check(value, place._replace(schema=schema)))
        if not problems:
            return
        branches.append(problems)
    # The branch of the value's own JSON type tells more than "none of these".
    closest = min(branches, key=lambda problems: (any(", got " in p for p in problems[:1]), len(problems)), default=[])
    yield _say(place, "matches none of the allowed forms") + (f" ({'; '.join(closest[:3])})" if closest else "")


def _check_one(value: Any, schemas: Any, place: _Place) -> Iterator[str]:
    valid = sum(_is_valid(value, place._replace(schema=schema)) for schema in schemas)
    if valid == 0:
        yield from _check_any(value, schemas, place)
    elif valid > 1:
        yield _say(place, f"matches {valid} of the allowed forms, but must match exactly one")


def _check_all(value: Any, schemas: Any, place: _Place) -> Iterator[str]:
    for schema in schemas:
        yield from _check(value, place._replace(schema=schema))


def _check_not(value: Any, schema: Any, place: _Place) -> Iterator[str]:
    if _is_valid(value, place._replace(schema=schema)):
        yield _say(place, f"must not be {_show(value)}")


def _check_pattern(value: Any, pattern: Any, place: _Place) -> Iterator[str]:
    if isinstance(value, str) and not matches(pattern, value):
        yield _say(place, f"must match the pattern {pattern!r}, got {_show(value)}")


def _check_multiple(value: Any, step: Any, place: _Place) -> Iterator[str]:
    if not _is_number(value) or not _is_number(step):
        return
    try:
        fits = Decimal(str(value)) % Decimal(str(step)) == 0
    except InvalidOperation:
        fits = False
    if not fits:
        yield _say(place, f"must be a multiple of {step}, got {_show(value)}")


def _join(path: str, name: Any) -> str:
    return f"{path}.{name}" if path else str(name)


def _bound(
    is_kind: Callable[[Any], bool],
    measure: Callable[[Any], Any],
    fits: Callable[[Any, Any], bool],
    words: str,
) -> Callable[[Any, Any, _Place], Iterator[str]]:
    def check(value: Any, bound: Any, place: _Place) -> Iterator[str]:
        if is_kind(value) and _is_number(bound) and not fits(measure(value), bound):
            yield _say(place, words.format(bound) + f", got {_show(value)}")

    return check


def _at_least(value: Any, bound: Any) -> bool:
    return bool(value >= bound)


def _at_most(value: Any, bound: Any) -> bool:
    return bool(value <= bound)


_CHECKS: Mapping[str, Callable[[Any, Any, _Place], Iterator[str]]] = {
    "$ref": _check_ref,
    "enum": _check_enum,
    "const": _check_const,
    "properties": _check_properties,
    "required": _check_required,
    "additionalProperties": _check_additional,
    "patternProperties": _check_patterns,
    "propertyNames": _check_names,
    "items": _check_items,
    "prefixItems": _check_prefix,
    "uniqueItems": _check_unique,
    "anyOf": _check_any,
    "oneOf": _check_one,
    "allOf": _check_all,
    "not": _check_not,
    "pattern": _check_pattern,
    "multipleOf": _check_multiple,
    "minimum": _bound(_is_number, lambda v: v, _at_least, "must be at least {}"),
    "maximum": _bound(_is_number, lambda v: v, _at_most, "must be at most {}"),
    "exclusiveMinimum": _bound(_is_number, lambda v: v, lambda v, b: bool(v > b), "must be more than {}"),
    "exclusiveMaximum": _bound(_is_number, lambda v: v, lambda v, b: bool(v < b), "must be less than {}"),
    "minLength": _bound(_TYPES["string"], len, _at_least, "must have at least {} characters"),
    "maxLength": _bound(_TYPES["string"], len, _at_most, "must have at most {} characters"),
    "minItems": _bound(_TYPES["array"], len, _at_least, "must have at least {} items"),
    "maxItems": _bound(_TYPES["array"], len, _at_most, "must have at most {} items"),
    "minProperties": _bound(_TYPES["object"], len, _at_least, "must have at least {} properties"),
    "maxProperties": _bound(_TYPES["object"], len, _at_most, "must have at most {} properties"),
}
