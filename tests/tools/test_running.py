"""Running calls: order, isolation, time limits, approval, events; the same for the blocking and the async form."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
import pydantic
import pytest

from polydriver.data.messages import Image, Text, ToolCall, ToolResult
from polydriver.data.prompt import ProviderTool, ToolSpec
from polydriver.errors import ToolExecutionError
from polydriver.tools import (
    Tool,
    ToolArgumentsError,
    make_tools,
    run_calls,
    run_calls_sync,
    run_tool,
    run_tool_sync,
    tool,
)

Runner = Callable[..., list[ToolResult]]


def run_async(*args: Any, **kwargs: Any) -> list[ToolResult]:
    return asyncio.run(run_calls(*args, **kwargs))


@pytest.fixture(params=[run_calls_sync, run_async], ids=["blocking", "async"])
def run(request: pytest.FixtureRequest) -> Runner:
    runner: Runner = request.param
    return runner


@tool
def add(a: int, b: int = 1) -> int:
    return a + b


@tool
async def add_later(a: int, b: int = 1) -> int:
    await asyncio.sleep(0)
    return a + b


@tool
def fail(message: str) -> None:
    raise KeyError(message)


TOOLS = [add, add_later, fail, ProviderTool(data={"type": "web_search"}), ToolSpec(name="elsewhere")]


def call(name: str, index: int = 0, /, **arguments: Any) -> ToolCall:
    return ToolCall(f"c{index}", name, arguments)


def test_results_come_in_order_and_failures_stay_apart(run: Runner) -> None:
    calls = [
        call("add", 0, a=1),
        call("fail", 1, message="no"),
        call("add_later", 2, a=2, b=5),
        call("nothing", 3),
        call("add", 4, a="x"),
        ToolCall("c5", "add", None, '{"a": 1'),
        call("elsewhere", 6),
    ]
    results = run(calls, TOOLS)
    assert [result.tool_call_id for result in results] == [f"c{index}" for index in range(7)]
    assert [result.name for result in results] == [one.name for one in calls]
    assert [result.is_error for result in results] == [False, True, False, True, True, True, True]
    assert results[0].content == "2"
    assert results[1].content == "KeyError: 'no'"
    assert results[2].content == "7"
    assert "no tool called 'nothing'" in results[3].text
    assert "add, add_later, fail, elsewhere" in results[3].text
    assert results[4].content == 'Invalid arguments for add: `a`: must be an integer, got "x"'
    assert "cut off" in results[5].text
    assert "no function here" in results[6].text


def test_no_calls(run: Runner) -> None:
    assert run([], TOOLS) == []


def test_calls_run_side_by_side(run: Runner) -> None:
    barrier = threading.Barrier(3, timeout=30)

    @tool
    def meet() -> str:
        return str(barrier.wait() >= 0)

    assert [result.content for result in run([call("meet", i) for i in range(3)], [meet])] == ["True"] * 3


async def test_async_tools_run_side_by_side() -> None:
    barrier = asyncio.Barrier(3)

    @tool
    async def meet() -> str:
        await asyncio.wait_for(barrier.wait(), 10)
        return "met"

    assert [result.content for result in await run_calls([call("meet", i) for i in range(3)], [meet])] == ["met"] * 3


@pytest.mark.parametrize("limit", [1, 2])
def test_concurrency_is_limited(run: Runner, limit: int) -> None:
    lock = threading.Lock()
    running = highest = 0

    @tool
    def work() -> None:
        nonlocal running, highest
        with lock:
            running += 1
            highest = max(highest, running)
        threading.Event().wait(0.002)
        with lock:
            running -= 1

    results = run([call("work", i) for i in range(6)], [work], max_concurrency=limit)
    assert not any(result.is_error for result in results)
    assert highest <= limit


def test_a_call_that_takes_too_long_is_reported(run: Runner) -> None:
    release = threading.Event()

    @tool(timeout=0.02)
    def hang() -> None:
        release.wait(30)

    @tool
    async def hang_later() -> None:
        await asyncio.sleep(30)

    try:
        results = run(
            [call("hang", 0), call("hang_later", 1), call("add", 2, a=1)], [hang, hang_later, add], timeout=0.05
        )
    finally:
        release.set()
    assert [result.is_error for result in results] == [True, True, False]
    assert results[0].content == "The call of hang timed out after 0.02 seconds."
    assert results[1].content == "The call of hang_later timed out after 0.05 seconds."


def test_a_tools_own_timeout_error_is_its_own(run: Runner) -> None:
    @tool(timeout=30)
    async def slow() -> None:
        raise TimeoutError("mine")

    assert run([call("slow")], [slow])[0].content == "TimeoutError: mine"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (True, "2"),
        (False, "The call of add was declined."),
        ("too dear", "The call of add was declined: too dear."),
        (None, "The call of add was declined."),
        ("", "The call of add was declined."),
    ],
)
@pytest.mark.parametrize("is_async", [False, True])
def test_approval(run: Runner, answer: Any, text: str, is_async: bool) -> None:
    asked: list[ToolCall] = []

    def approve(one: ToolCall) -> Any:
        asked.append(one)
        return answer

    async def approve_later(one: ToolCall) -> Any:
        return approve(one)

    (result,) = run([call("add", a=1)], TOOLS, approve=approve_later if is_async else approve)
    assert result.content == text
    assert result.is_error == (answer is not True)
    assert asked == [call("add", a=1)]


def test_a_failing_approval_hook_declines(run: Runner) -> None:
    def approve(one: ToolCall) -> bool:
        raise LookupError("secret")

    (result,) = run([call("add", a=1)], TOOLS, approve=approve)
    assert result.content == "The call of add was declined: the approval hook failed with LookupError."


def test_a_tool_that_requires_approval_needs_a_hook(run: Runner) -> None:
    @tool(requires_approval=True)
    def delete() -> str:
        return "gone"

    (declined,) = run([call("delete")], [delete])
    assert "no approval hook is set" in declined.text
    assert run([call("delete")], [delete], approve=lambda _: True)[0].content == "gone"


def test_events_are_told_in_the_callers_thread(run: Runner) -> None:
    told: list[tuple[str, str, Any]] = []
    threads: set[int] = set()

    def on_event(kind: str, one: ToolCall, outcome: Any, seconds: float) -> None:
        told.append((kind, one.name, outcome))
        threads.add(threading.get_ident())
        assert seconds >= 0

    results = run([call("add", 0, a=1), call("fail", 1, message="x"), call("nothing", 2)], TOOLS, on_event=on_event)
    assert threads == {threading.get_ident()}
    assert ("called", "add", None) in told
    assert ("completed", "add", results[0]) in told
    assert {(kind, name) for kind, name, _ in told} == {
        ("called", "add"),
        ("completed", "add"),
        ("called", "fail"),
        ("failed", "fail"),
        ("failed", "nothing"),
    }
    failures = {name: type(outcome) for kind, name, outcome in told if kind == "failed"}
    assert failures == {"fail": KeyError, "nothing": ToolExecutionError}


def test_context_variables_reach_the_tools(run: Runner) -> None:
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user", default="nobody")

    @tool
    def who() -> str:
        return user.get()

    @tool
    async def who_later() -> str:
        return user.get()

    user.set("ada")
    results = run([call("who", 0), call("who_later", 1), call("who", 2)], [who, who_later])
    assert [result.content for result in results] == ["ada"] * 3


async def test_async_tools_can_be_run_blocking_inside_a_loop() -> None:
    assert run_tool_sync(add_later, call("add_later", a=1)).content == "2"


async def test_one_tool() -> None:
    assert (await run_tool(add, call("add", a=1))).content == "2"
    assert (await run_tool(add_later, call("add_later", a=1))).content == "2"
    assert run_tool_sync(add, call("add", a=1)).content == "2"
    assert run_tool_sync(fail, call("fail", message="x")).is_error


def test_a_plain_function_that_gives_a_coroutine(run: Runner) -> None:
    (made,) = make_tools([lambda_for(add_later)])
    assert run([call("indirect", a=4)], [made])[0].content == "5"


def lambda_for(inner: Tool) -> Callable[[int], Any]:
    def indirect(a: int) -> Any:
        return inner(a)

    return indirect


@pytest.mark.parametrize("fatal", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("count", [1, 2])
def test_interrupts_pass(run: Runner, fatal: type[BaseException], count: int) -> None:
    @tool
    def stop() -> None:
        raise fatal

    with pytest.raises(fatal):
        run([call("stop", index) for index in range(count)], [stop])


async def test_cancelling_passes_and_reaches_the_tools() -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    @tool
    async def wait() -> None:
        started.set()
        try:
            await asyncio.sleep(30)
        finally:
            cancelled.set()

    task = asyncio.create_task(run_calls([call("wait")], [wait]))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cancelled.is_set()


def test_something_cancelled_inside_a_tool_is_that_tools_failure(run: Runner) -> None:
    @tool
    async def inner() -> None:
        raise asyncio.CancelledError("inner")

    results = run([call("inner", 0), call("add", 1, a=1)], [inner, add])
    assert results[0].content == "CancelledError: inner"
    assert results[1].content == "2"


def test_a_hanging_thread_does_not_hold_up_the_interpreter() -> None:
    program = """
