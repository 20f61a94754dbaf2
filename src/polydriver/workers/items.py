"""The items of work in bulk, as plain data: a prompt, a list of messages, an object with either, or a line of OpenAI's.

OpenAI's lines are `{"custom_id": ..., "method": "POST", "url": "/v1/chat/completions", "body": {...}}`, also with
`/v1/responses`: https://platform.openai.com/docs/guides/batch
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..prompting import PROMPT_OPTIONS

__all__ = ["ItemPrompt", "read_id", "read_item"]

_ENDPOINTS = ("/v1/chat/completions", "/v1/responses")
_LEFT_OUT = frozenset({"stream", "stream_options"})
_NAMES = {"max_completion_tokens": "max_tokens", "max_output_tokens": "max_tokens"}
"""What OpenAI calls otherwise than we do."""


class ItemPrompt(NamedTuple):
    """What an item asks for."""

    messages: list[Any]
    options: dict[str, Any]


def read_item(value: Any) -> ItemPrompt:
    """What an item asks for: a prompt, a list of messages, an object with either, or a line of OpenAI's batches.

    Raises `ValueError` for what cannot be sent, with the reason.
    """
    if isinstance(value, str):
        return ItemPrompt([value], {})
    if isinstance(value, list):
        return ItemPrompt(value, {})
    if not isinstance(value, dict):
        raise ValueError(f"a line is a prompt, a list of messages or an object, not {type(value).__name__}")
    if isinstance(value.get("body"), dict) and "url" in value:
        return _read_openai(value["url"], value["body"])
    return _read_own(value)


def read_id(value: Any) -> str | None:
    """The id of an item: its `custom_id` or `id`, a text or a whole number. `None` where it has none."""
    given = value.get("custom_id", value.get("id")) if isinstance(value, dict) else None
    is_id = isinstance(given, str | int) and not isinstance(given, bool) and given != ""
    return str(given) if is_id else None


def _read_own(value: dict[str, Any]) -> ItemPrompt:
    options = {name: item for name, item in value.items() if name not in ("id", "custom_id")}
    prompt, messages, system = (options.pop(name, None) for name in ("prompt", "messages", "system"))
    if (prompt is None) == (messages is None):
        raise ValueError("it needs either a 'prompt' or 'messages'")
    if prompt is not None:
        messages = [prompt]
    if not isinstance(messages, list):
        raise ValueError(f"its 'messages' must be a list, not {type(messages).__name__}")
    return ItemPrompt(_with_system(system, messages), options)


def _with_system(system: Any, messages: list[Any]) -> list[Any]:
    return messages if system is None else [{"role": "system", "content": system}, *messages]


def _read_openai(url: Any, body: dict[str, Any]) -> ItemPrompt:
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
    return ItemPrompt(_with_system(system, messages), options)


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
