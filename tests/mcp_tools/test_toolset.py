from __future__ import annotations

import asyncio
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from mcp import Client
from mcp.server.mcpserver import MCPServer
from mcp.types import ListToolsResult, PaginatedRequestParams
from mcp.types import Tool as RemoteTool
from tests.mcp_tools.conftest import serve
from tests.mcp_tools.server import server as in_process

from polydriver import (
    AI,
    APIConnectionError,
    APITimeoutError,
    AsyncAI,
    ConfigurationError,
    InvalidResponseError,
    ToolCall,
    ToolExecutionError,
    ToolResult,
)
from polydriver.mcp import MCPTools
from polydriver.testing import tool_call
from polydriver.tools import run_calls, run_calls_sync

Program = tuple[str, list[str], dict[str, Any]]


def stdio(program: Program, **options: Any) -> MCPTools:
    command, arguments, fields = program
    return MCPTools.stdio(command, arguments, **fields, **options)


def calls(*wanted: tuple[str, dict[str, Any]]) -> list[ToolCall]:
    return [ToolCall(f"call_{number}", name, arguments) for number, (name, arguments) in enumerate(wanted)]


def texts(results: list[ToolResult]) -> list[str]:
    return [result.text for result in results]


TURN = calls(
    ("add", {"a": 1, "b": 2}),
    ("files_read_now_", {"path": "x"}),
    ("refuse", {}),
    ("add", {"a": "one", "b": 2}),
    ("big", {"size": 5000}),
)


def check_turn(results: list[ToolResult]) -> None:
    assert [result.is_error for result in results] == [False, False, True, True, True]
    assert texts(results)[:3] == ["3", "content of x", "no such city"]
    assert "Invalid arguments for add" in results[3].text
    assert "5000 bytes" in results[4].text


