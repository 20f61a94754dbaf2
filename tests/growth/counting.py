"""Work, counted: how many steps of the interpreter a piece of code takes, which no other process can change."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

__all__ = ["count_work"]

_WHOLE = frozenset({"copy", "count", "decode", "encode", "index", "insert", "remove", "replace", "split"})
"""Methods of built-in types that touch all of the object that they belong to, in C."""


def count_work(act: Callable[[], object]) -> int:
    """The instructions that `act` executes, and the sizes of what built-in methods copy or search for it."""
    work = 0

    def on_frame(frame: FrameType, kind: str, _: Any) -> Any:
        nonlocal work
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        work += kind == "opcode"
        return on_frame

    def on_call(_: FrameType, kind: str, called: Any) -> None:
        nonlocal work
        if kind == "c_call" and called.__name__ in _WHOLE:
            owner = called.__self__
            work += len(owner) // 8 if isinstance(owner, str | bytes | bytearray | list | dict | tuple) else 0

    tracer, profiler = sys.gettrace(), sys.getprofile()
    sys.setprofile(on_call)
    sys.settrace(on_frame)
    try:
        act()
    finally:
        sys.settrace(tracer)
        sys.setprofile(profiler)
    return work
