"""Fitting a conversation to a driver that reads less than the one before it: images, sound, video, PDF.

What stands in the newest turn was meant for this driver, so it is refused. What stands further back belongs to what
was said already, so a note takes its place and the conversation goes on.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from .messages import AIMessage, Audio, Document, Image, Media, Part, Text, ToolResult, Video
from .models import Capabilities
from .sniffing import sniff_media_type

__all__ = ["fit_media", "note_media", "reads"]

_KINDS: tuple[tuple[type[Media], str], ...] = (
    (Image, "image"),
    (Audio, "audio"),
    (Video, "video"),
    (Document, "document"),
)
_TEXTS = ("text/", "application/json", "application/xml", "application/yaml")


def reads(capabilities: Capabilities, part: Media) -> bool:
    """Whether a driver of these capabilities reads the part. Documents of plain text are read by all."""
    kind = _kind(part)
    if kind == "document" and (part.media_type or "").startswith(_TEXTS):
        return True
    if kind == "image" and capabilities.vision:
        return True
    return (kind == "audio" and capabilities.audio) or kind in capabilities.supported_formats


def fit_media(
    messages: list[AIMessage],
    capabilities: Capabilities,
    warn: Callable[[str], None],
    refuse: Callable[[str], Exception],
    unread: frozenset[str] = frozenset(),
    image_types: frozenset[str] | None = None,
) -> list[AIMessage]:
    """The same list when driver and model read everything in it, else one with notes for what they do not read.

    `unread` holds the kinds that the model is known not to read: "image", "audio", "video"; `image_types` the
    MIME types of the pictures that the service reads, if that is known.

    Raises what `refuse` makes of an unread part of the newest turn: what comes after the last answer. Results of
    tools are never refused, since nobody chose their content for this driver; answers are left to the wire.
    """
    if all(type(message.content) is str for message in messages):
        return messages

    def is_read(part: Media) -> bool:
        if image_types is not None and isinstance(part, Image) and part.data is not None:
            media_type = part.media_type or sniff_media_type(part.data)
            if media_type is not None and media_type.replace("/jpg", "/jpeg") not in image_types:
                return False
        return _kind(part) not in unread and reads(capabilities, part)

    newest = max((place for place, message in enumerate(messages) if message.role == "assistant"), default=-1)
    return [
        message if message.role == "assistant" else _fit(message, place > newest, is_read, warn, refuse)
        for place, message in enumerate(messages)
    ]


def note_media(
    messages: list[AIMessage], unread: Media, warn: Callable[[str], None], error: Exception
) -> list[AIMessage]:
    """The messages with notes in the place of a part that cannot be sent, and of all like it.

    Raises `error` when one of them stands in the newest turn, or none where a note can stand.
    """
    like = _source(unread)
    newest = max((place for place, message in enumerate(messages) if message.role == "assistant"), default=-1)

    def is_read(part: Media) -> bool:
        return part is not unread and _source(part) != like

    noted = [
        message if message.role == "assistant" else _fit(message, place > newest, is_read, warn, lambda _: error)
        for place, message in enumerate(messages)
    ]
    if all(new is old for new, old in zip(noted, messages, strict=True)):
        raise error
    return noted


def _source(part: Media) -> tuple[object, ...]:
    """What decides whether a service reads a part: its kind, where its bytes are, and their type."""
    scheme = part.url.partition(":")[0] if part.url else None
    return type(part), part.data is not None, scheme, part.file_id is not None, part.media_type


def _fit(
    message: AIMessage,
    newest: bool,
    is_read: Callable[[Media], bool],
    warn: Callable[[str], None],
    refuse: Callable[[str], Exception],
) -> AIMessage:
    if type(message.content) is str:
        return message

    def note(part: Part) -> Part:
        if not isinstance(part, Media) or is_read(part):
            return part
        kind = _kind(part)
        warn(f"{kind} input is not read here; a note took its place in the history.")
        return Text(f"[{kind} left out{f': {part.name}' if part.name else ''}]")

    parts: list[Part] = []
    for part in message.parts:
        if isinstance(part, ToolResult) and isinstance(part.content, list):
            content = [note(inner) for inner in part.content]
            unchanged = all(new is old for new, old in zip(content, part.content, strict=True))
            parts.append(part if unchanged else msgspec.structs.replace(part, content=content))
        elif newest and isinstance(part, Media) and not is_read(part):
            raise refuse(_describe(part))
        else:
            parts.append(note(part))
    if all(new is old for new, old in zip(parts, message.parts, strict=True)):
        return message
    return msgspec.structs.replace(message, content=parts)


def _describe(part: Media) -> str:
    detail = f" of the type {part.media_type}" if part.media_type and isinstance(part, Image) else ""
    return f"{_kind(part)} input{detail} with this model"


def _kind(part: Media) -> str:
    return next(name for kind, name in _KINDS if isinstance(part, kind))
