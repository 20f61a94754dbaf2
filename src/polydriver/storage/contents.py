"""Messages as they are stored: plain data in which every file is a reference to bytes that are stored once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from ..data.messages import AIMessage, Media, Part, ToolResult
from ..data.plain_messages import dump_messages, read_plain_message

__all__ = ["Packed", "pack_message", "searchable", "unpack_message"]


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


def unpack_message(content: Mapping[str, Any], blobs: Mapping[str, bytes]) -> AIMessage:
    """The message of `pack_message`, with its files."""
    message = read_plain_message(content["message"])
    files = content.get("files")
    if not files or isinstance(message.content, str):
        return message
    by_place = {tuple(place): digest for *place, digest in files}
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
