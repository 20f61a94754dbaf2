"""One open connection to an MCP server: listing its tools, calling them, and noticing that the list changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..config import Redactor
from ..errors import (
    APIConnectionError,
    APITimeoutError,
    ConfigurationError,
    InvalidResponseError,
    ToolExecutionError,
)
from ..logger import logger
from .servers import Server

if TYPE_CHECKING:
    from mcp.types import CallToolResult
    from mcp.types import Tool as RemoteTool

__all__ = ["Session", "call_too_slow", "need_mcp"]

_LOG = logger("polydriver.mcp")
_MAX_PAGES = 200
_MAX_MESSAGE = 500


class Session:
    """Owns a connection in a task of its own, so that it may be opened and closed in different tasks.

    `on_change` is called, in the loop, when the server says that its tools have changed.
    """

    def __init__(self, server: Server, on_change: Callable[[], None]) -> None:
        self._server = server
        self._label = server.label
        self._redactor = Redactor(server.secrets)
        self._on_change = on_change

    async def open(self, seconds: float) -> None:
        """Connect and shake hands, within so many seconds. Raises `APIConnectionError` and `APITimeoutError`."""
        self.loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[Any] = self.loop.create_future()
        self._end = asyncio.Event()
        self._task = self.loop.create_task(self._live(seconds))
        try:
            async with asyncio.timeout(seconds):
                self._client = await asyncio.shield(self._ready)
        except TimeoutError:
            await self._abort()
            raise self._too_slow("answer", seconds) from None
        except asyncio.CancelledError:
            await self._abort()
            raise

    async def close(self, seconds: float | None = None) -> None:
        """End the connection, and with it a server that was started for it; by force after so many seconds."""
        self._end.set()
        _, unfinished = await asyncio.wait([self._task], timeout=seconds)
        if unfinished:
            await self._abort()

    async def list_tools(self, seconds: float) -> list[RemoteTool]:
        """All pages of the server's tools, each name once. Raises as `open` does, and `InvalidResponseError` for a
        list without an end."""
        from mcp.types import PaginatedRequestParams

        session = getattr(self._client, "session", self._client)
        found: dict[str, RemoteTool] = {}
        cursor: str | None = None
        try:
            async with asyncio.timeout(seconds):
                for _ in range(_MAX_PAGES):
                    page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor) if cursor else None)
                    found.update({tool.name: tool for tool in page.tools})
                    cursor = page.next_cursor
                    if not cursor:
                        return list(found.values())
        except TimeoutError:
            raise self._too_slow("list its tools", seconds) from None
        except Exception as error:
            raise self._connection_error("cannot list its tools", error) from error
        raise InvalidResponseError(f"{self._label} lists its tools on more than {_MAX_PAGES} pages")

    async def call(self, name: str, arguments: dict[str, Any], seconds: float | None) -> CallToolResult:
        """Call a tool by the server's name for it. Raises `ToolExecutionError`, whatever goes wrong."""
        loop = asyncio.get_running_loop()
        latest = None if seconds is None else loop.time() + seconds
        try:
            async with asyncio.timeout_at(latest):
                result: CallToolResult = await self._client.call_tool(name, arguments)
            # A result that takes long to read keeps the loop from telling the time: it is late all the same.
            if latest is not None and loop.time() > latest:
                raise TimeoutError
            return result
        except TimeoutError:
            raise call_too_slow(name, seconds) from None
        except Exception as error:
            raise ToolExecutionError(f"{name} of {self._label} failed: {self._describe(error)}") from error

    async def _live(self, seconds: float) -> None:
        """Open the connection, keep it until the end is wanted, and close it: all in this task."""
        try:
            async with self._server.open(self._on_message, seconds) as client:
                subscribed = asyncio.Event()
                watching = asyncio.ensure_future(self._watch(client, subscribed))
                await subscribed.wait()
                self._ready.set_result(client)
                await self._end.wait()
                watching.cancel()
                await asyncio.wait([watching])
        except Exception as error:  # noqa: BLE001 (it is raised where `open` waits, or told in the log)
            if self._ready.done():
                _LOG.warning("the connection to %s broke: %s", self._label, self._describe(error))
            else:
                self._ready.set_exception(self._connection_error("cannot be reached", error))

    async def _watch(self, client: Any, subscribed: asyncio.Event) -> None:
        """Subscribe to changes, which servers from the protocol of 2026-07-28 on want. Older ones just tell.

        `subscribed` is set once no change can be missed any more, or there is no subscription.
        """
        listen = getattr(client, "listen", None)
        tools = getattr(getattr(client, "server_capabilities", None), "tools", None)
        try:
            if listen is not None and tools is not None and tools.list_changed:
                async with listen(tools_list_changed=True) as events:
                    subscribed.set()
                    async for _ in events:
                        self._on_change()
        except Exception as error:  # noqa: BLE001 (without a subscription all works but the news)
            _LOG.debug("%s does not announce changes of its tools: %s", self._label, self._describe(error))
        finally:
            subscribed.set()

    async def _on_message(self, message: Any) -> None:
        if getattr(message, "method", None) == "notifications/tools/list_changed":
            self._on_change()

    async def _abort(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    def _too_slow(self, what: str, seconds: float) -> APITimeoutError:
        return APITimeoutError(
            f"{self._label} did not {what} within {seconds:g} seconds",
            hint="Raise `connect_timeout` if the server needs longer, and look at what it logs.",
        )

    def _connection_error(self, problem: str, error: BaseException) -> APIConnectionError:
        return APIConnectionError(
            f"{self._label} {problem}: {self._describe(error)}",
            hint="Check the server's command or address, and what it logs.",
        )

    def _describe(self, error: BaseException) -> str:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        text = " ".join(self._redactor.redact(str(error), _MAX_MESSAGE).split())
        return text if text else type(error).__name__


def call_too_slow(name: str, seconds: float | None) -> ToolExecutionError:
    """The error of a call that was not done in time."""
    return ToolExecutionError(f"The call of {name} timed out after {seconds or 0:g} seconds.")


def need_mcp() -> None:
    """Raise `ConfigurationError` when the package `mcp` is not installed."""
    from importlib.util import find_spec

    if find_spec("mcp") is None:
        raise ConfigurationError("tools of MCP servers need the package mcp: pip install 'polydriver[mcp]'")
