"""Reading forms with files (RFC 7578), and uploads of a record with its bytes (RFC 2387)."""

from __future__ import annotations

import re

import msgspec

__all__ = ["FormPart", "parse_parts"]

_BOUNDARY = re.compile(r'boundary="?([^";,]+)"?', re.IGNORECASE)
_PARAMETER = re.compile(r'\b(name|filename)="((?:[^"\\]|\\.)*)"', re.IGNORECASE)


class FormPart(msgspec.Struct, frozen=True):
    """One part: `filename` is `None` for a plain field."""

    name: str
    data: bytes
    filename: str | None = None
    media_type: str | None = None

    @property
    def text(self) -> str:
        """The content of a plain field."""
        return self.data.decode("utf-8", "replace")


def parse_parts(content_type: str, body: bytes) -> list[FormPart]:
    """The parts of a multipart body. Raises `ValueError` when it is not one."""
    found = _BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/") or found is None:
        raise ValueError(f"the content type {content_type!r} has no parts")
    mark = b"\r\n--" + found[1].strip().encode("latin-1")
    _, *pieces = (b"\r\n" + body).split(mark)
    if not pieces or not pieces[-1].startswith(b"--"):
        raise ValueError("the body does not end with its boundary")
    return [_parse_part(piece) for piece in pieces[:-1]]


def _parse_part(piece: bytes) -> FormPart:
    head, separator, data = piece.partition(b"\r\n\r\n")
    if not separator:
        raise ValueError("a part has no headers")
    lines = (line.partition(":") for line in head.decode("utf-8", "replace").split("\r\n"))
    headers = {name.strip().lower(): value.strip() for name, _, value in lines}
    given = dict(_PARAMETER.findall(headers.get("content-disposition", "")))
    return FormPart(given.get("name", ""), data, given.get("filename"), headers.get("content-type"))
