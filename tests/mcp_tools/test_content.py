from __future__ import annotations

from typing import Any

import pytest
from mcp.types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from polydriver import Audio, Document, Image, InvalidResponseError, Text, ToolExecutionError, Video
from polydriver.mcp.content import parse_result


def parsed(*content: Any, max_bytes: int = 1000, **fields: Any) -> Any:
    return parse_result("t", CallToolResult(content=list(content), **fields), max_bytes)


def blob(media_type: str | None) -> EmbeddedResource:
    return EmbeddedResource(resource=BlobResourceContents(uri="file:///a/b.bin", mime_type=media_type, blob="BQ=="))


def test_text_is_text() -> None:
    assert parsed(TextContent(text="one"), TextContent(text="two")).content == "one\ntwo"


def test_texts_around_media_are_parted_by_a_break() -> None:
    picture = ImageContent(data="AAEC", mime_type="image/png")
    result = parsed(TextContent(text="a"), TextContent(text="b"), picture, TextContent(text="c"))
    assert result.content == [Text("a\nb"), Image(data=b"\x00\x01\x02", media_type="image/png"), Text("\nc")]
    assert result.text == "a\nb\nc"


def test_nothing_is_empty_text() -> None:
    assert parsed().content == ""


def test_media_become_parts() -> None:
    content = parsed(
        TextContent(text="look"),
        ImageContent(data="AAEC", mime_type="image/png"),
        AudioContent(data="AwQ=", mime_type="audio/wav"),
    ).content
    assert content == [
        Text("look"),
        Image(data=b"\x00\x01\x02", media_type="image/png"),
        Audio(data=b"\x03\x04", media_type="audio/wav"),
    ]


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [("image/gif", Image), ("audio/ogg", Audio), ("video/mp4", Video), ("application/pdf", Document), (None, Document)],
)
def test_embedded_files_become_parts(media_type: str | None, kind: type) -> None:
    expected = kind(data=b"\x05", media_type=media_type or "application/octet-stream", name="b.bin")
    assert parsed(blob(media_type)).content == [expected]


def test_embedded_text_and_links_are_text() -> None:
    resource = EmbeddedResource(resource=TextResourceContents(uri="file:///a.txt", text="inside"))
    link = ResourceLink(name="more", uri="file:///c.txt", description="the rest")
    assert parsed(resource, link).content == "inside\nmore: file:///c.txt (the rest)"


def test_structured_content_stands_in_for_none() -> None:
    assert parsed(structured_content={"celsius": 21.5}).content == '{"celsius":21.5}'
    assert parsed(TextContent(text="21.5"), structured_content={"celsius": 21.5}).content == "21.5"


def test_an_error_stays_one() -> None:
    result = parsed(TextContent(text="no such city"), is_error=True)
    assert result.is_error
    assert result.content == "no such city"


def test_size_is_limited() -> None:
    assert parsed(TextContent(text="ä" * 5), max_bytes=10).content == "äääää"
    with pytest.raises(ToolExecutionError, match="has 12 bytes"):
        parsed(TextContent(text="ä" * 5), ImageContent(data="AAA=", mime_type="image/png"), max_bytes=11)


def test_broken_base64_is_our_error() -> None:
    with pytest.raises(InvalidResponseError, match="not base64"):
        parsed(ImageContent(data="?", mime_type="image/png"))
