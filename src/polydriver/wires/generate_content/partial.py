"""Function calls that are streamed: a name first, then arguments piece by piece, each with the JSON path of its place.

https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling (streaming of function call arguments)
"""

from __future__ import annotations

import re
from typing import Any

from ...data.json import as_dict, as_list, as_str, encode_json
from ...data.messages import ToolCall
from ...data.partial_calls import PartialCall

__all__ = ["PartialArguments", "StreamedCall"]

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d{1,6})\]|\[['\"]([^'\"]*)['\"]\]")
_VALUES = ("stringValue", "numberValue", "boolValue", "nullValue")
_MAX_DEPTH = 100


class StreamedCall:
    """One call on its way. `partial` is what a broken stream shows of it."""

    __slots__ = ("_arguments", "_origin", "partial")

    def __init__(self, partial: PartialCall, origin: str) -> None:
        self.partial = partial
        self._origin = origin
        self._arguments = PartialArguments()

    def add(self, call: dict[str, Any], signature: str | None) -> None:
        """Take one `functionCall` of the stream, and the thought signature that came beside it."""
        partial = self.partial
        partial.name = as_str(call.get("name")) or partial.name
        given = as_str(call.get("id"))
        partial.id = given or partial.id
        for field, value in (("id", given), ("thoughtSignature", signature)):
            if value:
                own = {**partial.provider_data.get(self._origin, {}), field: value}
                partial.provider_data = {self._origin: own}
        if isinstance(args := call.get("args"), dict):
            self._arguments.value.update(args)
        for piece in as_list(call.get("partialArgs")):
            self._arguments.add(as_dict(piece))

    def close(self, made_id: str, *, whole: bool) -> ToolCall | None:
        """The call, incomplete unless it is `whole` and each piece found its place; `None` when there never was one."""
        partial, arguments = self.partial, self._arguments
        if not partial.name and not arguments.value:
            return None
        complete = whole and arguments.ok
        text = None if complete else encode_json(arguments.value).decode()
        value = arguments.value if complete else None
        return ToolCall(partial.id or made_id, partial.name, value, text, partial.provider_data)


class PartialArguments:
    """The arguments of one call so far. `ok` is false once a piece came whose place cannot be found."""

    __slots__ = ("_last", "_open", "_pieces", "_value", "ok")

    def __init__(self) -> None:
        self._value: dict[str, Any] = {}
        self._last: tuple[Any, Any] | None = None
        self._pieces: list[str] = []
        self.ok = True
        self._open: str | None = None

    def add(self, piece: dict[str, Any]) -> None:
        """Put one piece in its place. A text that was to be continued is appended to."""
        path = piece.get("jsonPath")
        name = next((name for name in _VALUES if name in piece), None)
        steps = _parse_path(path)
        if steps is None or name is None:
            self.ok = False
            return
        value = None if name == "nullValue" else piece[name]
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not (path == self._open and isinstance(value, str) and self._append(value)):
            self._join()
            self.ok = self._put(steps, value) and self.ok
        self._open = path if piece.get("willContinue") is True else None

    @property
    def value(self) -> dict[str, Any]:
        """The arguments so far."""
        self._join()
        return self._value

    def _append(self, text: str) -> bool:
        """Go on with the text that was put last, if it was one."""
        if self._last is None or not isinstance(self._last[0][self._last[1]], str):
            return False
        self._pieces.append(text)
        return True

    def _join(self) -> None:
        if self._last is not None and self._pieces:
            holder, step = self._last
            holder[step] += "".join(self._pieces)
            self._pieces.clear()

    def _put(self, steps: list[str | int], value: Any) -> bool:
        holder: Any = self._value
        self._last = None
        for position, step in enumerate(steps):
            if not _has_place(holder, step):
                return False
            last = position == len(steps) - 1
            known = step in holder if isinstance(holder, dict) else step < len(holder)  # type: ignore[operator]
            if last:
                filled = value
                self._last = (holder, step)
            elif known:
                holder = holder[step]
                continue
            else:
                filled = [] if isinstance(steps[position + 1], int) else {}
            if known or isinstance(holder, dict):
                holder[step] = filled
            else:
                holder.append(filled)
            holder = filled
        return True


def _has_place(holder: Any, step: str | int) -> bool:
    """Whether `step` leads into `holder`: lists grow by one element at a time."""
    if isinstance(step, int):
        return isinstance(holder, list) and step <= len(holder)
    return isinstance(holder, dict)


def _parse_path(path: Any) -> list[str | int] | None:
    """The steps of `$.a.b[0]`, or `None` for what is no such path."""
    if not isinstance(path, str) or not path.startswith(("$.", "$[")):
        return None
    steps: list[str | int] = []
    position = 1
    while position < len(path):
        found = _STEP.match(path, position)
        if found is None or len(steps) > _MAX_DEPTH:
            return None
        key, index, quoted = found.groups()
        steps.append(int(index) if index is not None else key if key is not None else quoted)
        position = found.end()
    return steps
