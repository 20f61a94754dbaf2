"""Ctrl-C at every line of a call: no place is lost, and the next call works."""

from __future__ import annotations

import json
import linecache
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from tests.faults.server import AGAIN, READ, Server, chunked, reply

from polydriver import OpenAIDriver

_CHUNK = {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}]}
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_STREAM = _HEAD + chunked(f"data: {json.dumps(_CHUNK)}\n\ndata: [DONE]\n\n".encode())
_MESSAGE = {"role": "assistant", "content": "a"}
_WHOLE = reply(
    json.dumps({"id": "c", "model": "m", "choices": [{"message": _MESSAGE, "finish_reason": "stop"}]}).encode()
)
_STEP = 7


class Interrupt:
    """Ctrl-C before the n-th line of ours; `came` says whether there were so many."""

    def __init__(self, line: int) -> None:
        self.left = line
        self.came = False

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        ours = "polydriver/engine" in code.co_filename or "polydriver/provider" in code.co_filename
        return self.line if ours and code.co_name != "__del__" else None

    def line(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            self.left -= 1
            text = linecache.getline(frame.f_code.co_filename, frame.f_lineno).split()
            # A signal never comes between the end of a `with` and its exit, nor while a `finally` begins.
            if self.left <= 0 and text[0] not in ("with", "async"):
                self.came = True
                sys.settrace(None)
                raise KeyboardInterrupt
        return self.line


def interrupt(act: Callable[[], object], line: int) -> bool:
    """Whether the act was interrupted before its n-th line."""
    before, trace = sys.gettrace(), Interrupt(line)
    sys.settrace(trace)
    try:
        act()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return trace.came


@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", ["whole", "stream"])
def test_at_every_line_of_a_call(kind: str) -> None:
    with Server([READ, _WHOLE if kind == "whole" else _STREAM, AGAIN]) as server:
        driver = OpenAIDriver(
            {"api_key": "sk-0123456789abcdef", "rate_limiting": {"max_concurrent": 1, "mode": "raise"}},
            base_url=f"{server.url}/v1",
            http={"max_connections": 1},
        )

        def ask() -> None:
            if kind == "whole":
                driver.send_message("Hi", model="m", api="chat", deadline=30)
                return
            with driver.send_streaming_message("Hi", model="m", api="chat", deadline=30) as stream:
                for _ in stream:
                    pass

        ask()
        line = 1
        while interrupt(ask, line):
            ask()
            assert not driver.connection.outstanding
            assert not len(driver.connection.running)
            line += _STEP
        assert line > 300
        driver.close()
