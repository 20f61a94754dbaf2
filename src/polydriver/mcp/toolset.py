"""`MCPTools`: the tools of one MCP server, for blocking and async callers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO, TypeVar, overload

from ..data.messages import ToolResult
from ..errors import AIError, APIConnectionError, APITimeoutError, ConfigurationError, ToolExecutionError
from ..logger import logger
from ..tools import Tool
from . import servers
from .background import BackgroundLoop
from .content import parse_result
from .naming import assign_names
from .options import MCPOptions
from .session import Session, call_too_slow, need_mcp

if TYPE_CHECKING:
    from mcp.types import Tool as RemoteTool

__all__ = ["MCPTools"]

_LOG = logger("polydriver.mcp")
T = TypeVar("T")


class MCPTools(Sequence[Tool]):
    """The tools of an MCP server, from entering the context to leaving it: `with` for blocking callers, `async with`
    for async ones.

    They are `Tool`s as any other, so calls run side by side, each failure is that call's result, and approval
    and timeouts hold. When the server says that its tools changed, the list is read anew; pass it to
    `tools(*tools)` again to offer what it has now. `options` are the fields of `MCPOptions`. Entering raises
    `APIConnectionError` and `APITimeoutError` when the server can't be reached, and `ConfigurationError` for
    what can't work.

    ::

        with MCPTools.stdio("uvx", ["mcp-server-git"], prefix="git") as tools:
            ai.conversation().tools(*tools).run_tools("What changed last?")

        async with MCPTools.http("https://mcp.example/mcp", headers={"authorization": "Bearer ..."}) as tools:
            await ai.conversation().tools(*tools).run_tools("Any open orders?")
    """

    def __init__(self, server: servers.Server, **options: Any) -> None:
        """Use `stdio`, `http`, `sse`, `in_process` or `session` instead."""
        need_mcp()
        self.options = MCPOptions.read(options)
        self._server = server
        self._session = Session(server, self._changed)
        self._background: BackgroundLoop | None = None
        self._tools: tuple[Tool, ...] = ()
        self._refreshing: asyncio.Task[None] | None = None
        self._is_stale = False
        self._is_open = False

    @classmethod
    def stdio(
        cls,
        command: str,
        arguments: Sequence[str] = (),
        *,
        env: Mapping[str, str] | None = None,
        folder: str | Path | None = None,
        log: TextIO | None = None,
        **options: Any,
    ) -> Self:
        """The tools of a program that is started for this, and ended afterwards.

        Of our environment it gets only what programs need (PATH, HOME, ...): give it its keys by `env`. What it
        logs goes to `log` (a real file), or to stderr.
        """
        return cls(servers.stdio_server(command, arguments, env, folder, log), **options)

    @classmethod
    def http(cls, url: str, *, headers: Mapping[str, str] | None = None, **options: Any) -> Self:
        """The tools of a server on the network, over streamable HTTP."""
        return cls(servers.http_server(url, headers), **options)

    @classmethod
    def sse(cls, url: str, *, headers: Mapping[str, str] | None = None, **options: Any) -> Self:
        """The tools of a server on the network, over the older transport of HTTP with server-sent events."""
        return cls(servers.sse_server(url, headers), **options)

    @classmethod
    def in_process(cls, server: Any, **options: Any) -> Self:
        """The tools of a server object of the package `mcp`, or behind one of its transports."""
        return cls(servers.in_process_server(server), **options)

    @classmethod
    def session(cls, session: Any, **options: Any) -> Self:
        """The tools behind an `mcp.Client` or `mcp.ClientSession` that is open already, and stays so. Async only:
        it belongs to the event loop that it was opened in."""
        return cls(servers.open_session(session), **options)

    def __enter__(self) -> Self:
        if self._server.is_async_only:
            raise ConfigurationError("an open MCP session belongs to its event loop: use `async with`")
        self._claim()
        self._background = background = BackgroundLoop()
        try:
            background.run(self._open())
        except BaseException:
            self._background = None
            background.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        background, self._background = self._background, None
        if background is not None:
            try:
                background.run(self._close())
            finally:
                background.close()

    async def __aenter__(self) -> Self:
        self._claim()
        await self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    @overload
    def __getitem__(self, index: int) -> Tool: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Tool]: ...
    def __getitem__(self, index: int | slice) -> Tool | Sequence[Tool]:
        return self._tools[index]

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools)

    def __len__(self) -> int:
        return len(self._tools)

    def __repr__(self) -> str:
        return f"<MCPTools of {self._server.label}: {', '.join(tool.name for tool in self._tools) or 'none'}>"

    def refresh(self) -> None:
        """List the tools anew, over a new connection if the old one broke: the server was started again, for instance.

        For blocking callers; raises as entering does.
        """
        if self._background is None:
            raise ConfigurationError("these tools are not open in a `with`; in an `async with`, await arefresh()")
        self._background.run(self._list_again())

    async def arefresh(self) -> None:
        """See `refresh`. For async callers."""
        await self._in_own_loop(self._list_again)

    def _claim(self) -> None:
        if self._is_open:
            raise ConfigurationError(f"the tools of {self._server.label} are open already")
        self._is_open = True

    async def _open(self) -> None:
        try:
            await self._session.open(self.options.connect_timeout)
            self._renewing = asyncio.Lock()
            try:
                await self._list()
            except BaseException:
                await self._session.close()
                raise
        except BaseException:
            self._is_open = False
            raise

    async def _close(self) -> None:
        self._is_open, self._tools = False, ()
        if self._refreshing is not None:
            self._refreshing.cancel()
        await self._session.close()

    async def _list_again(self) -> None:
        if not self._is_open:
            raise ConfigurationError(f"the tools of {self._server.label} are not open")
        async with self._renewing:
            try:
                await self._list()
            except (APIConnectionError, APITimeoutError):
                if self._server.is_async_only:
                    raise  # it was opened elsewhere, and is to be opened again there
                await self._renew()

    async def _renew(self) -> None:
        """Open the connection again, and list the tools. The old one stays in its place if that fails."""
        fresh = Session(self._server, self._changed)
        await fresh.open(self.options.connect_timeout)
        old, self._session = self._session, fresh
        await old.close(self.options.connect_timeout)
        await self._list()

    async def _list(self) -> None:
        options = self.options
        found = await self._session.list_tools(options.connect_timeout)
        if options.only is not None:
            missing = sorted(set(options.only) - {tool.name for tool in found})
            if missing:
                raise ConfigurationError(f"{self._server.label} has no tool called {', '.join(missing)}")
            found = [tool for tool in found if tool.name in options.only]
        if len(found) > options.max_tools:
            raise ConfigurationError(
                f"{self._server.label} has {len(found)} tools, more than max_tools={options.max_tools}",
                hint="Choose among them with only=[...], or raise max_tools.",
            )
        names = assign_names([tool.name for tool in found], options.prefix)
        self._tools = tuple(self._make(tool, names[tool.name]) for tool in found)

    def _make(self, remote: RemoteTool, name: str) -> Tool:
        return Tool(
            name=name,
            description=remote.description or remote.title or "",
            parameters=remote.input_schema or {"type": "object", "properties": {}},
            function=self._function(remote.name),
            timeout=self.options.timeout,
            requires_approval=self.options.needs_approval(remote.name),
        )

    def _function(self, name: str) -> Callable[..., Any]:
        """What runs a tool: a plain function under `with`, a coroutine function under `async with`."""

        def call(**arguments: Any) -> ToolResult:
            if self._background is None:
                raise self._is_closed(name)
            try:
                return self._background.run(self._call(name, arguments), self.options.timeout)
            except TimeoutError:
                raise call_too_slow(name, self.options.timeout) from None

        async def call_async(**arguments: Any) -> ToolResult:
            if not self._is_open:
                raise self._is_closed(name)
            return await self._in_own_loop(lambda: self._call(name, arguments))

        return call_async if self._background is None else call

    async def _call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        result = await self._session.call(name, arguments, self.options.timeout)
        return parse_result(name, result, self.options.max_result_bytes)

    def _is_closed(self, name: str) -> ToolExecutionError:
        return ToolExecutionError(f"{name} cannot be called: the connection to {self._server.label} was closed.")

    async def _in_own_loop(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Await it in the loop that the session lives in, wherever the caller is."""
        if asyncio.get_running_loop() is self._session.loop:
            return await work()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), self._session.loop))

    def _changed(self) -> None:
        """Read the list anew; once for all changes that come meanwhile."""
        self._is_stale = True
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = self._session.loop.create_task(self._refresh())

    async def _refresh(self) -> None:
        while self._is_stale and self._is_open:
            self._is_stale = False
            try:
                await self._list()
            except AIError as error:
                _LOG.warning(
                    "the changed tools of %s cannot be read, and the old ones stay: %s", self._server.label, error
                )
