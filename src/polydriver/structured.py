"""Structured output: the form that an answer is asked for, and the answer read back into it."""

from __future__ import annotations

import functools
import inspect
import re
from typing import Any

from .data.json import decode_json
from .data.prompt import OutputFormat
from .errors import ConfigurationError, InvalidResponseError
from .schema import (
    ReadError,
    Schema,
    SchemaReferenceError,
    TypeReader,
    adapt,
    check_refs,
    find_problems,
    merge_root_ref,
    parse_docstring,
    plain_numbers,
    reader_for,
    strict_schema,
    wrap_value,
)

__all__ = ["Output", "make_output"]

_FENCE = re.compile(r"```[\w-]*[ \t]*\r?\n(.*?)```", re.DOTALL)
_SHOWN = 500
_SCHEMA_KEYWORDS = frozenset(
    {
        "properties",
        "$ref",
        "anyOf",
        "oneOf",
        "allOf",
        "enum",
        "const",
        "items",
        "additionalProperties",
        "$defs",
        "$schema",
    }
)
_JSON_TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})


class Output(OutputFormat, kw_only=True):
    """An `OutputFormat` that can read the answer. Make one with `make_output`.

    `wrapped`: APIs want an object at the root, so any other form is asked for as `{"value": ...}` and
    unwrapped by `parse`. `reader` makes instances of the user's type; without one `parse` gives plain JSON
    values.
    """

    wrapped: bool = False
    reader: TypeReader | None = None

    def parse(self, text: str) -> Any:
        """The answer as the type asked for, or as JSON values when a schema was given.

        The whole text should be JSON. Only if it is not, the first fenced code block is tried, and then what
        stands between the first opening and the last closing bracket. A `null` for an optional field, as
        strict modes write it, is taken as absent. Raises `InvalidResponseError` (`details`: problem, text)
        for anything else.
        """
        value = self._decode(text)
        if self.schema is None:
            if not isinstance(value, dict):
                raise self._refuse(f"a JSON object was asked for, not {type(value).__name__}", text)
            return value
        if self.wrapped and isinstance(value, dict) and set(value) == {"value"}:
            value = value["value"]
        elif self.wrapped:
            raise self._refuse('the answer must be an object with the one property "value"', text)
        try:
            return self.reader.read(value) if self.reader is not None else self._checked(value)
        except ReadError as error:
            raise self._refuse(str(error), text) from error

    def _checked(self, value: Any) -> Any:
        schema = self.schema or {}
        if self.wrapped:
            schema = {**schema["properties"]["value"], "$defs": schema.get("$defs", {})}
        if not find_problems(value, schema, limit=1):
            return value
        adapted = adapt(value, schema)
        problems = find_problems(adapted, schema)
        if problems:
            raise ReadError("; ".join(problems))
        return adapted

    def _decode(self, text: str) -> Any:
        for candidate in _candidates(text):
            try:
                value = decode_json(candidate, exact=True)
                return plain_numbers(value) if self.reader is None else value
            except ValueError:
                continue
        raise self._refuse("the answer is empty" if not text.strip() else "the answer is not JSON", text)

    def _refuse(self, problem: str, text: str) -> InvalidResponseError:
        return InvalidResponseError(
            f"The answer does not have the form asked for ({self.name}): {problem}",
            details={"problem": problem, "text": text[:_SHOWN]},
            hint="Look at `finish_reason` (an answer cut off by `max_tokens` is not whole), or ask again.",
        )


