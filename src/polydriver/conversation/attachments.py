"""Files and media for the user's next message."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from ..data.messages import AIMessage, Audio, Document, Image, Part, Video
from ..errors import ConfigurationError

__all__ = ["add_attachments", "make_attachment"]

_BY_TYPE: dict[str, type[Image | Audio | Video]] = {"image": Image, "audio": Audio, "video": Video}


def make_attachment(part: object) -> Part:
    """A part as it is; a path or URL becomes an image, audio, video or document by its MIME type.

    Raises `ConfigurationError` for anything else, `OSError` for a file that cannot be read.
    """
    if isinstance(part, Image | Audio | Video | Document):
        return part
    if not isinstance(part, str | Path):
        raise ConfigurationError(f"attach an Image, Audio, Video, Document or a path, not a {type(part).__name__}")
    guess = (mimetypes.guess_type(part)[0] or "").split("/", 1)[0]
    kind: type[Image | Audio | Video | Document] = _BY_TYPE.get(guess, Document)
    if isinstance(part, str) and part.startswith(("http://", "https://", "data:")):
        return kind.from_url(part)
    return kind.from_path(part)


def add_attachments(pending: list[AIMessage], attached: list[Part]) -> list[AIMessage]:
    """The pending messages with the parts in the user's last one, or in one of their own."""
    for index in range(len(pending) - 1, -1, -1):
        message = pending[index]
        if message.role == "user":
            merged = AIMessage([*attached, *message.parts], "user", message.name, message.provider_data)
            return [*pending[:index], merged, *pending[index + 1 :]]
    return [*pending, AIMessage(list(attached), "user")]
