"""Numbers of JSON as they were written: exact where a `Decimal` is wanted, floats elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from math import isinf
from typing import Any

from .references import SchemaReferenceError, resolve_ref
from .walk import Schema

__all__ = ["plain_numbers"]


def plain_numbers(value: Any, schema: Schema | None = None) -> Any:
    """A decoded value in which no number is a `Decimal`: where the schema takes a decimal as a string it is its digits,
    elsewhere a float.

    Raises `ValueError` for a number that is too large for a float, and for a value that is nested too deeply.
    """
    try:
        return _plain(value, [schema] if schema else [], schema or {})
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def _plain(value: Any, schemas: list[Any], root: Schema) -> Any:
    if isinstance(value, Decimal):
        return _plain_number(value, list(_branches(schemas, root)))
    if isinstance(value, dict):
        found = list(_branches(schemas, root))
        return {name: _plain(item, _of_member(found, name), root) for name, item in value.items()}
    if isinstance(value, list):
        found = list(_branches(schemas, root))
        return [_plain(item, _of_item(found, place), root) for place, item in enumerate(value)]
    return value


def _branches(schemas: list[Any], root: Schema) -> Iterator[Schema]:
    """The schemas that may apply in place of these: what they refer to, and what they are made of."""
    waiting, seen = list(schemas), set()
    while waiting:
        schema = waiting.pop()
        if not isinstance(schema, dict) or id(schema) in seen:
            continue
        seen.add(id(schema))
        yield schema
        for keyword in ("anyOf", "oneOf", "allOf"):
            if isinstance(schema.get(keyword), list):
                waiting += schema[keyword]
        if "$ref" in schema:
            try:
                waiting.append(resolve_ref(root, schema["$ref"]))
            except SchemaReferenceError:
                continue


def _of_member(schemas: list[Schema], name: str) -> list[Any]:
    return [
        schema["properties"][name]
        if isinstance(schema.get("properties"), dict) and name in schema["properties"]
        else schema.get("additionalProperties")
        for schema in schemas
    ]


def _of_item(schemas: list[Schema], place: int) -> list[Any]:
    first = [schema["prefixItems"] if isinstance(schema.get("prefixItems"), list) else [] for schema in schemas]
    return [
        items[place] if place < len(items) else schema.get("items")
        for items, schema in zip(first, schemas, strict=True)
    ]


def _plain_number(value: Decimal, schemas: list[Schema]) -> float | str:
    kinds = {(schema.get("type"), schema.get("format")) for schema in schemas if isinstance(schema.get("type"), str)}
    if ("string", "decimal") in kinds:
        return str(value)
    number = float(value)
    if Decimal(number) != value and Decimal(repr(number)) != value and {("number", None), ("string", None)} <= kinds:
        return str(value)  # pydantic's form of a decimal
    if isinf(number):
        raise ValueError("a number is too large")
    return number
