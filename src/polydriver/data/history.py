"""Mending a history so that every wire accepts it: each tool call has its one result, right behind it.

Conversations are resumed, trimmed, cancelled and moved between providers; a call without its result, or the other way
round, makes most APIs refuse everything that follows.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from .messages import AIMessage, Part, Text, ToolCall, ToolResult

__all__ = ["NO_RESULT", "mend_history"]

NO_RESULT = "No result: the call was not run."
"""What a call without a result is answered with."""


def mend_history(messages: list[AIMessage], warn: Callable[[str], None]) -> list[AIMessage]:
    """The same list when nothing is wrong, else a mended one.

    - A call without a result gets one that says so (`NO_RESULT`, an error).
    - A result that stands elsewhere is moved behind its call; a second one for the same call is left out.
    - A result without a call becomes text of the user, so that nothing is lost.
    - Results get the name of their tool, for wires that answer by name.
    """
    if not any(type(message.content) is list and _has_tools(message) for message in messages):
        return messages
    results = _match_results(messages)
    mended: list[AIMessage] = []
    for index, message in enumerate(messages):
        kept = _without_results(message, index, results, warn)
        if kept is not None:
            mended.append(kept)
        answers = [_answer(call, results.get((index, call.id)), warn) for call in _calls(message)]
        if answers:
            mended.append(AIMessage(answers, "tool"))
    return mended


_Results = dict[tuple[int, str], tuple[int, ToolResult]]
"""By the message and the id of the call: the message that the result stood in, and the result."""


def _has_tools(message: AIMessage) -> bool:
    return bool(message.tool_calls) or any(isinstance(part, ToolResult) for part in message.parts)


def _calls(message: AIMessage) -> list[ToolCall]:
    return message.tool_calls if message.role == "assistant" else []


def _match_results(messages: list[AIMessage]) -> _Results:
    """Match results with calls: a result belongs to the latest call of its id before it. Services do use an id again."""
    latest: dict[str, int] = {}
    results: _Results = {}
    for index, message in enumerate(messages):
        for part in message.parts:
            if isinstance(part, ToolResult) and part.tool_call_id in latest:
                results.setdefault((latest[part.tool_call_id], part.tool_call_id), (index, part))
        for call in _calls(message):
            latest[call.id] = index
    return results


def _answer(call: ToolCall, found: tuple[int, ToolResult] | None, warn: Callable[[str], None]) -> Part:
    if found is None:
        warn(f"the tool call {call.id!r} ({call.name}) had no result; the provider is told so.")
        return ToolResult(call.id, NO_RESULT, call.name, is_error=True)
    result = found[1]
    return result if result.name else msgspec.structs.replace(result, name=call.name)


def _without_results(
    message: AIMessage, index: int, results: _Results, warn: Callable[[str], None]
) -> AIMessage | None:
    """The message without the results that belong behind calls; orphans become text. `None` when nothing is left."""
    if not any(isinstance(part, ToolResult) for part in message.parts):
        return message
    matched = [result for at, result in results.values() if at == index]
    called = {call_id for (at, call_id) in results if at < index}
    parts: list[Part] = []
    for part in message.parts:
        if not isinstance(part, ToolResult):
            parts.append(part)
        elif any(part is result for result in matched):
            continue
        elif part.tool_call_id in called:
            warn(f"the tool call {part.tool_call_id!r} had two results; the first one is sent.")
        else:
            warn(f"a result for the unknown tool call {part.tool_call_id!r} was sent as the user's text.")
            parts.append(Text(f"[Result of {part.name or 'a tool'}]: {part.text}"))
    if not parts:
        return None
    return AIMessage(parts, "user" if message.role == "tool" else message.role, message.name, message.provider_data)
