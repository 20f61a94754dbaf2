"""Mending a history so that every wire accepts it: each tool call has its one result, right behind it.

Conversations are resumed, trimmed, cancelled and moved between providers; a call without its result, or the other way
round, makes most APIs refuse everything that follows.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from .messages import AIMessage, Part, Text, ToolResult

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
    results = _results(messages, warn)
    answered = frozenset(results)
    mended: list[AIMessage] = []
    for message in messages:
        kept = _without_results(message, answered, warn)
        if kept is not None:
            mended.append(kept)
        calls = message.tool_calls if message.role == "assistant" else []
        answers: list[Part] = []
        for call in calls:
            found = results.pop(call.id, None)
            if found is None:
                warn(f"the tool call {call.id!r} ({call.name}) had no result; the provider is told so.")
                found = ToolResult(call.id, NO_RESULT, call.name, is_error=True)
            answers.append(found if found.name else msgspec.structs.replace(found, name=call.name))
        if answers:
            mended.append(AIMessage(answers, "tool"))
    return mended


def _has_tools(message: AIMessage) -> bool:
    return bool(message.tool_calls) or any(isinstance(part, ToolResult) for part in message.parts)


def _results(messages: list[AIMessage], warn: Callable[[str], None]) -> dict[str, ToolResult]:
    """The results that answer a call made before them, by the call's id."""
    called: set[str] = set()
    results: dict[str, ToolResult] = {}
    for message in messages:
        for part in message.parts:
            if isinstance(part, ToolResult) and part.tool_call_id in called:
                if part.tool_call_id in results:
                    warn(f"the tool call {part.tool_call_id!r} had two results; the first one is sent.")
                results.setdefault(part.tool_call_id, part)
        if message.role == "assistant":
            called.update(call.id for call in message.tool_calls)
    return results


def _without_results(message: AIMessage, answered: frozenset[str], warn: Callable[[str], None]) -> AIMessage | None:
    """The message without the results that stand behind their calls; orphans become text. `None` when nothing is
    left."""
    if not any(isinstance(part, ToolResult) for part in message.parts):
        return message
    parts: list[Part] = []
    for part in message.parts:
        if not isinstance(part, ToolResult):
            parts.append(part)
        elif part.tool_call_id not in answered:
            warn(f"a result for the unknown tool call {part.tool_call_id!r} was sent as the user's text.")
            parts.append(Text(f"[Result of {part.name or 'a tool'}]: {part.text}"))
    if not parts:
        return None
    role = "user" if message.role == "tool" else message.role
    return AIMessage(parts, role, message.name, message.provider_data)
