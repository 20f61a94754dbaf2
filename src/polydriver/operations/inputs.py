"""The forms in which callers give texts, sound, pictures and documents, brought into one each.

All functions raise `ConfigurationError` for what they cannot take, and `OSError` for a file that cannot be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from ..data.messages import Audio, Document, Image, Media, Text
from ..data.sniffing import sniff_media_type
from ..errors import ConfigurationError

__all__ = [
    "read_audio",
    "read_document",
    "read_documents",
    "read_embedding_input",
    "read_image",
    "read_images",
    "read_moderation_input",
    "read_timestamps",
    "read_upload",
]

M = TypeVar("M", bound=Media)


def read_embedding_input(value: Any) -> list[str | list[int]]:
    """Texts, or texts as token ids, from one of them or a list of them."""
    if isinstance(value, str):
        return [value]
    items = list(value) if isinstance(value, Sequence) and not isinstance(value, bytes) else []
    if items and all(type(item) is int for item in items):
        return [items]
    texts = [list(item) if isinstance(item, tuple) else item for item in items]
    for item in texts:
        if not isinstance(item, str) and not (isinstance(item, list) and all(type(token) is int for token in item)):
            raise ConfigurationError(f"input must be texts, or lists of token ids, not {type(item).__name__}")
    if not texts:
        raise ConfigurationError("there is no input to embed: give a text or a list of texts")
    return texts


def read_moderation_input(value: Any) -> list[list[Text | Image]]:
    """Items to judge: strings are one item each, parts belong together."""
    if isinstance(value, str | Text | Image):
        value = [value]
    items = list(value) if isinstance(value, Sequence) and not isinstance(value, bytes) else []
    for item in items:
        if not isinstance(item, str | Text | Image):
            raise ConfigurationError(f"input must be texts and images, not {type(item).__name__}")
    if not items:
        raise ConfigurationError("there is nothing to judge: give a text or a list of texts and images")
    if all(isinstance(item, str) for item in items):
        return [[Text(item)] for item in items]
    return [[Text(item) if isinstance(item, str) else item for item in items]]


def read_documents(value: Any) -> list[str]:
    """The documents to order."""
    documents = list(value) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else []
    if not documents or not all(isinstance(document, str) for document in documents):
        raise ConfigurationError("documents must be a list of strings, with at least one")
    return documents


def read_audio(value: Any) -> Audio:
    """Sound with its bytes, from an `Audio`, a path or bytes."""
    return _read_media(Audio, value, "audio/wav")


def read_image(value: Any) -> Image:
    """A picture, from an `Image`, a path or bytes."""
    return _read_media(Image, value, "image/png")


def read_images(value: Any) -> list[Image]:
    """Pictures, from one or a list of them."""
    items = list(value) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else [value]
    if not items:
        raise ConfigurationError("there is no picture to edit: give at least one")
    return [read_image(item) for item in items]


def read_document(value: Any) -> Document | Image:
    """A document or picture, from one of those, a URL, a path or bytes."""
    if isinstance(value, Document | Image):
        return value
    if isinstance(value, str) and value.startswith(("https://", "http://", "data:")):
        return Document.from_url(value)
    media = _read_media(Document, value, "application/pdf")
    if media.data is not None and (media.media_type or "").startswith("image/"):
        return Image(data=media.data, media_type=media.media_type, name=media.name)
    return media


def read_timestamps(value: Any) -> list[str]:
    """What to give times for: segments, words, or both."""
    kinds = [value] if isinstance(value, str) else list(value)
    if any(kind not in ("segment", "word") for kind in kinds):
        raise ConfigurationError(f"timestamps must be 'segment', 'word' or both, not {value!r}")
    return kinds


def read_upload(*, file: Any, name: str | None, media_type: str | None, purpose: Any = None) -> dict[str, Any]:
    """The content, name and MIME type of a file to upload."""
    media = file if isinstance(file, Media) else _read_media(Document, file, "application/octet-stream")
    if media.data is None:
        raise ConfigurationError("only bytes can be uploaded: give a path, or a part that has them")
    name = name or media.name
    if not name:
        raise ConfigurationError("the file has no name: pass name='...'")
    return {"data": media.data, "name": name, "media_type": media_type or media.media_type}


def _read_media(kind: type[M], value: Any, default_type: str) -> M:
    if isinstance(value, kind):
        return value
    if isinstance(value, bytes):
        return kind.from_bytes(value, sniff_media_type(value) or default_type)
    if isinstance(value, str | Path):
        media = kind.from_path(value)
        return media if media.media_type else kind.from_path(value, sniff_media_type(media.data or b"") or default_type)
    name = kind.__name__.lower()
    raise ConfigurationError(f"{name} must be {kind.__name__}, a path or bytes, not {type(value).__name__}")
