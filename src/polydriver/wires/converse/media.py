"""Rendering images, documents, video and sound as content blocks.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ImageBlock.html, and likewise `DocumentBlock`, ...
"""

from __future__ import annotations

import re
from typing import Any

from ...data.messages import Audio, Document, Image, Media, Video
from ...data.prompt import Prompt
from ...data.sniffing import sniff_media_type
from .options import ConverseSettings

__all__ = ["IMAGE_TYPES", "MAX_NAME", "render_media"]

IMAGE_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}
"""The API's formats of images and their MIME types."""

_FORMATS: dict[type[Media], dict[str, str]] = {
    Image: {"jpg": "jpeg", **{name: name for name in IMAGE_TYPES}},
    Video: {
        "x-matroska": "mkv", "matroska": "mkv", "quicktime": "mov", "mp4": "mp4", "webm": "webm", "x-flv": "flv",
        "mpeg": "mpeg", "x-ms-wmv": "wmv", "3gpp": "three_gp",
    },
    Audio: {
        "mpeg": "mp3", "mp3": "mp3", "opus": "opus", "wav": "wav", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav",
        "aac": "aac", "x-aac": "aac", "flac": "flac", "x-flac": "flac", "mp4": "m4a", "m4a": "m4a", "x-m4a": "m4a",
        "ogg": "ogg", "x-matroska": "mka", "webm": "webm", "pcm": "pcm", "l16": "pcm",
    },
    Document: {
        "pdf": "pdf", "csv": "csv", "msword": "doc", "vnd.ms-excel": "xls", "html": "html", "plain": "txt",
        "vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
        "vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx", "markdown": "md", "x-markdown": "md",
        "json": "txt", "xml": "txt", "yaml": "txt", "x-yaml": "txt", "javascript": "txt",
    },
}  # fmt: skip
_USUAL = {Image: "png", Video: "mp4", Audio: "wav", Document: "pdf"}
_NAMES = {Image: "image", Video: "video", Audio: "audio", Document: "document"}
MAX_NAME = 200
"""Of documents, in characters."""


def render_media(wire: ConverseSettings, prompt: Prompt, part: Media) -> dict[str, Any]:
    """The block for a part. Raises `UnsupportedFeatureError` for formats and sources that the API does not read."""
    kind = type(part)
    rendered: dict[str, Any] = {"format": _format(wire, part), "source": _source(wire, prompt, part)}
    if isinstance(part, Document):
        rendered["name"] = _document_name(part)
        if part.context:
            rendered["context"] = part.context
        if part.citations:
            rendered["citations"] = {"enabled": True}
    return {_NAMES[kind]: rendered}


def _format(wire: ConverseSettings, part: Media) -> str:
    """The API's word for the format: from the MIME type, else from the first bytes, else the usual one."""
    known = _FORMATS[type(part)]
    media_type = part.media_type or (sniff_media_type(part.data) if part.data else None)
    if media_type is None:
        return _USUAL[type(part)]
    family, _, name = media_type.split(";", 1)[0].strip().lower().partition("/")
    found = known.get(name) or ("txt" if family == "text" and isinstance(part, Document) else None)
    if found is None:
        raise wire.unread(part, f"{_NAMES[type(part)]} input of the type {media_type}")
    return found


def _source(wire: ConverseSettings, prompt: Prompt, part: Media) -> dict[str, Any]:
    """Bytes, or an object in S3 by its URL, with `bucketOwner` from the part's own provider data."""
    if part.data is not None:
        return {"bytes": part.base64}
    if part.url and part.url.startswith("s3://"):
        if not wire.family(prompt.model).reads_s3:
            raise wire.unread(part, f"{_NAMES[type(part)]} input from S3 with the model {prompt.model}; give the bytes")
        return {"s3Location": {"uri": part.url, **part.provider_data.get(wire.origin, {})}}
    raise wire.unread(part, f"{_NAMES[type(part)]} input by URL or id; give the bytes, or a URL that begins with s3://")


def _document_name(part: Document) -> str:
    """A name in the alphabet that the API takes: letters, digits, single spaces, hyphens, brackets."""
    name = re.sub(r"[^a-zA-Z0-9 ()\[\]-]+", " ", part.title or part.name or "")
    return " ".join(name.split())[:MAX_NAME].strip() or "document"
