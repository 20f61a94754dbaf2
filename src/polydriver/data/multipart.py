"""`multipart/form-data` bodies, as RFC 7578 defines them and browsers write them.

https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

__all__ = ["FormFile", "FormValue", "encode_form", "flatten_form"]

_QUOTED = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


class FormFile(msgspec.Struct, frozen=True):
    """A file in a form: its bytes, its name and its MIME type."""

    data: bytes
    name: str
    media_type: str = "application/octet-stream"


FormValue = str | FormFile


def flatten_form(name: str, value: object) -> list[tuple[str, FormValue]]:
    """The fields that a value becomes: a list is `name[]` many times, an object `name[key]`, `None` nothing."""
    if value is None:
        return []
    if isinstance(value, FormFile):
        return [(name, value)]
    if isinstance(value, bool):
        return [(name, "true" if value else "false")]
    if isinstance(value, Mapping):
        return [field for key, inner in value.items() for field in flatten_form(f"{name}[{key}]", inner)]
    if isinstance(value, list | tuple):
        return [field for inner in value for field in flatten_form(f"{name}[]", inner)]
    return [(name, str(value))]


def encode_form(fields: Iterable[tuple[str, FormValue]]) -> tuple[str, bytes]:
    """The value of the `content-type` header, and the body.

    The boundary is made from the content, so that the same form is the same bytes each time.
    """
    import hashlib  # which loads OpenSSL, and few callers send forms

    parts = [_encode_part(name, value) for name, value in fields]
    content = b"".join(parts)
    boundary = hashlib.sha256(content).hexdigest()[:32]
    while boundary.encode() in content:
        boundary = hashlib.sha256(boundary.encode()).hexdigest()[:32]
    mark = f"--{boundary}".encode()
    body = b"".join([mark + b"\r\n" + part + b"\r\n" for part in parts])
    return f"multipart/form-data; boundary={boundary}", body + mark + b"--\r\n"


def _encode_part(name: str, value: FormValue) -> bytes:
    head = f'Content-Disposition: form-data; name="{name.translate(_QUOTED)}"'
    if isinstance(value, str):
        return head.encode() + b"\r\n\r\n" + value.encode("utf-8", "replace")
    head += f'; filename="{value.name.translate(_QUOTED)}"\r\nContent-Type: {_one_line(value.media_type)}'
    return head.encode("utf-8", "replace") + b"\r\n\r\n" + value.data


def _one_line(text: str) -> str:
    return text.replace("\r", "").replace("\n", "")
