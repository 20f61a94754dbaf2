"""Messages as they are stored: plain data in which every file is a reference to bytes that are stored once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec

from ..data.messages import AIMessage, Media, Part, ToolResult
from ..data.plain_messages import dump_messages, read_plain_message
from ..typed import decode
from .columns import unpack_json

__all__ = [
    "Packed",
    "Places",
    "pack_message",
    "read_content",
    "read_contents",
    "read_plain_content",
    "searchable",
    "with_files",
]


Places: TypeAlias = list[list[Any]]
"""For each file the numbers that lead to its part, and its SHA-256."""


class _Content(msgspec.Struct):
    message: AIMessage | None = None
    files: Places = []


class Packed(NamedTuple):
    """A message without its files: `content` is plain data, `blobs` has the bytes by their SHA-256."""

    content: dict[str, Any]
    blobs: dict[str, tuple[str | None, bytes]]


def pack_message(message: AIMessage) -> Packed:
    """Take the files out of a message. Raises `ValueError` for what JSON cannot carry."""
    blobs: dict[str, tuple[str | None, bytes]] = {}
    places: list[list[Any]] = []
    if isinstance(message.content, list):
        bare = _without_files(message.content, [], places, blobs)
        message = msgspec.structs.replace(message, content=bare)
    (content,) = dump_messages([message])
    return Packed({"message": content, "files": places} if places else {"message": content}, blobs)


def read_content(text: str | None) -> tuple[AIMessage | None, Places]:
    """The message of a column `content` without its files, and where they are; `None` where none was stored.

    Most are read in one step; what msgspec does not read, such as half of a surrogate pair, as plain data.
    """
    if text is None:
        return None, []
    try:
        found = decode(text, _Content)
    except (msgspec.MsgspecError, UnicodeError):
        return read_plain_content(unpack_json(text))
    return found.message, found.files


def read_contents(texts: Sequence[str | None]) -> list[tuple[AIMessage | None, Places]]:
    """The same of many columns: in one step, where that can read them all."""
    try:
        found = decode(f"[{','.join(text or '{}' for text in texts)}]", list[_Content])
    except (msgspec.MsgspecError, UnicodeError):
        return [read_content(text) for text in texts]
    return [(content.message, content.files) for content in found]


def read_plain_content(content: Mapping[str, Any] | None) -> tuple[AIMessage | None, Places]:
    """The same of plain data."""
    if not content or "message" not in content:
        return None, []
    return read_plain_message(content["message"]), content.get("files") or []


def with_files(message: AIMessage, places: Places, blobs: Mapping[str, bytes]) -> AIMessage:
    """The message that `pack_message` was given, with its files."""
    if isinstance(message.content, str):
        return message
    by_place = {tuple(place): digest for *place, digest in places}
    return msgspec.structs.replace(message, content=_with_files(message.content, (), by_place, blobs))


def searchable(message: AIMessage) -> str:
    """The words of a message for `search`: its text and that of its tool results, case-folded."""
    texts = [message.text, *(part.text for part in message.parts if isinstance(part, ToolResult))]
    return "\n".join(text for text in texts if text).casefold()


def _without_files(
    parts: list[Part], place: list[Any], places: list[list[Any]], blobs: dict[str, tuple[str | None, bytes]]
) -> list[Part]:
    bare: list[Part] = []
    for index, part in enumerate(parts):
        if isinstance(part, Media) and part.data is not None:
            digest = hashlib.sha256(part.data).hexdigest()
            blobs[digest] = (part.media_type, part.data)
            places.append([*place, index, digest])
            part = msgspec.structs.replace(part, data=None)
        elif isinstance(part, ToolResult) and isinstance(part.content, list):
            inner = _without_files(part.content, [*place, index], places, blobs)
            part = msgspec.structs.replace(part, content=inner)
        bare.append(part)
    return bare


def _with_files(
    parts: list[Part], place: tuple[Any, ...], files: Mapping[tuple[Any, ...], str], blobs: Mapping[str, bytes]
) -> list[Part]:
    replace: Callable[..., Any] = msgspec.structs.replace
    whole: list[Part] = []
    for index, part in enumerate(parts):
        here = (*place, index)
        if here in files:
            part = replace(part, data=blobs[files[here]])
        elif isinstance(part, ToolResult) and isinstance(part.content, list):
            part = replace(part, content=_with_files(part.content, here, files, blobs))
        whole.append(part)
    return whole
