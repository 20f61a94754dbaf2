"""Reading errors of any known shape: what could be read of a failed reply, as facts."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from ...data.json import as_int, as_str, decode_json
from .framed import unframe

__all__ = ["ErrorFacts", "read_error"]


_MESSAGE_DEPTH = 10
"""How deep a message may be nested: a body that goes on without end is not a message."""


_TITLE = re.compile(r"<title[^<>]{0,1000}>([^<]{1,200})", re.IGNORECASE)


_TAGS = re.compile(r"<[^<>]{0,1000}>")


class ErrorFacts(msgspec.Struct, kw_only=True):
    """What could be read from a failed reply.

    `code` and `type` are the provider's words, `param` what they are about. `retry_after` is the wait that the provider
    asks for, in seconds. `payload` is the whole body as it was decoded, with what stands around the error itself.
    """

    message: str | None = None
    code: str | None = None
    type: str | None = None
    param: str | None = None
    status: int | None = None
    retry_after: float | None = None
    payload: Any = None
    details: dict[str, Any] = {}


def read_error(body: Any) -> ErrorFacts:
    """Read an error of any known shape: JSON of a dozen kinds, a bare string, a list, HTML, plain text, or nothing.

    `body` is bytes as they came, or a decoded value.
    """
    payload = body
    if isinstance(body, bytes):
        try:
            payload = decode_json(body) if body.strip() else None
        except ValueError:
            payload = unframe(body)
            if payload is None:
                return ErrorFacts(message=_plain_text(body.decode("utf-8", "replace")))
    if isinstance(payload, list) and payload:
        payload = payload[0]
    if isinstance(payload, str):
        return ErrorFacts(message=_plain_text(payload))
    if not isinstance(payload, dict):
        return ErrorFacts(payload=payload)
    return _read_object(payload)


def _read_object(payload: dict[str, Any]) -> ErrorFacts:
    error = payload.get("error") or payload.get("errors") or payload
    if isinstance(error, list) and error:
        error = error[0]
    if not isinstance(error, dict):
        error = {**payload, "message": error if isinstance(error, str) else payload.get("message")}
    code, kind = error.get("code"), error.get("type") or payload.get("__type")
    facts = ErrorFacts(
        message=_message(error) or _message(payload),
        code=_word(str(code) if isinstance(code, int) and not isinstance(code, bool) else code),
        type=_word(kind) or _word(error.get("status")),
        param=_word(error.get("param")),
        status=_status(code) or _status(error.get("status")),
        retry_after=_seconds(error.get("retry_after", payload.get("retry_after"))),
        payload=payload,
    )
    facts.details = {"body": payload}
    if isinstance(raw := _metadata_raw(error), str):
        facts.message = f"{facts.message or 'the provider failed'}: {_plain_text(raw)}"
    return facts


def _status(value: Any) -> int | None:
    """An HTTP status, given as a number or as its digits."""
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isdigit():
        value = int(value)
    number = as_int(value)
    return number if number is not None and 100 <= number < 600 else None


def _seconds(value: Any) -> float | None:
    """A wait as a number of seconds, or as its digits."""
    try:
        seconds = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else -1.0
    except (ValueError, OverflowError):
        return None
    return seconds if 0.0 <= seconds < 1e9 else None


def _word(value: Any) -> str | None:
    """A code or a type. Gateways in Python write an absent one as "None"."""
    return None if value in ("None", "null") else as_str(value)


def _message(value: dict[str, Any], depth: int = 0) -> str | None:
    """The text, under any of the names in use for it; FastAPI's `detail` may be a list of problems."""
    if depth > _MESSAGE_DEPTH:
        return None
    for name in ("message", "detail", "msg", "error_message", "Message", "reason"):
        found = value.get(name)
        if isinstance(found, str) and found:
            return found
        if isinstance(found, dict) and (inner := _message(found, depth + 1)):
            return inner
        if isinstance(found, list) and found:
            texts = [_message(item, depth + 1) if isinstance(item, dict) else _text_of(item) for item in found[:5]]
            return "; ".join(text for text in texts if text)
    return None


def _text_of(value: Any) -> str | None:
    return None if isinstance(value, list) else str(value)


def _metadata_raw(error: dict[str, Any]) -> Any:
    """The upstream provider's own words, which OpenRouter nests under `metadata.raw`."""
    metadata = error.get("metadata")
    return metadata.get("raw") if isinstance(metadata, dict) else None


def _plain_text(text: str) -> str | None:
    """Text for a message: an HTML page is reduced to its title."""
    if found := _TITLE.search(text[:20000]):
        return f"an HTML page: {found.group(1).strip()}"
    return " ".join(_TAGS.sub(" ", text[:4000]).split())[:1000] or None