import asyncio, threading
from polydriver.data.messages import ToolCall
from polydriver.tools import run_calls, run_calls_sync, tool

@tool(timeout=0.01)
def hang() -> None:
    threading.Event().wait(60)

calls = [ToolCall("a", "hang"), ToolCall("b", "hang")]
assert all(result.is_error for result in run_calls_sync(calls, [hang]))
assert all(result.is_error for result in asyncio.run(run_calls(calls, [hang])))
print("done")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout, done.stderr) == ("done\n", "")


@dataclass
class Point:
    x: int


class Shape(msgspec.Struct):
    points: list[Point]


class Person(pydantic.BaseModel):
    name: str


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise ValueError


IMAGE = Image.from_bytes(b"x", "image/png")


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ("text", "text"),
        ("", ""),
        (None, ""),
        (0, "0"),
        (False, "false"),
        ({"a": [1]}, '{"a":[1]}'),
        ({1: "x"}, '{"1":"x"}'),
        ((1, 2), "[1,2]"),
        ([2**70, "\u00e9"], '[1180591620717411303424,"\u00e9"]'),
        (Decimal("1.10"), "1.10"),
        (Shape([Point(1)]), '{"points":[{"x":1}]}'),
        (Person(name="Ada"), '{"name":"Ada"}'),
        ([Person(name="Ada")], '[{"name":"Ada"}]'),
        (Text("x"), "x"),
        (IMAGE, [IMAGE]),
        (["see", IMAGE, {"a": 1}], [Text("see"), IMAGE, Text('{"a":1}')]),
        ("lone \ud800", "lone ?"),
    ],
)
def test_what_tools_return(value: Any, content: Any) -> None:
    made = Tool(name="give", function=lambda: value, parameters={"type": "object"})
    assert run_tool_sync(made, call("give")) == ToolResult("c0", content, "give")


