"""What an MCP tool gave back, as a tool result of ours."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Any

from ..data.json import encode_json
from ..data.messages import Audio, Document, Image, Media, Text, ToolResult, Video
from ..errors import InvalidResponseError, ToolExecutionError

if TYPE_CHECKING:
    from mcp.types import CallToolResult

__all__ = ["parse_result"]

_MEDIA: dict[str, type[Media]] = {"image": Image, "audio": Audio, "video": Video}


def parse_result(name: str, result: CallToolResult, max_bytes: int) -> ToolResult:
    """The result of one call, still without the call's id.

    Text stays text; images, audio and embedded files become parts; a link is told as text; structured content
    is written as JSON where there is nothing else. Raises `ToolExecutionError` when text and bytes together
    are more than `max_bytes`, and `InvalidResponseError` for content that cannot be read.
    https://modelcontextprotocol.io/specification/2025-11-25/server/tools#tool-result
    """
    parts = [_parse_block(block) for block in result.content]
    if not parts and result.structured_content is not None:
        parts = [Text(encode_json(result.structured_content).decode())]
    size = sum(_size(part) for part in parts)
    if size > max_bytes:
        raise ToolExecutionError(
            f"The result of {name} has {size} bytes, and at most {max_bytes} are taken. Ask for less of it."
        )
    joined = _join_texts(parts)
    content = joined[0].text if len(joined) == 1 and isinstance(joined[0], Text) else joined or ""
    return ToolResult("", content, is_error=result.is_error)


def _join_texts(parts: list[Text | Media]) -> list[Any]:
    """The parts, with a line break between any two texts: what stands between them may be shown elsewhere."""
    joined: list[Any] = []
    texts: list[str] = []
    said = False
    for part in [*parts, None]:
        if isinstance(part, Text):
            texts.append(part.text)
            continue
        if texts:
            joined.append(Text(("\n" if said else "") + "\n".join(texts)))
            texts, said = [], True
        if part is not None:
            joined.append(part)
    return joined


def _parse_block(block: Any) -> Text | Media:
    if block.type == "text":
        return Text(block.text)
    if block.type in ("image", "audio"):
        return _parse_media(block.data, block.mime_type, None)
    if block.type == "resource":
        resource = block.resource
        if hasattr(resource, "text"):
            return Text(resource.text)
        return _parse_media(resource.blob, resource.mime_type, resource.uri)
    told = f"{block.title or block.name}: {block.uri}"
    return Text(f"{told} ({block.description})" if block.description else told)


def _parse_media(data: str, media_type: str | None, uri: str | None) -> Media:
    media_type = media_type or "application/octet-stream"
    kind = _MEDIA.get(media_type.partition("/")[0], Document)
    try:
        return kind.from_base64(data, media_type, name=uri.rpartition("/")[2] or None if uri else None)
    except binascii.Error as error:
        raise InvalidResponseError(f"a tool's {kind.__name__.lower()} is not base64: {error}") from None


def _size(part: Text | Media) -> int:
    return len(part.text.encode("utf-8", "replace")) if isinstance(part, Text) else len(part.data or b"")
