"""Requests as bytes of HTTP/1.1 (RFC 9112), with nothing in them that could be taken for something else."""

from __future__ import annotations

import re

from ...data.http import Request
from ...data.sealed import SealedBytes
from ...errors import ConfigurationError
from .address import Address

__all__ = ["check_headers", "default_headers", "encode_request"]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_ILLEGAL_IN_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]")
_WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})


def check_headers(headers: dict[str, str]) -> None:
    """Raise `ConfigurationError` for a header that cannot be sent; the message names it and never quotes its value."""
    names, values = "".join(headers), "".join(headers.values())
    if "transfer-encoding" in names.lower() and any(name.lower() == "transfer-encoding" for name in headers):
        raise ConfigurationError(
            "The header transfer-encoding cannot be given: every request goes out with its length",
            hint="Remove it from headers.",
        )
    if "" not in headers and _TOKEN.fullmatch(names) and not _ILLEGAL_IN_VALUE.search(values):
        return  # nothing to complain of in any of them, as nearly always
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name):
            raise ConfigurationError(f"The header name {name[:40]!r} is not valid")
        if _ILLEGAL_IN_VALUE.search(value):
            message = f"The value of the header {name!r} has a line break, control or non-Latin-1 character in it"
            raise ConfigurationError(f"{message}. Check for a stray newline in the key or setting it is made from")


def default_headers(request: Request) -> dict[str, str]:
    """What a request says when its own headers don't: gzip for whole replies, no encoding for streams."""
    headers = {"accept": "*/*"}
    if "accept-encoding" not in request.headers:
        headers["accept-encoding"] = "identity" if request.stream else "gzip"
    return {name: value for name, value in headers.items() if name not in request.headers}


def encode_request(request: Request, address: Address, target: str, extra: dict[str, str]) -> SealedBytes:
    """The head of `request` for the wire, without its body. `extra` are further headers (for a proxy).

    Raises `ConfigurationError` for a header or a method that cannot be sent.
    """
    if not _TOKEN.fullmatch(request.method):
        raise ConfigurationError("The request method is not valid")
    check_headers(request.headers)
    headers = {"host": address.authority, **default_headers(request), **extra, **request.headers}
    if request.body is not None or request.method in _WITH_LENGTH:
        headers["content-length"] = str(len(request.body or b""))
    else:
        headers.pop("content-length", None)
    lines = [f"{request.method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines.append("\r\n")
    return SealedBytes("\r\n".join(lines).encode("latin-1"))
