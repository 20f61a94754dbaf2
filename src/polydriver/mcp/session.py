"""One open connection to an MCP server: listing its tools, calling them, and hearing that the list changed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..config import Redactor
from ..errors import AIError, APIConnectionError, APITimeoutError, ConfigurationError, ToolExecutionError
from .servers import Opener

if TYPE_CHECKING:
    from mcp.types import CallToolResult
    from mcp.types import Tool as RemoteTool

__all__ = ["Session", "need_mcp"]

_LOG = logging.getLogger("polydriver.mcp")
_MAX_PAGES = 1000


class Session:
    """Owns a connection in a task of its own, so that it may be opened and closed in different tasks.

    `label` names the server in errors, from which `redactor` takes secrets. `on_change` is called, in the loop,
    when the server says that its tools are others now.
    """

    def __init__(self, opener: Opener, label: str, redactor: Redactor, on_change: Callable[[], None]) -> None:
        self._opener = opener
        self._label = label
        self._redactor = redactor
        self._on_change = on_change

    async def open(self, seconds: float) -> None:
        """Connect and shake hands, within so many seconds. Raises `APIConnectionError` and `APITimeoutError`."""
        self.loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[Any] = self.loop.create_future()
        self._end = asyncio.Event()
        self._task = self.loop.create_task(self._live())
        try:
            async with asyncio.timeout(seconds):
                self._client = await asyncio.shield(self._ready)
        except TimeoutError:
            await self._abort()
            raise APITimeoutError(f"{self._label} did not answer within {seconds:g} seconds") from None
        except asyncio.CancelledError:
            await self._abort()
            raise

    async def close(self) -> None:
        """End the connection, and with it a server that was started for it."""
        self._end.set()
        await asyncio.wait([self._task])

    async def list_tools(self, limit: int, seconds: float) -> list[RemoteTool]:
        """All pages of the server's tools. Raises `ConfigurationError` for more tools than `limit`, and what
        `open` raises."""
        from mcp.types import PaginatedRequestParams

        session = getattr(self._client, "session", self._client)
        found: list[RemoteTool] = []
        cursor: str | None = None
        try:
            async with asyncio.timeout(seconds):
                for _ in range(_MAX_PAGES):
                    page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor) if cursor else None)
                    found += page.tools
                    cursor = page.next_cursor
                    if len(found) > limit:
                        raise ConfigurationError(
                            f"{self._label} has more than {limit} tools",
                            hint="Raise max_tools, or choose among them with only=[...] and a higher max_tools.",
                        )
                    if not cursor:
                        return found
        except TimeoutError:
            raise APITimeoutError(f"{self._label} did not list its tools within {seconds:g} seconds") from None
        except AIError:
            raise
        except Exception as error:
            raise self._connection_error("cannot list its tools", error) from error
        raise ConfigurationError(f"{self._label} lists its tools on more than {_MAX_PAGES} pages")

    async def call(self, name: str, arguments: dict[str, Any], seconds: float | None) -> CallToolResult:
        """Call a tool by the server's name for it. Raises `ToolExecutionError`, whatever goes wrong."""
        try:
            async with asyncio.timeout(seconds):
                result: CallToolResult = await self._client.call_tool(name, arguments)
                return result
        except TimeoutError:
            raise ToolExecutionError(f"The call of {name} timed out after {seconds:g} seconds.") from None
        except Exception as error:
            raise ToolExecutionError(f"{name} of {self._label} failed: {self._describe(error)}") from error

    async def _live(self) -> None:
        """Open the connection, keep it until the end is wanted, and close it: all in this task."""
        try:
            async with self._opener(self._on_message) as client:
                watching = asyncio.ensure_future(self._watch(client))
                self._ready.set_result(client)
                await self._end.wait()
                watching.cancel()
                await asyncio.wait([watching])
        except Exception as error:  # noqa: BLE001 (it is raised where `open` waits, or told in the log)
            if self._ready.done():
                _LOG.warning("the connection to %s broke: %s", self._label, self._describe(error))
            else:
                self._ready.set_exception(self._connection_error("cannot be reached", error))

    async def _watch(self, client: Any) -> None:
        """Subscribe to changes, which servers from the protocol of 2026-07-28 on want. Older ones just tell."""
        listen = getattr(client, "listen", None)
        tools = getattr(getattr(client, "server_capabilities", None), "tools", None)
        if listen is None or tools is None or not tools.list_changed:
            return
        # A server that refuses is one whose list is read once; a broken connection shows at the next call.
        with contextlib.suppress(Exception):
            async with listen(tools_list_changed=True) as events:
                async for _ in events:
                    self._on_change()

    async def _on_message(self, message: Any) -> None:
        if getattr(message, "method", None) == "notifications/tools/list_changed":
            self._on_change()

    async def _abort(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    def _connection_error(self, problem: str, error: BaseException) -> APIConnectionError:
        return APIConnectionError(
            f"{self._label} {problem}: {self._describe(error)}",
            hint="Check the server's command or address, and what it logs.",
        )

    def _describe(self, error: BaseException) -> str:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        text = self._redactor.redact(str(error))
        return text[:2000] if text else type(error).__name__


def need_mcp() -> None:
    """Raise `ConfigurationError` when the package `mcp` is not installed."""
    from importlib.util import find_spec

    if find_spec("mcp") is None:
        raise ConfigurationError("tools of MCP servers need the package mcp: pip install 'polydriver[mcp]'")
