"""What a tool returned, or how it failed, as the result that goes back to the model."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from ..data.messages import Audio, Document, Image, Part, Text, ToolCall, ToolResult, Video
from ..schema import to_json_value

__all__ = ["render_failure", "render_result"]

_PARTS = (Text, Image, Audio, Video, Document)
_MAX_MESSAGE = 4000


def render_result(call: ToolCall, value: Any) -> ToolResult:
    """The result for what a tool returned: text as it is, `None` as "", parts (or lists of parts and text) as parts,
    everything else as JSON (objects with `model_dump`, paths and arrays included). A `ToolResult` is sent under the
    call's id.

    Raises `TypeError` for bytes and for what has no JSON form.
    """
    if isinstance(value, ToolResult):
        return msgspec.structs.replace(value, tool_call_id=call.id, name=call.name)
    return ToolResult(call.id, _content(value), call.name)


def render_failure(call: ToolCall, failure: BaseException | str) -> ToolResult:
    """The error result for a failure: "<Type>: message", never a traceback; at most 4000 characters."""
    return ToolResult(call.id, _whole_text(_describe(failure))[:_MAX_MESSAGE], call.name, is_error=True)


def _content(value: Any) -> str | list[Part]:
    if value is None:
        return ""
    if isinstance(value, str):
        return _whole_text(value)
    if isinstance(value, Text):
        return _whole_text(value.text)
    if isinstance(value, _PARTS):
        return [value]
    if isinstance(value, bytes | bytearray | memoryview):
        raise TypeError(
            "the tool returned bytes; return text, or wrap them with Image.from_bytes or Document.from_bytes"
        )
    if isinstance(value, list | tuple) and any(isinstance(item, _PARTS) for item in value):
        return [item if isinstance(item, _PARTS) else Text(_text(item)) for item in value]
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return _whole_text(value)
    plain = to_json_value(value)
    if isinstance(plain, str):
        return _whole_text(plain)
    try:
        return msgspec.json.encode(plain).decode()
    except OverflowError:
        # msgspec writes integers of 64 bits at most; JSON has no such limit.
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def _describe(failure: BaseException | str) -> str:
    if isinstance(failure, str):
        return failure
    kind = type(failure).__name__
    try:
        message = str(failure)
    except Exception:  # noqa: BLE001 (a user's `__str__` may fail in any way, and the failure is to be reported still)
        message = ""
    return f"{kind}: {message}" if message else kind


def _whole_text(text: str) -> str:
    """The text without lone surrogates, which UTF-8 and so JSON can't carry."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
