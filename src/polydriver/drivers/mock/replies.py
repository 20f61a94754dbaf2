"""What a mock can be told to answer, from whatever the user wrote."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from ...data.json import encode_json
from ...data.messages import Part, Reasoning, Refusal, Text, ToolCall
from ...data.responses import AIResponse
from ...data.usage import TokenUsage
from ...errors import AIError, ConfigurationError
from ...typed import convert
from .failures import Failure, failure_from_error, make_failure

__all__ = ["Answer", "Reply", "make_reply", "make_replies", "tool_call"]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to give, and how: in pieces of `chunk_size` characters, with `delay` seconds before each
    piece.

    What is `None` is as the driver's settings say. Of `response` everything is sent that Chat Completions can
    carry: text, reasoning, refusal, tool calls, finish reason, usage, model, id and alternatives.
    """

    response: AIResponse
    chunk_size: int | None = None
    delay: float | None = None


Reply: TypeAlias = "Answer | Failure | AIError | Callable[[Any], Any]"

_DEFINING = {"content", "text", "json", "tool_calls", "reasoning", "refusal"}
_FIELDS = _DEFINING | {"finish_reason", "usage", "model", "id", "chunk_size", "delay"}


def tool_call(name: str, /, **arguments: Any) -> ToolCall:
    """A call of a tool to reply with; its id is made when it is sent."""
    return ToolCall("", name, arguments)


def make_replies(values: Any, where: str = "replies") -> list[Reply]:
    """Replies from a list, or from a single one."""
    if isinstance(values, Sequence) and not isinstance(values, str | bytes):
        return [make_reply(value, f"{where}[{position}]") for position, value in enumerate(values)]
    return [make_reply(values, where)]


def make_reply(value: Any, where: str = "the reply") -> Reply:
    """A reply from what the user wrote.

    Text, an `AIResponse`, a `ToolCall` or a list of parts; an exception (class or instance); a function of
    the `MockCall` that gives any of these. A dict that says what to send (`{"content": "Hi"}`,
    `{"tool_calls": [{"name": ..., "arguments": ...}]}`, `{"json": ...}`) or how to fail (`{"error":
    "rate_limit", "retry_after": 2}`); any other dict, number, dataclass, Struct or pydantic model is sent as
    JSON text. Raises `ConfigurationError`, naming `where`.
    """
    try:
        return _make(value)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error.message}") from None


def _make(value: Any) -> Reply:
    if isinstance(value, Answer | Failure):
        return value
    if isinstance(value, AIResponse):
        return Answer(response=value)
    if isinstance(value, str):
        return Answer(response=AIResponse.from_text(value))
    if isinstance(value, Part):
        return _from_parts([value])
    if isinstance(value, BaseException) or (isinstance(value, type) and issubclass(value, BaseException)):
        return failure_from_error(value)
    if isinstance(value, Mapping):
        return _from_mapping(value)
    if isinstance(value, list | tuple) and value and all(isinstance(item, Part) for item in value):
        return _from_parts(list(value))
    if callable(value) and not isinstance(value, type):
        return value  # type: ignore[no-any-return]
    return Answer(response=AIResponse.from_text(_as_json(value)))


def _from_parts(parts: list[Part]) -> Answer:
    calls = any(isinstance(part, ToolCall) for part in parts)
    return Answer(response=AIResponse(parts=parts, finish_reason="tool_calls" if calls else "stop"))


def _from_mapping(value: Mapping[str, Any]) -> Reply:
    if isinstance(value.get("error"), str | int) and set(value) - {"error"} <= set(Failure.__struct_fields__):
        return make_failure(value["error"], **{key: item for key, item in value.items() if key != "error"})
    if not (value.keys() & _DEFINING and value.keys() <= _FIELDS):
        return Answer(response=AIResponse.from_text(_as_json(value)))
    parts: list[Part] = []
    if reasoning := value.get("reasoning"):
        parts.append(Reasoning(str(reasoning)))
    text = value.get("content", value.get("text"))
    if text is None and "json" in value:
        text = _as_json(value["json"])
    if text:
        parts.append(Text(str(text)))
    if refusal := value.get("refusal"):
        parts.append(Refusal(str(refusal)))
    parts += [_read_call(call) for call in value.get("tool_calls") or ()]
    answer = _from_parts(parts)
    response = answer.response
    for name in ("finish_reason", "model", "id"):
        if value.get(name) is not None:
            setattr(response, name, value[name])
    if value.get("usage") is not None:
        response.usage = _convert(value["usage"], TokenUsage, "usage")
    return Answer(response=response, chunk_size=value.get("chunk_size"), delay=value.get("delay"))


def _read_call(value: Any) -> ToolCall:
    if isinstance(value, ToolCall):
        return value
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        raise ConfigurationError(f"a tool call is {{'name': ..., 'arguments': {{...}}}}, not {value!r}")
    return ToolCall(
        str(value.get("id") or ""), value["name"], _convert(value.get("arguments") or {}, dict, "arguments")
    )


def _convert(value: Any, kind: Any, name: str) -> Any:
    try:
        return value if isinstance(value, kind) else convert(value, kind)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{name}: {error}") from None


def _as_json(value: Any) -> str:
    dump = getattr(value, "model_dump_json", None)
    if callable(dump) and not isinstance(value, type):
        return str(dump())
    try:
        return encode_json(dict(value) if isinstance(value, Mapping) else value).decode()
    except TypeError:
        import dataclasses

        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return encode_json(dataclasses.asdict(value)).decode()
        raise ConfigurationError(f"a mock cannot reply with a {type(value).__name__}") from None
