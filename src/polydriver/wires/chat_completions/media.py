"""Rendering sound and documents as items of a content list."""

from __future__ import annotations

from typing import Any

from ...data.messages import (
    Audio,
    Document,
)
from .options import ChatSettings

__all__ = ["render_audio", "render_document"]


def render_audio(wire: ChatSettings, part: Audio) -> dict[str, Any]:
    """Sound in OpenAI's form, which takes bytes only."""
    if part.data is None:
        raise wire.unread(part, "audio by URL or id; give the bytes (Audio.from_path or from_bytes)")
    if wire.audio_formats is not None and part.format not in wire.audio_formats:
        raise wire.unread(part, f"sound of the format {part.format}; it reads {', '.join(sorted(wire.audio_formats))}")
    return {"type": "input_audio", "input_audio": {"data": part.base64, "format": part.format}}


def render_document(wire: ChatSettings, part: Document) -> dict[str, Any]:
    """A document in OpenAI's form: an uploaded file, bytes, or, where it is text, its text."""
    kind = part.media_type or "application/pdf"
    if part.file_id:
        return {"type": "file", "file": {"file_id": part.file_id}}
    if part.data is None:
        raise wire.unread(part, "documents by URL; give the bytes (Document.from_path or from_bytes)")
    if kind.startswith("text/") or kind == "application/json":
        head = f"{part.title or part.name}:\n" if part.title or part.name else ""
        return {"type": "text", "text": head + part.data.decode("utf-8", "replace")}
    return {
        "type": "file",
        "file": {"filename": part.name or "document.pdf", "file_data": part.data_url("application/pdf")},
    }
