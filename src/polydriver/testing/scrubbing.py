"""What of an exchange may be stored: everything but its secrets."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from ..config import Redactor
from ..config.secrets import MASK, looks_secret
from ..data.http import Request

__all__ = ["encode_body", "encode_chunks", "redactor_for", "scrub_headers"]

_HIDDEN_HEADERS = frozenset(
    {
        "authorization",
        "cf-ray",
        "cookie",
        "openai-organization",
        "openai-project",
        "proxy-authorization",
        "set-cookie",
        "www-authenticate",
        "x-amz-security-token",
        "x-api-key",
        "x-goog-api-key",
    }
)


def redactor_for(request: Request) -> Redactor:
    """Removes what looks like a key, and the very secrets that this request carries."""
    secrets = []
    for name, value in request.headers.items():
        if _is_hidden(name):
            secrets += [value, value.partition(" ")[2]]
    return Redactor(secret for secret in secrets if secret)


def _is_hidden(name: str) -> bool:
    return name.lower() in _HIDDEN_HEADERS or looks_secret(name)


def scrub_headers(headers: Mapping[str, str], redactor: Redactor) -> dict[str, str]:
    """Headers as they are stored, by lower-case names."""
    return {
        name.lower(): MASK if _is_hidden(name) else redactor.redact(value)
        for name, value in headers.items()
        if name.lower() != "user-agent"
    }


def encode_chunks(chunks: list[bytes], redactor: Redactor) -> list[Any]:
    """The chunks as they came. A secret may lie across a border, so a body that holds one is stored in one
    piece."""
    whole = b"".join(chunks)
    try:
        text = whole.decode("utf-8")
    except UnicodeDecodeError:
        text = whole.decode("latin-1")
        clean = redactor.redact(text)
        return [_plain(chunk) for chunk in chunks] if clean == text else [_plain(clean.encode("latin-1"))]
    clean = redactor.redact(text)
    return [_plain(chunk) for chunk in chunks] if clean == text else [clean]


def encode_body(data: bytes, redactor: Redactor) -> Any:
    """A body in one piece, as it is stored."""
    (encoded,) = encode_chunks([data], redactor)
    return encoded


def _plain(data: bytes) -> Any:
    """Text where bytes are UTF-8, else base64."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}
