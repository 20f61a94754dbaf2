"""Telling the type of a picture, sound or PDF by its first bytes."""

from __future__ import annotations

__all__ = ["sniff_media_type"]

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "audio/webm"),
    (0, b"%PDF-", "application/pdf"),
)


def sniff_media_type(data: bytes) -> str | None:
    """The MIME type, or `None` when the first bytes do not tell. After https://mimesniff.spec.whatwg.org/

    A WebM file is taken for sound.
    """
    for offset, signature, media_type in _SIGNATURES:
        if data.startswith(signature, offset):
            return media_type
    if len(data) > 1 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2:  # an MPEG audio frame, layer III
        return "audio/mpeg"
    return None
