"""Rendering images and documents as content blocks.

https://platform.claude.com/docs/en/build-with-claude/vision, `/pdf-support`, `/files`
"""

from __future__ import annotations

from typing import Any

from ...data.messages import Document, Image
from ...data.sniffing import sniff_media_type
from ..shared.media import is_in_storage
from .options import MessagesSettings

__all__ = ["render_document", "render_image"]

_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_TEXTS = ("application/json", "application/xml", "application/yaml", "application/x-yaml", "application/javascript")
_MAX_TITLE = 500


def render_image(wire: MessagesSettings, part: Image) -> dict[str, Any]:
    """An `image` block. Raises `UnsupportedFeatureError` for a format that the API does not read."""
    if part.file_id:
        return {"type": "image", "source": {"type": "file", "file_id": part.file_id}}
    if is_in_storage(part):
        raise wire.unread(part, "images in cloud storage; give the bytes, or an http(s) URL")
    if part.data is None:
        return {"type": "image", "source": {"type": "url", "url": part.url or ""}}
    kind = _plain_type(part.media_type) or sniff_media_type(part.data) or "image/png"
    kind = "image/jpeg" if kind == "image/jpg" else kind
    if kind not in _IMAGES:
        raise wire.unread(part, f"images of the type {kind}; it reads {', '.join(_IMAGES)}")
    return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": part.base64}}


def render_document(wire: MessagesSettings, part: Document) -> dict[str, Any]:
    """A `document` block: PDF or text. Raises `UnsupportedFeatureError` for other bytes."""
    block: dict[str, Any] = {"type": "document", "source": _render_source(wire, part)}
    if title := part.title or part.name:
        block["title"] = title[:_MAX_TITLE]
    if part.context:
        block["context"] = part.context
    if part.citations:
        block["citations"] = {"enabled": True}
    return block


def _render_source(wire: MessagesSettings, part: Document) -> dict[str, Any]:
    if part.file_id:
        return {"type": "file", "file_id": part.file_id}
    if is_in_storage(part):
        raise wire.unread(part, "documents in cloud storage; give the bytes, or an http(s) URL")
    if part.data is None:
        return {"type": "url", "url": part.url or ""}
    kind = _plain_type(part.media_type) or sniff_media_type(part.data)
    if kind == "application/pdf":
        return {"type": "base64", "media_type": kind, "data": part.base64}
    if kind is None or kind.startswith("text/") or kind in _TEXTS or kind.endswith(("+json", "+xml")):
        try:
            return {"type": "text", "media_type": "text/plain", "data": part.data.decode("utf-8")}
        except UnicodeDecodeError:
            pass
    raise wire.unread(part, f"documents of the type {kind or 'unknown'}; it reads PDF and UTF-8 text")


def _plain_type(media_type: str | None) -> str | None:
    return media_type.split(";", 1)[0].strip().lower() if media_type else None
