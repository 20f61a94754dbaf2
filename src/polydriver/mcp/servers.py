"""Ways to an MCP server. Each gives what opens a client: an async context manager, made in the loop that uses it."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TextIO, TypeAlias

__all__ = ["OnMessage", "Opener", "http_server", "in_process_server", "open_session", "sse_server", "stdio_server"]

OnMessage: TypeAlias = Callable[[Any], Awaitable[None]]
"""Told each notification of the server."""

Opener: TypeAlias = Callable[[OnMessage], AbstractAsyncContextManager[Any]]
"""Opens a connection; the context's value is an `mcp.Client` or an `mcp.ClientSession`."""

_READ_SECONDS = 300.0


def stdio_server(
    command: str,
    arguments: Sequence[str],
    env: Mapping[str, str] | None,
    folder: str | Path | None,
    log: TextIO | None,
) -> Opener:
    """Start a program and talk to it over its stdin and stdout. It inherits only what `env` says and what a program
    needs to run, so no keys; it writes to `log`, or to our stderr."""

    @asynccontextmanager
    async def open_it(on_message: OnMessage) -> AsyncIterator[Any]:
        from mcp import StdioServerParameters, stdio_client

        parameters = StdioServerParameters(
            command=command, args=list(arguments), env=dict(env) if env else None, cwd=folder
        )
        async with AsyncExitStack() as stack:
            target = log or sys.__stderr__ or stack.enter_context(open(os.devnull, "w", encoding="utf-8"))  # noqa: ASYNC230
            yield await stack.enter_async_context(_client(stdio_client(parameters, errlog=target), on_message))

    return open_it


def http_server(url: str, headers: Mapping[str, str] | None, timeout: float) -> Opener:
    """Talk to a server over streamable HTTP; redirects stay within its origin."""

    @asynccontextmanager
    async def open_it(on_message: OnMessage) -> AsyncIterator[Any]:
        import httpx2
        from mcp.client.streamable_http import streamable_http_client

        limits = httpx2.Timeout(timeout, read=_READ_SECONDS)
        async with (
            httpx2.AsyncClient(headers=dict(headers or {}), timeout=limits) as http,
            _client(streamable_http_client(url, http_client=http), on_message) as client,
        ):
            yield client

    return open_it


def sse_server(url: str, headers: Mapping[str, str] | None, timeout: float) -> Opener:
    """Talk to a server over the older transport of HTTP with SSE."""

    @asynccontextmanager
    async def open_it(on_message: OnMessage) -> AsyncIterator[Any]:
        from mcp.client.sse import sse_client

        transport = sse_client(url, dict(headers or {}), timeout=timeout, sse_read_timeout=_READ_SECONDS)
        async with _client(transport, on_message) as client:
            yield client

    return open_it


def in_process_server(server: Any) -> Opener:
    """Talk to a server object, or over a transport, of the package `mcp`."""
    return lambda on_message: _client(server, on_message)


def open_session(session: Any) -> Opener:
    """Use an `mcp.Client` or `mcp.ClientSession` that is open already. It stays open."""

    @asynccontextmanager
    async def open_it(on_message: OnMessage) -> AsyncIterator[Any]:
        yield session

    return open_it


def _client(server: Any, on_message: OnMessage) -> AbstractAsyncContextManager[Any]:
    from mcp import Client, Implementation

    from .. import __version__

    ours = Implementation(name="polydriver", version=__version__)
    return Client(server, message_handler=on_message, client_info=ours)
