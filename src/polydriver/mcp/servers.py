"""Ways to an MCP server. Each gives what opens a client: an async context manager, made in the loop that uses it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol, TextIO, TypeAlias
from urllib.parse import urlsplit

import msgspec

from ..data.sealed import SealedText

__all__ = [
    "OnMessage",
    "Opener",
    "Server",
    "http_server",
    "in_process_server",
    "open_session",
    "sse_server",
    "stdio_server",
]


class OnMessage(Protocol):
    """What is told each notification of the server."""

    async def __call__(self, message: Any) -> None:
        """Take one notification."""


Opener: TypeAlias = Callable[[OnMessage, float], AbstractAsyncContextManager[Any]]
"""Opens a connection, with a timeout in seconds; the context's value is an `mcp.Client` or an `mcp.ClientSession`."""


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A server, and the way to it. `label` names it in errors, in which no `secrets` may show; with `is_async_only` the
    connection belongs to an event loop of the caller's."""

    label: str
    open: Opener
    secrets: Sequence[str] = ()
    is_async_only: bool = False

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "secrets", tuple(SealedText(secret) for secret in self.secrets))

    def __repr__(self) -> str:
        return f"<Server {self.label}>"

    def __rich_repr__(self) -> Any:
        yield self.label


_READ_SECONDS = 300.0
_GRACE = 5.0


def stdio_server(
    command: str,
    arguments: Sequence[str],
    env: Mapping[str, str] | None,
    folder: str | Path | None,
    log: TextIO | None,
) -> Server:
    """Start a program and talk to it over its stdin and stdout. It inherits only what `env` says and what a program
    needs to run, so no keys; it writes to `log`, or to our stderr."""

    @asynccontextmanager
    async def open_it(on_message: OnMessage, seconds: float) -> AsyncIterator[Any]:
        from mcp import StdioServerParameters, stdio_client

        parameters = StdioServerParameters(
            command=command, args=list(arguments), env=dict(env) if env else None, cwd=folder
        )
        # A notebook's or a test runner's `sys.stderr` is not a file that a program could write to.
        transport = stdio_client(parameters, errlog=log or sys.__stderr__ or sys.stderr)
        async with _client(transport, on_message) as client:
            yield client

    label = f"the MCP server {Path(command).name!r}"
    return Server(label=label, open=open_it, secrets=list((env or {}).values()))


def http_server(url: str, headers: Mapping[str, str] | None) -> Server:
    """Talk to a server over streamable HTTP; redirects stay within its origin."""

    @asynccontextmanager
    async def open_it(on_message: OnMessage, seconds: float) -> AsyncIterator[Any]:
        import httpx2
        from mcp.client.streamable_http import streamable_http_client

        # The session counts the time that connecting takes; the client's own limit is for connecting again.
        limits = httpx2.Timeout(seconds + _GRACE, read=_READ_SECONDS)
        async with (
            httpx2.AsyncClient(headers=dict(headers or {}), timeout=limits) as http,
            _client(streamable_http_client(url, http_client=http), on_message) as client,
        ):
            yield client

    return Server(label=_label(url), open=open_it, secrets=_secrets(url, headers))


def sse_server(url: str, headers: Mapping[str, str] | None) -> Server:
    """Talk to a server over the older transport of HTTP with SSE."""

    @asynccontextmanager
    async def open_it(on_message: OnMessage, seconds: float) -> AsyncIterator[Any]:
        from mcp.client.sse import sse_client

        transport = sse_client(url, dict(headers or {}), timeout=seconds + _GRACE, sse_read_timeout=_READ_SECONDS)
        async with _client(transport, on_message) as client:
            yield client

    return Server(label=_label(url), open=open_it, secrets=_secrets(url, headers))


def in_process_server(server: Any) -> Server:
    """Talk to a server object, or over a transport, of the package `mcp`."""
    label = f"the MCP server {type(server).__name__}"
    return Server(label=label, open=lambda on_message, seconds: _client(server, on_message))


def open_session(session: Any) -> Server:
    """Use an `mcp.Client` or `mcp.ClientSession` that is open already. It stays open."""

    @asynccontextmanager
    async def open_it(on_message: OnMessage, seconds: float) -> AsyncIterator[Any]:
        yield session

    return Server(label="the MCP session", open=open_it, is_async_only=True)


def _label(url: str) -> str:
    """An address as it is shown: without query and credentials, which may be secrets."""
    parts = urlsplit(url)
    return f"the MCP server at {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _secrets(url: str, headers: Mapping[str, str] | None) -> list[str]:
    """What must not show of an address and its headers."""
    values = list((headers or {}).values())
    return [*values, *(value.partition(" ")[2] for value in values), urlsplit(url).query]


def _client(server: Any, on_message: OnMessage) -> AbstractAsyncContextManager[Any]:
    from mcp import Client, Implementation

    from ..version import __version__

    ours = Implementation(name="polydriver", version=__version__)
    return Client(server, message_handler=on_message, client_info=ours)
