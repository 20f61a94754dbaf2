"""The input of a batch: JSON Lines, each a prompt, a list of messages, an object with either, or a line of OpenAI's.

OpenAI's lines are `{"custom_id": ..., "method": "POST", "url": "/v1/chat/completions", "body": {...}}`, also with
`/v1/responses`: https://platform.openai.com/docs/guides/batch
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ...prompting import PROMPT_OPTIONS

__all__ = ["Line", "Request", "read_lines", "read_request"]

_BOM = b"\xef\xbb\xbf"
_ENDPOINTS = ("/v1/chat/completions", "/v1/responses")
_LEFT_OUT = frozenset({"stream", "stream_options"})
_NAMES = {"max_completion_tokens": "max_tokens", "max_output_tokens": "max_tokens"}
"""What OpenAI calls otherwise than we do."""


class Line(NamedTuple):
    """One line of the input: its number from 1, the id of its outcome, a digest of its bytes, and these."""

    number: int
    custom_id: str
    digest: str
    data: bytes
    names_model: bool


class Request(NamedTuple):
    """What a line asks for."""

    messages: list[Any]
    options: dict[str, Any]


def read_lines(path: Path) -> Iterator[Line]:
    """The lines of a file, but empty ones. One without an id, or that is not JSON, is named after its number.

    Raises `OSError` for a file that cannot be read.
    """
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            data = raw.removeprefix(_BOM if number == 1 else b"").strip()
            if data:
                custom_id, names_model = _look(data, number)
                yield Line(number, custom_id, blake2b(data, digest_size=8).hexdigest(), data, names_model)


def _look(data: bytes, number: int) -> tuple[str, bool]:
    """The id of a line, and whether it names a model."""
    try:
        value = _decode(data)
    except ValueError:
        return f"line-{number}", True  # it is not sent at all
    if not isinstance(value, dict):
        return f"line-{number}", False
    body = value.get("body")
    names_model = bool(value.get("model") or (isinstance(body, dict) and body.get("model")))
    given = value.get("custom_id", value.get("id"))
    is_id = isinstance(given, str | int) and not isinstance(given, bool) and given != ""
    return str(given) if is_id else f"line-{number}", names_model


def read_request(data: bytes) -> Request:
    """What a line asks for. Raises `ValueError` for what cannot be sent, with the reason."""
    value = _decode(data)
    if isinstance(value, str):
        return Request([value], {})
    if isinstance(value, list):
        return Request(value, {})
    if not isinstance(value, dict):
        raise ValueError(f"a line is a prompt, a list of messages or an object, not {type(value).__name__}")
    if isinstance(value.get("body"), dict) and "url" in value:
        return _read_openai(value["url"], value["body"])
    return _read_own(value)


def _decode(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise ValueError(f"it is not JSON: {error}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _read_own(value: dict[str, Any]) -> Request:
    options = {name: item for name, item in value.items() if name not in ("id", "custom_id")}
    prompt, messages, system = (options.pop(name, None) for name in ("prompt", "messages", "system"))
    if (prompt is None) == (messages is None):
        raise ValueError("it needs either a 'prompt' or 'messages'")
    if prompt is not None:
        messages = [prompt]
    if not isinstance(messages, list):
        raise ValueError(f"its 'messages' must be a list, not {type(messages).__name__}")
    return Request(_with_system(system, messages), options)


def _with_system(system: Any, messages: list[Any]) -> list[Any]:
    return messages if system is None else [{"role": "system", "content": system}, *messages]


def _read_openai(url: Any, body: dict[str, Any]) -> Request:
    """A line of OpenAI's: options by our names, and what we have no name for as it is, in `extra`."""
    if url not in _ENDPOINTS:
        raise ValueError(f"its 'url' must be one of {', '.join(_ENDPOINTS)}, not {url!r}")
    given = {name: item for name, item in body.items() if name not in _LEFT_OUT and item is not None}
    messages = given.pop("input" if url == "/v1/responses" else "messages", None)
    if isinstance(messages, str) and url == "/v1/responses":
        messages = [messages]
    if not isinstance(messages, list):
        raise ValueError("its 'body' has no list of messages")
    system = None
    if url == "/v1/responses":
        system = given.pop("instructions", None)
        _rename_nested(given)
    options: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, item in given.items():
        ours = _NAMES.get(name, name)
        (options if ours == "model" or ours in PROMPT_OPTIONS else extra)[ours] = item
    if extra:
        options["extra"] = extra
    return Request(_with_system(system, messages), options)


def _rename_nested(given: dict[str, Any]) -> None:
    """What the Responses API has in objects, and Chat Completions beside the rest."""
    for outer, inner, ours in (("reasoning", "effort", "reasoning_effort"), ("text", "format", "response_format")):
        holder = given.get(outer)
        if isinstance(holder, Mapping) and inner in holder:
            given[ours] = holder[inner]
            rest = {name: item for name, item in holder.items() if name != inner}
            given.pop(outer)
            if rest:
                given[outer] = rest
