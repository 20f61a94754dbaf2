"""Mending a history so that every wire accepts it: each tool call has an id of its own and its one result, right
behind it.

Conversations are resumed, trimmed, cancelled and moved between providers; a call without its result, or the other way
round, makes most APIs refuse everything that follows, and so does an id that stands for two calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from .arguments import make_call_id
from .json import encode_json
from .messages import AIMessage, Audio, Document, Image, Part, Text, ToolCall, ToolResult, Video

__all__ = ["CONTINUATION", "NO_RESULT", "OPENING", "mend_history", "tell_tools"]

NO_RESULT = "No result: the call was not run."
"""What a call without a result is answered with."""

CONTINUATION = "Continue."
"""What the user says after the start of an answer, to models that only answer a user."""

OPENING = "(The assistant speaks first.)"
"""What the user says ahead of a history that begins with the assistant, on wires that want the user to begin."""


def mend_history(messages: list[AIMessage], warn: Callable[[str], None]) -> list[AIMessage]:
    """The same list when nothing is wrong, else a mended one.

    - A call without a result gets one that says so (`NO_RESULT`, an error).
    - A result that stands elsewhere is moved behind its call; a second one for the same call is left out.
    - A result without a call becomes the user's, text and files, so that nothing is lost.
    - Results get the name of their tool, for wires that answer by name.
    - A call that uses an earlier call's id again, as some services do, gets another; so does its result.
    """
    if not any(type(message.content) is list and _has_tools(message) for message in messages):
        return messages
    results = _match_results(messages)
    used: dict[str, int] = {}
    mended: list[AIMessage] = []
    for index, message in enumerate(messages):
        kept = _without_results(message, index, results, warn)
        calls = _calls(message)
        if not calls:
            mended += [kept] if kept is not None else []
            continue
        fresh = [_with_own_id(call, used) for call in calls]
        mended.append(_with_calls(kept or message, fresh))
        answers = [_answer(call, results.get((index, place)), warn) for place, call in enumerate(fresh)]
        mended.append(AIMessage(answers, "tool"))
    return mended


_Results: TypeAlias = dict[tuple[int, int], tuple[int, ToolResult]]
"""By the index of a message and the place of a call in it: the message that its result stood in, and the result."""


def _has_tools(message: AIMessage) -> bool:
    return bool(message.tool_calls) or any(isinstance(part, ToolResult) for part in message.parts)


def _calls(message: AIMessage) -> list[ToolCall]:
    return message.tool_calls if message.role == "assistant" else []


def _match_results(messages: list[AIMessage]) -> _Results:
    """Match results with calls: a result belongs to the latest call of its id before it.

    Parallel calls that share an id get their results in order.
    """
    latest: dict[str, list[tuple[int, int]]] = {}
    results: _Results = {}
    for index, message in enumerate(messages):
        for part in message.parts:
            if isinstance(part, ToolResult):
                waiting = [call for call in latest.get(part.tool_call_id, ()) if call not in results]
                if waiting:
                    results[waiting[0]] = (index, part)
        called: dict[str, list[tuple[int, int]]] = {}
        for place, call in enumerate(_calls(message)):
            called.setdefault(call.id, []).append((index, place))
        latest |= called
    return results


def _with_own_id(call: ToolCall, used: dict[str, int]) -> ToolCall:
    """The call, under another id if an earlier one has its id. The same history gives the same ids."""
    count = used[call.id] = used.get(call.id, 0) + 1
    return call if count == 1 else msgspec.structs.replace(call, id=make_call_id(call.id, count))


def _with_calls(message: AIMessage, calls: list[ToolCall]) -> AIMessage:
    """The message with these calls in place of its own."""
    if all(new is old for new, old in zip(calls, message.tool_calls, strict=True)):
        return message
    rest = iter(calls)
    parts: list[Part] = [next(rest) if isinstance(part, ToolCall) else part for part in message.parts]
    return msgspec.structs.replace(message, content=parts)


def _answer(call: ToolCall, found: tuple[int, ToolResult] | None, warn: Callable[[str], None]) -> Part:
    if found is None:
        warn(f"the tool call {call.id!r} ({call.name}) had no result; the provider is told so.")
        return ToolResult(call.id, NO_RESULT, call.name, is_error=True)
    result = found[1]
    if result.name and result.tool_call_id == call.id:
        return result
    return msgspec.structs.replace(result, name=result.name or call.name, tool_call_id=call.id)


def _without_results(
    message: AIMessage, index: int, results: _Results, warn: Callable[[str], None]
) -> AIMessage | None:
    """The message without the results that belong behind calls; orphans become the user's.

    `None` when nothing is left.
    """
    if not any(isinstance(part, ToolResult) for part in message.parts):
        return message
    matched = [result for at, result in results.values() if at == index]
    called = {result.tool_call_id for (at, _), (_, result) in results.items() if at < index}
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
            if isinstance(part.content, list):
                parts += [inner for inner in part.content if isinstance(inner, Image | Audio | Video | Document)]
    if not parts:
        return None
    return AIMessage(parts, "user" if message.role == "tool" else message.role, message.name, message.provider_data)


def tell_tools(message: AIMessage) -> AIMessage:
    """The message with calls and results told in words, for models that call no tools. Results are the user's."""
    if not _has_tools(message):
        return message
    role = "user" if message.role == "tool" else message.role
    return AIMessage([_in_words(part) for part in message.parts], role, name=message.name)


def _in_words(part: Part) -> Part:
    if isinstance(part, ToolCall):
        return Text(f"[called the tool {part.name} with {encode_json(part.arguments or {}).decode()}]\n")
    if isinstance(part, ToolResult):
        return Text(f"[the tool {part.name or part.tool_call_id} answered: {part.text}]\n")
    return part
