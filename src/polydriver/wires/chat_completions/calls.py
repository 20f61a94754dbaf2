"""Tool calls of Chat Completions: whole ones, and which call a delta of a stream belongs to."""

from __future__ import annotations

from typing import Any

from ...contract import Wire
from ...data.arguments import LONGEST_SEED, make_call_id, parse_arguments
from ...data.assembly import ChoiceAssembly
from ...data.json import as_dict, as_list, as_str
from ...data.messages import ToolCall
from ...data.partial_calls import PartialCall

__all__ = ["add_call_deltas", "read_calls"]


def read_calls(wire: Wire, message: dict[str, Any], seed: str, *, cut: bool) -> list[ToolCall]:
    """The calls of a whole message. `seed` makes ids for those without; `cut`: the answer ended early, so the last may
    be incomplete."""
    raw_calls = [raw for raw in as_list(message.get("tool_calls")) if isinstance(raw, dict)]
    legacy = as_dict(message.get("function_call"))
    if not raw_calls and as_str(legacy.get("name")):
        raw_calls = [{"function": legacy}]
    calls = []
    for position, raw in enumerate(raw_calls):
        name, given = _read_function(raw)
        call_id = _given_id(raw)
        if not (name or call_id):
            continue
        arguments, text = parse_arguments(given, cut=cut and position == len(raw_calls) - 1)
        call_id = call_id or make_call_id(seed[:LONGEST_SEED], position)
        calls.append(ToolCall(call_id, name or "", arguments, text, _own_data(wire, raw)))
    return calls


def add_call_deltas(wire: Wire, choice: ChoiceAssembly, deltas: list[Any]) -> None:
    """Add the deltas of one event: id and name are replaced, arguments appended. An empty delta begins no call."""
    touched: set[object] = set()
    for raw in deltas:
        delta = as_dict(raw)
        name, arguments = _read_function(delta)
        call_id = _given_id(delta)
        key = _find_key(choice, delta.get("index"), call_id, name, arguments, touched)
        if key not in choice.calls and not (call_id or name or arguments):
            continue
        touched.add(key)
        call = choice.call(key)
        if call_id:
            choice.name_call(key, call_id)
        if name:
            call.name = name
        call.add_arguments(arguments)
        call.provider_data = _own_data(wire, delta) or call.provider_data


def _read_function(raw: dict[str, Any]) -> tuple[str | None, Any]:
    """Name and arguments of a function or of a custom tool. Snowflake sends both objects, one of them blank."""
    function = as_dict(raw.get("function"))
    if (not as_str(function.get("name")) and as_str(as_dict(raw.get("custom")).get("name"))) or not function:
        function = as_dict(raw.get("custom")) or function
    return as_str(function.get("name")), function.get("arguments", function.get("input"))


def _given_id(raw: dict[str, Any]) -> str | None:
    found = as_str(raw.get("id"))
    return None if found == "null" else found


def _own_data(wire: Wire, raw: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What must come back with a call: Gemini's signature, which its compatible API puts into `extra_content`."""
    extra = raw.get("extra_content")
    return {wire.origin: {"extra_content": extra}} if isinstance(extra, dict) else {}


def _find_key(
    choice: ChoiceAssembly, index: Any, call_id: str | None, name: str | None, arguments: Any, touched: set[object]
) -> object:
    """Under which key the delta's call is kept, or is to be begun.

    The index tells; where it is absent, or the same for all calls, the id does; without that, a name that cannot be a
    repetition begins a new call, and everything else belongs to the last one.
    """
    calls = choice.calls
    by_index = type(index) is int
    index = index if by_index else None
    if by_index and index not in calls:
        last = next(reversed(calls), None)
        if call_id or name or last is None or calls[last].is_whole:
            return index
        return last  # a piece without an owner goes on with the call that lacks its end
    if call_id:
        if by_index and not calls[index].id and not _is_another(calls[index], name, arguments):
            return index
        same = choice.key_of(call_id)
        if same is None:
            return index if by_index and not name else (index, call_id)
        return (index, len(calls)) if _is_another(calls[same], name, arguments) else same
    last = next(reversed(calls), None)
    key = index if by_index and not (isinstance(last, tuple) and last[0] == index) else last
    if key is None:
        return (None, 0)
    if name and (key in touched or _is_another(calls[key], name, arguments)):
        return (index, len(calls))
    return key


def _is_another(call: PartialCall, name: str | None, arguments: Any) -> bool:
    """Whether a delta with this name begins another call, and does not just repeat the name of this one."""
    if not name or not call.name:
        return False
    return name != call.name or (bool(arguments) and call.is_whole)