def test_blocking_callers_use_a_program(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with stdio(program, max_result_bytes=1000, env={"GIVEN": "yes"}) as tools:
        add = next(tool for tool in tools if tool.name == "add")
        assert add.description == "Add two numbers."
        assert add.parameters["required"] == ["a", "b"]
        check_turn(run_calls_sync(TURN, tools))
        asked = calls(("environment", {"name": "OPENAI_API_KEY"}), ("environment", {"name": "GIVEN"}))
        assert texts(run_calls_sync(asked, tools)) == ["not set", "yes"], "a program gets no keys of ours"
        leaving = run_calls_sync(calls(("leave", {})), tools)
        assert leaving[0].is_error
        assert "Connection closed" in leaving[0].text
    assert len(tools) == 0


async def test_async_callers_use_a_program(program: Program) -> None:
    async with stdio(program, max_result_bytes=1000) as tools:
        check_turn(await run_calls(TURN, tools))


def test_blocking_callers_use_http(http_url: str) -> None:
    with MCPTools.http(http_url, headers={"authorization": "Bearer hidden-key"}, max_result_bytes=1000) as tools:
        check_turn(run_calls_sync(TURN, tools))
        assert "hidden" not in repr(tools)


async def test_async_callers_use_http(http_url: str) -> None:
    async with MCPTools.http(http_url, max_result_bytes=1000) as tools:
        check_turn(await run_calls(TURN, tools))


def test_blocking_callers_use_sse(sse_url: str) -> None:
    with MCPTools.sse(sse_url, max_result_bytes=1000) as tools:
        check_turn(run_calls_sync(TURN, tools))


async def test_async_callers_use_sse(sse_url: str) -> None:
    async with MCPTools.sse(sse_url, max_result_bytes=1000) as tools:
        check_turn(await run_calls(TURN, tools))


async def test_an_open_session_is_used_and_left_open() -> None:
    async with Client(in_process) as client:
        for session in (client, client.session):
            async with MCPTools.session(session, max_result_bytes=1000) as tools:
                check_turn(await run_calls(TURN, tools))
        assert (await client.list_tools()).tools


def test_an_open_session_is_for_async_callers() -> None:
    with pytest.raises(ConfigurationError, match="async with"), MCPTools.session(object()):
        pass


def test_a_conversation_runs_the_tools() -> None:
    ai = AI.fake([tool_call("math_add", a=20, b=22), "It is 42."])
    with MCPTools.in_process(in_process, prefix="math") as tools:
        chat = ai.conversation().tools(*tools)
        assert chat.run_tools("20 + 22?").content == "It is 42."
    assert chat.history[2].parts[0].content == "42"  # type: ignore[union-attr]


async def test_an_async_conversation_runs_the_tools() -> None:
    ai = AsyncAI.fake([tool_call("add", a=20, b=22), "It is 42."])
    async with MCPTools.in_process(in_process) as tools:
        answer = await ai.conversation().tools(*tools).run_tools("20 + 22?")
    assert answer.content == "It is 42."


async def test_tools_of_either_colour_run_for_the_other() -> None:
    with MCPTools.in_process(in_process) as tools:
        assert texts(await run_calls(TURN[:1], list(tools))) == ["3"]
    async with MCPTools.in_process(in_process) as tools:
        results = await asyncio.to_thread(run_calls_sync, TURN[:1], list(tools))
    assert texts(results) == ["3"]


async def test_opening_and_closing_may_be_in_different_tasks() -> None:
    tools = MCPTools.in_process(in_process)
    await asyncio.create_task(tools.__aenter__())
    assert texts(await run_calls(TURN[:1], list(tools))) == ["3"]
    await asyncio.create_task(tools.__aexit__(None, None, None))


def test_a_call_that_hangs_times_out_alone() -> None:
    with MCPTools.in_process(in_process, timeout=0.05) as tools:
        results = run_calls_sync(calls(("hang", {}), ("add", {"a": 1, "b": 1})), tools)
    assert results[0].is_error
    assert "timed out after 0.05 seconds" in results[0].text
    assert results[1].text == "2"


async def test_an_async_call_that_hangs_times_out_alone() -> None:
    async with MCPTools.in_process(in_process, timeout=0.05) as tools:
        results = await run_calls(calls(("hang", {}), ("add", {"a": 1, "b": 1})), tools)
    assert "timed out after 0.05 seconds" in results[0].text
    assert results[1].text == "2"


def test_calls_can_need_an_approval() -> None:
    with MCPTools.in_process(in_process, requires_approval=["add"]) as tools:
        assert {tool.name for tool in tools if tool.requires_approval} == {"add"}
        declined = run_calls_sync(TURN[:2], tools)
        approved = run_calls_sync(TURN[:2], tools, approve=lambda call: True)
    assert [result.is_error for result in declined] == [True, False]
    assert [result.is_error for result in approved] == [False, False]


def test_tools_can_be_chosen() -> None:
    with MCPTools.in_process(in_process, only=["add"], max_tools=1) as tools:
        assert [tool.name for tool in tools] == ["add"]
        assert tools[0].name == "add"
    with (
        pytest.raises(ConfigurationError, match="no tool called nothing"),
        MCPTools.in_process(in_process, only=["nothing"]),
    ):
        pass
    with pytest.raises(ConfigurationError, match="max_tools=1"), MCPTools.in_process(in_process, max_tools=1):
        pass


def test_an_unknown_option_is_told() -> None:
    with pytest.raises(ConfigurationError, match="no option prefx"):
        MCPTools.in_process(in_process, prefx="a")


def test_a_tool_outlives_its_connection_without_harm() -> None:
    with MCPTools.in_process(in_process, only=["add"]) as tools:
        add = tools[0]
        with pytest.raises(ConfigurationError, match="open already"):
            tools.__enter__()
    with pytest.raises(ToolExecutionError, match="was closed"):
        add.run({"a": 1, "b": 2})
    with tools:
        assert tools[0].run({"a": 1, "b": 2}).text == "3"


def test_no_thread_is_left_behind() -> None:
    with MCPTools.in_process(in_process) as tools:
        assert tools
        assert [thread for thread in threading.enumerate() if thread.name == "polydriver-mcp"]
    assert not [thread for thread in threading.enumerate() if thread.name == "polydriver-mcp"]


def test_a_program_that_is_missing_is_our_error() -> None:
    with pytest.raises(APIConnectionError, match="cannot be reached"), MCPTools.stdio("no-such-program-here"):
        pass


async def test_an_address_where_nobody_listens_is_our_error() -> None:
    with pytest.raises(APIConnectionError, match="cannot be reached") as caught:
        async with MCPTools.http("http://127.0.0.1:9/mcp?key=hidden-key"):
            pass
    assert "hidden-key" not in str(caught.value)


def test_a_program_that_never_answers_is_our_error(program: Program) -> None:
    command, _, fields = program
    tools = MCPTools.stdio(command, ["-c", "import sys; sys.stdin.read()"], **fields, connect_timeout=0.3)
    with pytest.raises(APITimeoutError, match=r"within 0\.3 seconds"), tools:
        pass


@pytest.mark.parametrize("kind", [MCPTools.http, MCPTools.sse])
def test_a_silent_address_is_told_with_the_option_that_is_meant(kind: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/mcp"
        with pytest.raises(APITimeoutError, match=r"within 0\.3 seconds\. Raise `connect_timeout`"):
            kind(url, connect_timeout=0.3).__enter__()


@pytest.mark.parametrize(
    "reply",
    [
        (401, "text/plain", b"no access for hidden-key"),
        (500, "text/html", b"<html>oops</html>"),
        (200, "text/html", b"<html>hello</html>"),
        (200, "application/json", b'{"jsonrpc'),
        (200, "application/json", b"[1]"),
        (200, "text/event-stream", b"data: nonsense hidden-key\n\n"),
    ],
    ids=lambda reply: f"{reply[0]} {reply[1]}",
)
def test_a_server_that_is_none_is_our_error(reply: tuple[int, str, bytes]) -> None:
    status, kind, body = reply

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url, headers = f"http://127.0.0.1:{server.server_port}/mcp", {"authorization": "Bearer hidden-key"}
        with pytest.raises(APIConnectionError) as caught, MCPTools.http(url, headers=headers, connect_timeout=5):
            pass
        server.shutdown()
    assert "hidden-key" not in str(caught.value)


def test_a_program_that_is_no_server_is_our_error(program: Program) -> None:
    command, _, fields = program
    with pytest.raises(APIConnectionError), MCPTools.stdio(command, ["-c", "print('hello')"], **fields):
        pass


def until(condition: Any) -> None:
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it does not come")


@pytest.mark.parametrize("mode", ["stdio", "http"])
def test_a_changed_list_is_read_anew(mode: str, program: Program, http_url: str) -> None:
    with stdio(program) if mode == "stdio" else MCPTools.http(http_url) as tools:
        before = [tool.name for tool in tools]
        assert "grown" not in before
        run_calls_sync(calls(("grow", {})), tools)
        until(lambda: "grown" in [tool.name for tool in tools])
        assert texts(run_calls_sync(calls(("grown", {})), tools)) == ["new"]


def paged(pages: int) -> MCPServer:
    """A server that lists one tool on each page."""
    server = MCPServer("pages")

    async def list_tools(context: Any, params: Any) -> ListToolsResult:
        number = int(params.cursor or 0) if params else 0
        following = str(number + 1) if number + 1 < pages else None
        tool = RemoteTool(name=f"tool_{number}", input_schema={"type": "object"})
        return ListToolsResult(tools=[tool], next_cursor=following)

    server._lowlevel_server.add_request_handler("tools/list", PaginatedRequestParams, list_tools)
    return server


def test_all_pages_are_read() -> None:
    with MCPTools.in_process(paged(5)) as tools:
        assert [tool.name for tool in tools] == [f"tool_{number}" for number in range(5)]
        tools.refresh()
        assert len(tools) == 5


async def test_a_list_without_end_is_our_error() -> None:
    with pytest.raises(InvalidResponseError, match="pages"):
        async with MCPTools.in_process(paged(10_000)):
            pass


async def test_a_cancelled_turn_frees_the_connection() -> None:
    async with MCPTools.in_process(in_process) as tools:
        turn = asyncio.ensure_future(run_calls(calls(("hang", {})), tools))
        await asyncio.sleep(0.01)
        turn.cancel()
        with pytest.raises(asyncio.CancelledError):
            await turn
        assert texts(await run_calls(TURN[:1], tools)) == ["3"]


def test_calls_from_many_threads_share_the_connection() -> None:
    many = calls(*(("add", {"a": number, "b": 1}) for number in range(40)))
    with MCPTools.in_process(in_process) as tools:
        assert texts(run_calls_sync(many, tools)) == [str(number + 1) for number in range(40)]


def test_a_program_that_ended_is_started_again_by_a_refresh(program: Program) -> None:
    with stdio(program) as tools:
        assert run_calls_sync(calls(("leave", {})), tools)[0].is_error
        tools.refresh()
        assert texts(run_calls_sync(calls(("add", {"a": 1, "b": 2})), tools)) == ["3"]


async def test_a_restarted_server_is_found_again_by_a_refresh() -> None:
    serving = serve("streamable_http_app")
    base = next(serving)
    async with MCPTools.http(f"{base}/mcp", connect_timeout=10) as tools:
        await asyncio.to_thread(serving.close)
        with pytest.raises(APIConnectionError):
            await tools.arefresh()
        serving = serve("streamable_http_app", int(base.rpartition(":")[2]))
        next(serving)
        try:
            await tools.arefresh()
            assert texts(await run_calls(calls(("add", {"a": 1, "b": 2})), tools)) == ["3"]
        finally:
            await asyncio.to_thread(serving.close)


async def test_a_refresh_needs_open_tools() -> None:
    tools = MCPTools.in_process(in_process)
    async with tools:
        pass
    with pytest.raises(ConfigurationError, match="not open"):
        await tools.arefresh()


@pytest.mark.parametrize("colour", ["blocking", "async"])
def test_the_limit_holds_for_a_result_that_keeps_the_loop_busy(colour: str) -> None:
    server = MCPServer("busy", log_level="ERROR")

    @server.tool()
    async def busy() -> str:
        """Keep the loop from noticing the time, as reading 300,000 parts does."""
        time.sleep(0.6)  # noqa: ASYNC251
        return "late"

    async def call_async() -> object:
        async with MCPTools.in_process(server, timeout=0.3) as tools:
            return await tools[0]()

    def call() -> object:
        with MCPTools.in_process(server, timeout=0.3) as tools:
            return tools[0]()

    with pytest.raises(ToolExecutionError, match=r"timed out after 0\.3 seconds"):
        call() if colour == "blocking" else asyncio.run(call_async())
