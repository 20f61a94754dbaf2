"""Python types as JSON schemas, and JSON values as instances of them.

msgspec reads most types; pydantic, imported only then, reads its own models and what msgspec has no schema
for.
"""

from __future__ import annotations

import contextlib
import functools
import json
import sys
import types
import typing
from abc import ABC, abstractmethod
from pathlib import PurePath
from typing import Annotated, Any, Protocol

import msgspec

from ..errors import ConfigurationError
from ..typed import prepare
from .adapting import adapt
from .fields import described, with_time_formats
from .numbers import plain_numbers
from .references import hoist_defs
from .validation import find_problems
from .walk import Schema, tidy

__all__ = ["ReadError", "TypeReader", "reader_for", "to_json_value"]


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
        # The annotations of annotated_types come without pydantic, too; then msgspec reads the bare type.
        with contextlib.suppress(ImportError):
            return _PydanticReader(kind)
    try:
        return _MsgspecReader(kind)
    except (TypeError, NameError) as refused:
        if typing.get_origin(kind) in (typing.Union, types.UnionType):
            return _UnionReader(kind)
        if typing.get_origin(kind) is list:
            return _ListReader(kind)
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


class _Reader(ABC):
    """What all readers share: a second try with harmless differences undone, and messages that a model can
    act on.
    """

    schema: Schema

    def read(self, value: Any) -> Any:
        try:
            value = self._plain(value)
            return self._convert(value)
        except (ValueError, TypeError, RecursionError):
            adapted = adapt(value, self.schema)
        try:
            return self._convert(adapted)
        except (ValueError, TypeError, RecursionError) as error:
            problems = find_problems(adapted, self.schema)
            raise ReadError("; ".join(problems) or _plain_message(error)) from error

    def _plain(self, value: Any) -> Any:
        """The value without any `Decimal`, which is how numbers with a fraction may come."""
        return plain_numbers(value, self.schema)

    @abstractmethod
    def _convert(self, value: Any) -> Any:
        """The value as the type that is wanted; raises when it does not fit."""


class _MsgspecReader(_Reader):
    def __init__(self, kind: Any) -> None:
        self._kind = kind
        (schema,), components = msgspec.json.schema_components(
            [kind], schema_hook=_schema_hook, ref_template="#/$defs/{name}"
        )
        schema = with_time_formats(schema, kind)
        components = {name: described(name, part, kind) for name, part in components.items()}
        self.schema = hoist_defs(tidy({**schema, "$defs": components} if components else schema))
        prepare(kind)

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
        return self._adapter.validate_json(json.dumps(value))


class _UnionReader(_Reader):
    """A union that msgspec refuses (two untagged classes, `date | str`): the first member that fits."""

    def __init__(self, kind: Any) -> None:
        self._members = [reader_for(member) for member in typing.get_args(kind)]
        self.schema = hoist_defs({"anyOf": [member.schema for member in self._members]})

    def _plain(self, value: Any) -> Any:
        return value  # each member knows what it wants

    def _convert(self, value: Any) -> Any:
        for member in self._members:
            try:
                return member.read(value)
            except ReadError:
                continue
        raise ReadError(f"fits none of the {len(self._members)} allowed types")


class _ListReader(_Reader):
    """A list of what msgspec refuses."""

    def __init__(self, kind: Any) -> None:
        self._item = reader_for(typing.get_args(kind)[0])
        self.schema = hoist_defs({"type": "array", "items": self._item.schema})

    def _plain(self, value: Any) -> Any:
        return value  # each item is read by itself

    def _convert(self, value: Any) -> Any:
        if not isinstance(value, list):
            raise ReadError("must be an array")
        return [self._item.read(item) for item in value]


def _no_schema(kind: Any, cause: Exception) -> ConfigurationError:
    name = kind.__qualname__ if isinstance(kind, type) and not typing.get_args(kind) else str(kind)
    if isinstance(cause, NameError):
        return ConfigurationError(
            f"the type {name} cannot be resolved: {cause}",
            hint="Define the classes that it refers to at the top level of a module.",
        )
    return ConfigurationError(
        f"the type {name} has no JSON schema: {str(cause).splitlines()[0]}",
        hint="Use JSON types, dataclasses, TypedDicts, pydantic models, or Structs (tagged in unions).",
    )


def _is_pydantic(kind: Any) -> bool:
    """Whether pydantic's classes or field annotations occur in the annotation (not inside other classes)."""
    if "pydantic" not in sys.modules and "annotated_types" not in sys.modules:
        return False
    if typing.get_origin(kind) is Annotated:
        modules = (type(item).__module__.split(".")[0] for item in kind.__metadata__)
        return any(name in ("pydantic", "annotated_types") for name in modules) or _is_pydantic(kind.__origin__)
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