def make_output(target: Any) -> Output:
    """The output format for a target: a type, a JSON schema, or a word.

    - a pydantic model, msgspec Struct, dataclass, TypedDict, or any annotation such as `list[int]`,
      `Literal["a", "b"]`, `A | B`: `parse` gives instances. The last 256 types are kept, so asking again
      costs little;
    - a JSON schema (dict): `parse` gives validated JSON values;
    - `"json"`, or OpenAI's `{"type": "json_object"}`: any JSON object;
    - OpenAI's `{"type": "json_schema", ...}`, nested or flat: its schema, name, description and `strict`.

    `strict` is true where the strict subset can express the schema (see `strict_schema`), unless the target
    says otherwise. Raises `ConfigurationError` for anything else.
    """
    if isinstance(target, Output):
        return target
    if isinstance(target, OutputFormat):
        return _from_schema(target.schema, target.name, target.description, target.strict)
    if isinstance(target, str):
        if target in ("json", "json_object"):
            return _from_schema(None)
        raise ConfigurationError(
            f'response_format {target!r} is unknown. Give "json", a type, or a JSON schema.',
        )
    if isinstance(target, dict):
        return _from_dict(target)
    if target is None or inspect.isroutine(target):
        raise ConfigurationError(f'response_format must be a type, a JSON schema or "json", not {target!r}.')
    try:
        return _kept_from_type(target)
    except TypeError:
        # An annotation with unhashable metadata can't be kept.
        return _from_type(target)


def _from_type(kind: Any) -> Output:
    reader = reader_for(kind)
    schema = merge_root_ref(reader.schema)
    name = _clean_name(kind.__name__) if isinstance(kind, type) and not hasattr(kind, "__origin__") else "output"
    is_class = isinstance(kind, type) and "properties" in schema
    doc = parse_docstring(schema.get("description")).summary if is_class else None
    return _output(schema, name if is_class else "output", doc or None, None, reader)


_kept_from_type = functools.lru_cache(maxsize=256)(_from_type)


def _from_dict(target: dict[str, Any]) -> Output:
    kind = target.get("type")
    if kind == "json_object":
        return _from_schema(None)
    if kind == "json_schema":
        inner = target.get("json_schema", target)
        schema = inner.get("schema") if isinstance(inner, dict) else None
        if not isinstance(schema, dict):
            raise ConfigurationError('response_format of type "json_schema" has no schema. Put one under "schema".')
        return _from_schema(schema, inner.get("name") or "output", inner.get("description"), inner.get("strict"))
    if _looks_like_schema(target):
        title = target.get("title")
        name = _clean_name(title) if isinstance(title, str) else "output"
        return _from_schema(target, name, target.get("description"))
    raise ConfigurationError(
        f'response_format {target!r} is not a JSON schema. Give one with a `type`, a Python type, or "json".'
    )


def _from_schema(
    schema: Schema | None, name: str = "output", description: str | None = None, strict: bool | None = None
) -> Output:
    if schema is None:
        return Output(name=name, description=description, strict=strict)
    try:
        check_refs(schema)
        return _output(merge_root_ref(schema), name, description, strict, None)
    except SchemaReferenceError as error:
        raise ConfigurationError(f"The JSON schema cannot be used: {error}.") from error


def _output(
    schema: Schema, name: str, description: str | None, strict: bool | None, reader: TypeReader | None
) -> Output:
    wrapped = not (schema.get("type") == "object" or ("type" not in schema and "properties" in schema))
    if wrapped:
        schema = wrap_value(schema)
    elif "type" not in schema:
        schema = {"type": "object", **schema}
    if strict is None:
        strict = strict_schema(schema) is not None
    return Output(name=name, schema=schema, description=description, strict=strict, wrapped=wrapped, reader=reader)


def _looks_like_schema(target: dict[str, Any]) -> bool:
    kind = target.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    known = all(isinstance(item, str) and item in _JSON_TYPES for item in kinds)
    return known or (kind is None and not _SCHEMA_KEYWORDS.isdisjoint(target))


def _clean_name(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_-]+", "_", name)[:64].strip("_") or "output"


def _candidates(text: str) -> list[str]:
    """What might be the JSON, most likely first."""
    found = [text.strip().lstrip("\ufeff")]
    fence = _FENCE.search(text)
    if fence:
        found.append(fence[1].strip())
    starts = [place for place in (text.find("{"), text.find("[")) if place >= 0]
    end = max(text.rfind("}"), text.rfind("]"))
    if starts and end > min(starts):
        found.append(text[min(starts) : end + 1])
    return found
