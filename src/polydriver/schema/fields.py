"""What msgspec leaves out of a class's schema: descriptions from docstrings and plain annotations, and time formats."""

from __future__ import annotations

import datetime
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from .docstrings import parse_docstring
from .walk import Schema

__all__ = ["annotated_text", "described", "with_time_formats"]

_TIME_FORMATS: Mapping[Any, str] = {datetime.datetime: "date-time", datetime.time: "time"}


def described(name: str, schema: Schema, kind: Any) -> Schema:
    """The schema of a class with what its docstring and its `Annotated[..., "text"]` fields say."""
    owner = next((found for found in _classes(kind, set()) if found.__name__ == name), None)
    if owner is None:
        return schema
    doc = parse_docstring(owner.__doc__ if "description" in schema else None)
    if "properties" in schema:
        hints = _hints(owner)
        fields = schema["properties"].items()
        schema = {**schema, "properties": {key: with_time_formats(sub, hints.get(key)) for key, sub in fields}}
    described = _describe_properties(schema, {**doc.parameters, **dict(_annotated_texts(owner))})
    return {**described, "description": doc.summary} if doc.summary else described


def with_time_formats(schema: Schema, hint: Any) -> Schema:
    """The schema with the format that msgspec leaves out for date-times and times, whose zone it does not demand."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Annotated, typing.Required, typing.NotRequired):
        return with_time_formats(schema, arguments[0])
    if hint in _TIME_FORMATS and schema.get("type") == "string":
        return {"format": _TIME_FORMATS[hint], **schema}
    if origin in (typing.Union, types.UnionType) and "anyOf" in schema:
        moment = next(
            (
                argument
                for argument in arguments
                if with_time_formats({"type": "string"}, argument) != {"type": "string"}
            ),
            None,
        )
        return {**schema, "anyOf": [with_time_formats(choice, moment) for choice in schema["anyOf"]]}
    if origin is list and isinstance(schema.get("items"), dict):
        return {**schema, "items": with_time_formats(schema["items"], arguments[0])}
    return schema


def _annotated_texts(owner: type) -> Iterator[tuple[str, str]]:
    for name, hint in _hints(owner).items():
        text = annotated_text(hint)
        if text:
            yield name, text


def annotated_text(hint: Any) -> str | None:
    """The plain string among the metadata of an `Annotated` hint, looking through `Required` and the like."""
    if typing.get_origin(hint) in (typing.Required, typing.NotRequired):
        hint = typing.get_args(hint)[0]
    if typing.get_origin(hint) is not Annotated:
        return None
    return next((item for item in hint.__metadata__ if isinstance(item, str)), None)


def _classes(kind: Any, seen: set[type]) -> Iterator[type]:
    """The classes with fields that occur in a type, each once."""
    origin = typing.get_origin(kind) or kind
    if isinstance(origin, type) and origin not in seen and getattr(origin, "__annotations__", None):
        seen.add(origin)
        yield origin
        for hint in _hints(origin).values():
            yield from _classes(hint, seen)
    for argument in typing.get_args(kind):
        yield from _classes(argument, seen)


def _hints(owner: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(owner, include_extras=True)
    except (NameError, TypeError):
        return {}


def _describe_properties(schema: Schema, descriptions: Mapping[str, str]) -> Schema:
    """An object schema with descriptions put to the properties that have none."""
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not descriptions:
        return schema
    described = {
        name: {**sub, "description": descriptions[name]}
        if name in descriptions and isinstance(sub, dict) and "description" not in sub
        else sub
        for name, sub in properties.items()
    }
    return {**schema, "properties": described}