def test_a_result_of_the_tools_own_making() -> None:
    made = Tool(name="give", function=lambda: ToolResult("", "bad", is_error=True))
    assert run_tool_sync(made, call("give")) == ToolResult("c0", "bad", "give", is_error=True)


@pytest.mark.parametrize("value", [b"x", object(), {"a": object()}, (n for n in "ab")])
def test_what_tools_cannot_return(value: Any) -> None:
    result = run_tool_sync(Tool(name="give", function=lambda: value), call("give"))
    assert result.is_error
    assert result.text.startswith("TypeError: ")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("bad"), "ValueError: bad"),
        (ValueError(), "ValueError"),
        (Unspeakable(), "Unspeakable"),
        (ToolExecutionError("said so"), "said so"),
        (ToolArgumentsError("said so"), "said so"),
    ],
)
def test_failures_are_told_without_a_traceback(run: Runner, error: Exception, text: str) -> None:
    def give() -> None:
        raise error

    (result,) = run([call("give")], [Tool(name="give", function=give)])
    assert result.is_error
    assert result.text == text


def test_long_failures_are_cut() -> None:
    def give() -> None:
        raise ValueError("x" * 100_000)

    assert len(run_tool_sync(Tool(name="give", function=give), call("give")).text) == 4000


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("colour", ["plain", "async"])
def test_what_ends_the_program_leaves_nothing_behind(kind: type[BaseException], colour: str) -> None:
    """The caller gets it, and no task or future complains later that nobody looked at its exception."""
    code = f"""
import asyncio, gc, time
from polydriver.data.messages import ToolCall
from polydriver.tools import run_calls, tool
@tool
def plain() -> str:
    time.sleep(0.01)
    raise {kind.__name__}
@tool(name="async")
async def later() -> str:
    await asyncio.sleep(0.01)
    raise {kind.__name__}
@tool
async def slow() -> str:
    await asyncio.sleep(60)
calls = [ToolCall(id="a", name={colour!r}, arguments={{}}), ToolCall(id="b", name="slow", arguments={{}})]
try:
    asyncio.run(run_calls(calls, [plain, later, slow]))
except {kind.__name__}:
    print("ended")
gc.collect()
"""
    done = subprocess.run([sys.executable, "-X", "dev", "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("ended\n", "")


@pytest.mark.filterwarnings("error")
async def test_cancelled_calls_leave_nothing_behind() -> None:
    """Whatever the tools do then, and whenever it happens."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))

    @tool
    def fails_late() -> str:
        time.sleep(0.01)
        raise ValueError

    @tool
    def returns_a_coroutine() -> Any:
        time.sleep(0.01)
        return asyncio.sleep(60)

    @tool
    async def fails_when_cancelled() -> str:
        try:
            await asyncio.sleep(60)
        finally:
            raise ValueError

    tools = [fails_late, returns_a_coroutine, fails_when_cancelled]
    calls = [call(made.name, number) for number, made in enumerate(tools)]
    for turn in range(20):
        running = asyncio.create_task(run_calls(calls, tools))
        await asyncio.sleep(turn * 0.001)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        del running
        gc.collect()
    await asyncio.sleep(0.05)
    gc.collect()
    assert complaints == []
