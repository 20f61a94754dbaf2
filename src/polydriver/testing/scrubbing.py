"""What of an exchange may be stored: everything but its secrets."""

from __future__ import annotations

import base64
import re
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


_NAME = (
    r"[\w.-]{0,100}(?:(?:access|refresh|id|auth|bearer|security|session)[-_]?token|passw(?:or)?d|passphrase|secret|assertion"
    r"|(?:api|private|secret|access|signing)[-_]?key(?:[-_]?id)?|credentials?|authorization)"
)
_MEMBERS = (
    # JSON, also as the text of another JSON value, in which its quotes are escaped
    re.compile(
        rf'(?P<kept>(?P<quote>\\{{0,7}}")(?:{_NAME})(?P=quote)\s*+:\s*+(?P=quote))'
        r"(?!(?P=quote))(?:(?!(?P=quote))(?:\\.|[^\\]))++",
        re.IGNORECASE,
    ),
    # a form
    re.compile(rf"(?P<kept>(?:^|[&?])(?:{_NAME})=)[^&\s\"]++", re.IGNORECASE),
    # XML, as of AWS STS
    re.compile(rf"(?P<kept><(?P<name>{_NAME})>)[^<]++(?=</(?P=name)>)", re.IGNORECASE),
)
"""Secrets by the names of the members that hold them. `token` alone is not such a name: log probabilities use it."""

_NEAR = 4000
_PIECE = 4


class _Scrubber(Redactor):
    """Removes, beyond what a `Redactor` does, members by their names, and known secrets that come in two pieces: a
    model that repeats a key streams it so."""

    def redact(self, text: str, longest: int | None = None) -> str:
        """See `Redactor.redact`."""
        for pattern in _MEMBERS:
            text = pattern.sub(rf"\g<kept>{MASK}", text)
        text = super().redact(text, longest)
        for secret in self._secrets:
            text = _remove_pieces(text, secret.reveal())
        return text


def _remove_pieces(text: str, secret: str) -> str:
    """The text without a secret whose beginning ends one string of JSON, and whose end begins a later one."""
    for cut in range(_PIECE, len(secret) - _PIECE + 1):
        first, second = secret[:cut], '"' + secret[cut:]
        at = text.find(first)
        while at >= 0:
            end = at + cut
            place = text.find(second, end, end + _NEAR) if text[end : end + 2].lstrip("\\").startswith('"') else -1
            if place >= 0:
                between = text[end : place + 1]
                text = text[:at] + MASK + between + MASK + text[place + len(second) :]
                end = at
            at = text.find(first, end)
    return text


def redactor_for(request: Request) -> Redactor:
    """Removes what looks like a key, what has the name of a secret, and the very secrets that this request carries."""
    secrets = []
    for name, value in request.headers.items():
        if _is_hidden(name):
            secrets += [value, value.partition(" ")[2]]
    return _Scrubber(secret for secret in secrets if secret)


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
