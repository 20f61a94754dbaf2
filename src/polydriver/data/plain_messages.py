"""Messages as plain data, which JSON can carry: what is stored or sent elsewhere comes back unchanged."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, get_args

import msgspec

from ..typed import convert
from .json import as_plain
from .messages import AIMessage, Part, ProviderData

__all__ = [
    "dump_messages",
    "is_plain_message",
    "is_plain_part",
    "read_plain_message",
    "read_plain_part",
    "read_provider_data",
]

_FIELDS: dict[str, frozenset[str]] = {
    kind.__struct_config__.tag: frozenset(kind.__struct_fields__) | {"type"} for kind in get_args(Part)
}
_NEEDED: dict[str, frozenset[str]] = {
    kind.__struct_config__.tag: frozenset(field.name for field in msgspec.structs.fields(kind) if field.required)
    for kind in get_args(Part)
}
_MESSAGE_FIELDS = frozenset(AIMessage.__struct_fields__)


def dump_messages(messages: Iterable[AIMessage]) -> list[dict[str, Any]]:
    """Messages as plain data: dicts, lists, text, numbers, booleans and `None`, ready for `json.dumps`.

    Nothing is lost: `load_messages` gives equal messages, with their media (as base64), reasoning, calls, results and
    the data that only their provider reads. The sending methods take the dicts as well. Raises `ValueError` for a value
    inside a message that JSON cannot carry, such as bytes among a call's arguments.
    """
    return [_dump(message, f"message {number}") for number, message in enumerate(messages)]


def _dump(message: AIMessage, place: str) -> dict[str, Any]:
    for part in message.parts:
        for name in part.__struct_fields__:
            if isinstance(value := getattr(part, name), dict | list) and name != "content":
                _check(value, f"{name} of a {type(part).__name__} in {place}")
    _check(message.provider_data, f"provider_data of {place}")
    try:
        values: dict[str, Any] = msgspec.to_builtins(message, enc_hook=as_plain)
    except RecursionError:
        raise ValueError(f"{place} is nested too deeply for JSON") from None
    return {"role": message.role, **values}


def _check(value: object, place: str) -> None:
    """Refuse what JSON cannot carry, or would bring back as something else. Without recursion: it may be deep."""
    found: list[object] = [value]
    while found:
        item = found.pop()
        if isinstance(item, dict):
            if not all(isinstance(key, str) for key in item):
                raise ValueError(f"{place} has a key that is not text, which JSON cannot carry")
            found.extend(item.values())
        elif isinstance(item, list):
            found.extend(item)
        elif isinstance(item, float) and not math.isfinite(item):
            raise ValueError(f"{place} holds {item!r}, which JSON cannot carry")
        elif not isinstance(item, str | int | float | None):
            raise ValueError(f"{place} holds a {type(item).__name__}, which JSON cannot carry")


def is_plain_message(message: Mapping[str, Any]) -> bool:
    """Whether a dict has the form of `dump_messages`, whatever its values are."""
    content = message.get("content")
    return _MESSAGE_FIELDS.issuperset(message) and (isinstance(content, str) or _are_plain_parts(content))


def is_plain_part(part: object) -> bool:
    """Whether a dict has the form of a part in `dump_messages`: all fields that it needs, and no others."""
    if not isinstance(part, dict) or not isinstance(kind := part.get("type"), str) or kind not in _FIELDS:
        return False
    if not (_FIELDS[kind].issuperset(part) and _NEEDED[kind] <= part.keys()):
        return False
    return kind != "tool_result" or isinstance(inner := part.get("content", ""), str) or _are_plain_parts(inner)


def _are_plain_parts(parts: object) -> bool:
    return isinstance(parts, list) and all(is_plain_part(part) for part in parts)


def read_plain_message(message: Mapping[str, Any]) -> AIMessage:
    """The message in a dict of the form of `dump_messages`. Raises `ValueError` for values that cannot be."""
    read: AIMessage = _convert(dict(message), AIMessage)
    return read


def read_plain_part(part: Mapping[str, Any]) -> Part:
    """The part in a dict of the form of `dump_messages`. Raises `ValueError` for values that cannot be."""
    read: Part = _convert(dict(part), Part)
    return read


def read_provider_data(message: Mapping[str, Any]) -> ProviderData:
    """The data in a message's dict that only its provider reads. Raises `ValueError` when it has another form."""
    read: ProviderData = _convert(message.get("provider_data") or {}, ProviderData)
    return read


def _convert(value: Any, kind: Any) -> Any:
    try:
        return convert(value, kind)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
