"""Messages in OpenAI's form, which most people have at hand: dicts with `role` and `content`.

Reads the forms of Chat Completions (https://platform.openai.com/docs/api-reference/chat/create) and the content parts
of the Responses API, which differ in names only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args

from .arguments import parse_arguments
from .messages import AIMessage, Audio, Document, Image, Part, Refusal, Role, Text, ToolCall, ToolResult
from .plain_messages import is_plain_message, is_plain_part, read_plain_message, read_plain_part, read_provider_data

__all__ = ["load_messages", "read_message", "read_part"]

_ROLES: tuple[str, ...] = get_args(Role)


def load_messages(data: Iterable[Mapping[str, Any]]) -> list[AIMessage]:
    """The messages in plain data: what `dump_messages` returns, or messages as OpenAI writes them.

    Raises `ValueError` for anything else, with the number of the message, the first being 0.
    """
    if isinstance(data, str | bytes | Mapping) or not isinstance(data, Iterable):
        raise ValueError(f"messages must be a list of dicts, not {type(data).__name__}")
    messages: list[AIMessage] = []
    for number, message in enumerate(data):
        try:
            if not isinstance(message, Mapping):
                raise ValueError(f"it must be a dict with 'role' and 'content', not {type(message).__name__}")
            ours = "role" in message and "tool_call_id" not in message and is_plain_message(message)
            messages.append(read_plain_message(message) if ours else read_message(message))
        except ValueError as error:
            raise ValueError(f"message {number} cannot be read: {error}") from None
    return messages


def read_message(message: Mapping[str, Any]) -> AIMessage:
    """The message in a dict with `role` and `content`: text, a list of parts, or `None` beside `tool_calls`.

    `name`, `refusal` and `tool_call_id` are read, too, and the form of `dump_messages`; what else it holds is left out.
    Raises `ValueError` for anything else.
    """
    role, content, name = message.get("role"), message.get("content"), message.get("name")
    if role not in _ROLES:
        raise ValueError(f"its 'role' must be one of {', '.join(_ROLES)}, not {role!r}")
    if not isinstance(name, str | None):
        raise ValueError(f"its 'name' must be text, not {type(name).__name__}")
    parts = _read_content(content)
    if role == "tool":
        own_name = None if "tool_call_id" in message else name
        return AIMessage(_as_result(message, parts), role, own_name, read_provider_data(message))
    refusal, calls = message.get("refusal"), message.get("tool_calls") or []
    if not isinstance(calls, list | tuple):
        raise ValueError(f"its 'tool_calls' must be a list, not {type(calls).__name__}")
    extra: list[Part] = [Refusal(refusal)] if isinstance(refusal, str) and refusal else []
    extra += [_read_call(call) for call in calls]
    if content is None and not extra:
        raise ValueError("it has no 'content'")
    if extra:
        parts = [*(AIMessage(parts).parts), *extra]
    return AIMessage(parts, role, name, read_provider_data(message))


def _read_content(content: object) -> str | list[Part]:
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, list | tuple):
        return [read_part(part) for part in content]
    raise ValueError(f"its 'content' must be text or a list of parts, not {type(content).__name__}")


def _as_result(message: Mapping[str, Any], parts: str | list[Part]) -> list[Part]:
    """A tool's message as its result; results of ours among the parts stay as they are."""
    call_id = message.get("tool_call_id")
    if isinstance(call_id, str):
        return [ToolResult(call_id, parts, message.get("name"))]
    if isinstance(parts, list) and any(isinstance(part, ToolResult) for part in parts):
        return parts
    raise ValueError("a tool's message needs the 'tool_call_id' of the call that it answers")


def read_part(part: object) -> Part:
    """A content part: text, one of ours as it is, or a dict with a `type`. Raises `ValueError` for anything else."""
    if isinstance(part, Part):
        return part
    if isinstance(part, str):
        return Text(part)
    if not isinstance(part, Mapping):
        raise ValueError(f"a part must be text, a part such as Image, or a dict with 'type', not {type(part).__name__}")
    if is_plain_part(part):
        return read_plain_part(part)
    kind = part.get("type")
    read = _PARTS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise ValueError(f"a part of type {kind!r} is unknown: use {', '.join(_PARTS)}, or Text, Image, Document, ...")
    try:
        return read(part)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a part of type {kind!r} lacks what belongs to it ({error})") from error


def _read_call(call: Any) -> ToolCall:
    function = call.get("function") if isinstance(call, Mapping) else None
    name = function.get("name") if isinstance(function, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(name, str) or not isinstance(call.get("id"), str):
        raise ValueError("each of 'tool_calls' needs an 'id' and a 'function' with 'name' and 'arguments'")
    arguments, text = parse_arguments(function.get("arguments"))
    return ToolCall(call["id"], name, arguments, text)


def _text(part: Mapping[str, Any]) -> Text:
    if not isinstance(part["text"], str):
        raise TypeError("text")
    return Text(part["text"])


def _image(part: Mapping[str, Any]) -> Image:
    image = part.get("image_url") or part
    if isinstance(image, str):
        image = {"url": image, "detail": part.get("detail")}
    detail = image.get("detail")
    if image is part:
        return Image.from_id(part["file_id"], detail=detail)
    return Image.from_url(image["url"], detail=detail)


def _audio(part: Mapping[str, Any]) -> Audio:
    sound = part["input_audio"]
    kind = {"mp3": "mpeg"}.get(sound["format"], sound["format"])
    return Audio.from_base64(sound["data"], f"audio/{kind}")


def _file(part: Mapping[str, Any]) -> Document:
    file = part.get("file") or part
    name, data = file.get("filename"), file.get("file_data") or file.get("file_url")
    if data is None:
        return Document.from_id(file["file_id"], name=name)
    if data.startswith(("data:", "http:", "https:")):
        return Document.from_url(data, name=name)
    return Document.from_base64(data, "application/pdf", name=name)


_PARTS: dict[str, Callable[[Mapping[str, Any]], Part]] = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "image_url": _image,
    "input_image": _image,
    "input_audio": _audio,
    "file": _file,
    "input_file": _file,
    "refusal": lambda part: Refusal(part["refusal"]),
}
