"""Python types as JSON schemas, and JSON values as instances of them.

msgspec reads most types; pydantic, imported only then, reads its own models and what msgspec has no schema
for.
"""

from __future__ import annotations

import functools
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Annotated, Any, Protocol

import msgspec

from ..errors import ConfigurationError
from .adapting import adapt
from .docstrings import parse_docstring
from .validation import find_problems
from .walk import Schema, hoist_defs, tidy

__all__ = ["ReadError", "TypeReader", "describe_properties", "reader_for", "to_json_value"]


class ReadError(ValueError):
    """A JSON value that does not fit its type. The message names each field and what is expected there."""


class TypeReader(Protocol):
    """One Python type: its JSON `schema`, and how a JSON value becomes an instance of it."""

    @property
    def schema(self) -> Schema:
        """The JSON schema, with its definitions under `$defs`."""

    def read(self, value: Any) -> Any:
        """The instance for a decoded JSON value. Raises `ReadError`."""


def reader_for(kind: Any) -> TypeReader:
    """The reader of a type or annotation (the last 512 are kept). Raises `ConfigurationError` for one that
    JSON can't carry.
    """
    try:
        return _kept_reader_for(kind)
    except TypeError:
        # An annotation with unhashable metadata can't be kept.
        return _make_reader(kind)


def _make_reader(kind: Any) -> TypeReader:
    if _is_pydantic(kind):
        return _PydanticReader(kind)
    try:
        return _MsgspecReader(kind)
    except (TypeError, NameError) as refused:
        if typing.get_origin(kind) in (typing.Union, types.UnionType):
            return _UnionReader(kind)
        try:
            return _PydanticReader(kind)
        except (ImportError, ConfigurationError):
            raise _no_schema(kind, refused) from refused


_kept_reader_for = functools.lru_cache(maxsize=512)(_make_reader)


def to_json_value(value: Any) -> Any:
    """The value in JSON's own types: what msgspec encodes, pydantic models, paths, and arrays that have
    `tolist()`.

    Raises `TypeError` for what has no JSON form.
    """
    return msgspec.to_builtins(value, str_keys=True, enc_hook=_encode)


def describe_properties(schema: Schema, descriptions: Mapping[str, str]) -> Schema:
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


class _Reader:
    """What all readers share: a second try with harmless differences undone, and messages that a model can
    act on.
    """

    schema: Schema

    def read(self, value: Any) -> Any:
        try:
            return self._convert(value)
        except (ValueError, TypeError, RecursionError):
            adapted = adapt(value, self.schema)
        try:
            return self._convert(adapted)
        except (ValueError, TypeError, RecursionError) as error:
            problems = find_problems(adapted, self.schema)
            raise ReadError("; ".join(problems) or _plain_message(error)) from error

    def _convert(self, value: Any) -> Any:
        raise NotImplementedError


class _MsgspecReader(_Reader):
    def __init__(self, kind: Any) -> None:
        self._kind = kind
        (schema,), components = msgspec.json.schema_components(
            [kind], schema_hook=_schema_hook, ref_template="#/$defs/{name}"
        )
        components = {name: _described(name, part, kind) for name, part in components.items()}
        self.schema = hoist_defs(tidy({**schema, "$defs": components} if components else schema))

    def _convert(self, value: Any) -> Any:
        return msgspec.convert(value, self._kind, dec_hook=_decode)


class _PydanticReader(_Reader):
    """Pydantic's own rules hold here, as the author of a model expects: "5" is an `int` unless the model is
    strict.
    """

    def __init__(self, kind: Any) -> None:
        import pydantic

        try:
            self._adapter = pydantic.TypeAdapter(kind)
            self.schema = tidy(self._adapter.json_schema())
        except pydantic.PydanticUserError as error:
            raise _no_schema(kind, error) from error

    def _convert(self, value: Any) -> Any:
        return self._adapter.validate_json(msgspec.json.encode(value))


class _UnionReader(_Reader):
    """A union that msgspec refuses (two untagged classes, `date | str`): the first member that fits."""

    def __init__(self, kind: Any) -> None:
        self._members = [reader_for(member) for member in typing.get_args(kind)]
        self.schema = hoist_defs({"anyOf": [member.schema for member in self._members]})

    def _convert(self, value: Any) -> Any:
        for member in self._members:
            try:
                return member.read(value)
            except ReadError:
                continue
        raise ReadError(f"fits none of the {len(self._members)} allowed types")


def _no_schema(kind: Any, cause: Exception) -> ConfigurationError:
    name = getattr(kind, "__qualname__", None) or str(kind)
    if isinstance(cause, NameError):
        return ConfigurationError(
            f"the type {name} cannot be resolved: {cause}",
            hint="Define the classes that it refers to at the top level of a module.",
        )
    return ConfigurationError(
        f"the type {name} has no JSON schema: {str(cause).splitlines()[0]}",
        hint="Use JSON types, dataclasses, TypedDicts, pydantic models or msgspec Structs (tagged in unions).",
    )


def _is_pydantic(kind: Any) -> bool:
    """Whether pydantic's classes or field annotations occur in the annotation (not inside other classes)."""
    if "pydantic" not in sys.modules and "annotated_types" not in sys.modules:
        return False
    if typing.get_origin(kind) is Annotated:
        modules = (type(item).__module__.split(".")[0] for item in kind.__metadata__)
        return any(name in ("pydantic", "annotated_types") for name in modules) or _is_pydantic(
            kind.__origin__
        )
    if isinstance(kind, type) and hasattr(kind, "__pydantic_core_schema__"):
        return True
    return any(_is_pydantic(argument) for argument in typing.get_args(kind) if not isinstance(argument, str))


def _schema_hook(kind: type) -> Schema:
    if _is_pydantic(kind):
        return dict(_PydanticReader(kind).schema)
    if kind is object:
        return {}
    if issubclass(kind, PurePath):
        return {"type": "string", "format": "path"}
    raise NotImplementedError


def _decode(kind: type, value: Any) -> Any:
    if _is_pydantic(kind):
        return reader_for(kind).read(value)
    if kind is object:
        return value
    if not isinstance(value, str):
        raise ValueError(f"Expected `str`, got `{type(value).__name__}`")
    return kind(value)


def _encode(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} has no JSON form")


def _plain_message(error: BaseException) -> str:
    """msgspec's and pydantic's messages without their own notation."""
    details = getattr(error, "errors", None)
    if callable(details):
        return "; ".join(
            f"`{'.'.join(map(str, item['loc']))}`: {item['msg']}" if item["loc"] else str(item["msg"])
            for item in details(include_url=False)
        )
    message, _, place = str(error).partition(" - at `$")
    return f"`{place.rstrip('`').lstrip('.')}`: {message}" if place else message


def _described(name: str, schema: Schema, kind: Any) -> Schema:
    """The schema of a class with what its docstring and its `Annotated[..., "text"]` fields say."""
    owner = next((found for found in _classes(kind, set()) if found.__name__ == name), None)
    if owner is None:
        return schema
    doc = parse_docstring(owner.__doc__ if "description" in schema else None)
    described = describe_properties(schema, {**doc.parameters, **dict(_annotated_texts(owner))})
    return {**described, "description": doc.summary} if doc.summary else described


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
