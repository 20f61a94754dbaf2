"""A function's signature as a JSON schema, and a call's arguments as the values that the function takes."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import typing
import weakref
from collections.abc import Callable, Mapping
from inspect import Parameter
from typing import Any

from ..errors import ConfigurationError
from ..schema import (
    DocString,
    ReadError,
    Schema,
    TypeReader,
    hoist_defs,
    parse_docstring,
    reader_for,
    to_json_value,
)
from ..schema.fields import annotated_text

__all__ = ["Signature", "ToolArgumentsError", "is_async", "signature_of"]

_PLAIN_DEFAULTS = (bool, int, float, str)


class ToolArgumentsError(ValueError):
    """Arguments that do not fit a tool. The message says for each what was expected, so that a model can
    correct them.
    """


class Signature:
    """How a function is called with JSON: the object `schema` of its arguments, its docstring, and `read` and
    `call`.

    A parameter called `self` or `cls` that has no annotation is left out: `needs_instance` says that there is
    one.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.doc: DocString = parse_docstring(_docstring(function))
        self.needs_instance = False
        self._inspected = _inspect(function)
        self._readers: dict[str, TypeReader] = {}
        self._rest: tuple[str, TypeReader] | None = None
        properties: dict[str, Schema] = {}
        required: list[str] = []
        extra: Schema | bool = False
        for parameter, hint in self._parameters(function):
            reader = _reader_of(parameter, hint, function)
            schema = self._property(parameter, hint, reader)
            if parameter.kind is Parameter.VAR_KEYWORD:
                self._rest, extra = (parameter.name, reader), schema or True
                continue
            self._readers[parameter.name] = reader
            properties[parameter.name] = schema
            if parameter.default is Parameter.empty and parameter.kind is not Parameter.VAR_POSITIONAL:
                required.append(parameter.name)
        self.schema: Schema = hoist_defs(
            {"type": "object", "properties": properties, "required": required, "additionalProperties": extra}
        )

    def read(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The Python values of a call's arguments, by parameter name. Raises `ToolArgumentsError` with all
        problems.
        """
        values: dict[str, Any] = {}
        problems: list[str] = []
        for name, argument in arguments.items():
            reader = self._readers.get(name) or (self._rest and self._rest[1])
            if reader is None:
                known = ", ".join(self._readers) or "none"
                problems.append(f"`{name}`: there is no such argument (there are: {known})")
                continue
            try:
                values[name] = reader.read(argument)
            except ReadError as error:
                # A strict mode must write each argument, and `null` for one that it leaves out.
                if argument is not None or name in self.schema["required"]:
                    problems.append(_under(name, str(error)))
        problems += [f"`{name}`: is missing" for name in self.schema["required"] if name not in arguments]
        if problems:
            raise ToolArgumentsError("; ".join(problems))
        return values

    def call(self, function: Callable[..., Any], values: Mapping[str, Any]) -> Any:
        """Call the function with values that `read` gave."""
        given = dict(values)
        if self._rest is not None:
            rest = {name: given.pop(name) for name in list(given) if name not in self._readers}
            given[self._rest[0]] = rest
        bound = inspect.BoundArguments(self._inspected, given)
        bound.apply_defaults()
        return function(*bound.args, **bound.kwargs)

    def _parameters(self, function: Callable[..., Any]) -> list[tuple[Parameter, Any]]:
        """The parameters that a model may fill, with their hints."""
        hints = _type_hints(function)
        parameters = list(self._inspected.parameters.values())
        first = parameters[0] if parameters else None
        if first and first.name in ("self", "cls") and first.annotation is Parameter.empty:
            self.needs_instance = True
            parameters = parameters[1:]
            self._inspected = self._inspected.replace(parameters=parameters)
        fixed = set(function.keywords) if isinstance(function, functools.partial) else set()
        # What a partial fixes by keyword is the application's business, and may be secret.
        open_ones = [parameter for parameter in parameters if parameter.name not in fixed]
        self._inspected = self._inspected.replace(parameters=open_ones)
        return [(parameter, hints.get(parameter.name, Any)) for parameter in open_ones]

    def _property(self, parameter: Parameter, hint: Any, reader: TypeReader) -> Schema:
        schema = dict(reader.schema)
        text = annotated_text(hint) or self.doc.parameters.get(parameter.name)
        if text and (annotated_text(hint) or "description" not in schema or "$ref" in schema):
            schema["description"] = text
        if parameter.default is not Parameter.empty and parameter.default is not None:
            # A default that JSON can't carry stays with the function.
            with contextlib.suppress(TypeError, ValueError):
                schema["default"] = to_json_value(parameter.default)
        return schema


def signature_of(function: Callable[..., Any]) -> Signature:
    """The signature of a function, method, partial or callable object; kept as long as the function lives.

    Raises `ConfigurationError` when an annotation can't be carried by JSON or can't be resolved.
    """
    owner = getattr(function, "__func__", function)
    bound = owner is not function
    try:
        kept = _signatures.setdefault(owner, {})
    except TypeError:
        return Signature(function)
    if bound not in kept:
        kept[bound] = Signature(function)
    return kept[bound]


_signatures: weakref.WeakKeyDictionary[Any, dict[bool, Signature]] = weakref.WeakKeyDictionary()


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine, as far as that can be told without calling it."""
    inner = _innermost(function)
    return inspect.iscoroutinefunction(inner) or inspect.iscoroutinefunction(getattr(inner, "__call__", None))  # noqa: B004


def _innermost(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _docstring(function: Any) -> str | None:
    inner = _innermost(function)
    if inspect.isroutine(inner):
        return inner.__doc__
    # A callable object is described by its class, or by its `__call__`.
    return type(inner).__doc__ or type(inner).__call__.__doc__


def _inspect(function: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(function)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            f"the signature of {function!r} cannot be read ({error}).",
            hint="Wrap it in a function of your own with annotations, or give its schema as a dict.",
        ) from error


def _type_hints(function: Any) -> dict[str, Any]:
    inner = _innermost(function)
    inner = inner if inspect.isroutine(inner) else type(inner).__call__
    try:
        return typing.get_type_hints(inner, include_extras=True)
    except NameError:
        pass
    except TypeError:
        return {}
    try:
        return typing.get_type_hints(inner, localns=_surrounding_names(inner), include_extras=True)
    except NameError as error:
        raise ConfigurationError(
            f"an annotation of {getattr(inner, '__qualname__', inner)} cannot be resolved: {error}.",
            hint="Import the name where the function is defined, and not only under TYPE_CHECKING.",
        ) from error


def _surrounding_names(function: Any) -> dict[str, Any]:
    """The local names of the function in which this one is defined, if it is still running."""
    function = inspect.unwrap(function)
    code = getattr(function, "__code__", None)
    outer = function.__qualname__.rpartition(".<locals>")[0]
    names: dict[str, Any] = {}
    if code is not None:
        names.update(inspect.getclosurevars(function).nonlocals)
    frame = sys._getframe()
    while code is not None and outer and (frame := frame.f_back) is not None:  # type: ignore[assignment]
        if frame.f_code.co_qualname == outer and frame.f_code.co_filename == code.co_filename:
            return {**frame.f_locals, **names}
    return names


def _reader_of(parameter: Parameter, hint: Any, function: Any) -> TypeReader:
    default = parameter.default
    if hint is Any and type(default) in _PLAIN_DEFAULTS:
        hint = type(default)
    elif default is None and hint is not Any:
        hint = typing.Optional[hint]  # noqa: UP045 (a hint may be any form, for which `|` is not defined)
    if typing.get_origin(hint) is typing.Unpack:
        raise ConfigurationError(
            f"parameter **{parameter.name} of {_label(function)} cannot be offered: it is an Unpack.",
            hint="Take the TypedDict as one parameter, or list its fields as parameters.",
        )
    if parameter.kind is Parameter.VAR_POSITIONAL:
        hint = list[hint]
    try:
        return reader_for(hint)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"parameter {parameter.name!r} of {_label(function)} cannot be offered: {error.message}",
            hint=error.hint,
        ) from error


def _label(function: Any) -> str:
    return str(getattr(_innermost(function), "__qualname__", function))


def _under(name: str, text: str) -> str:
    """The problems of a value told as problems of the argument that it is."""
    parts = []
    for part in text.split("; "):
        if part.startswith("`"):
            separator = "" if part.startswith("`[") else "."
            parts.append(f"`{name}{separator}{part[1:]}")
        else:
            parts.append(f"`{name}`: {part.removeprefix('it ')}")
    return "; ".join(parts)
