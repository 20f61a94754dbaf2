"""Errors of transports hold no request: neither in what they are chained to, nor in what that was raised with."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from tests.faults.server import CLOSE, HANG, READ, RESET, Server

from polydriver import AIError
from polydriver.engine.transports.httpx2 import AsyncHTTPX2Transport, HTTPX2Transport

from .clients import Client, post, read_all, stream, within

KEY = "sk-hidden-0123456789-abcdef"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
SCRIPTS: dict[str, list[Any]] = {
    "not HTTP": [READ, b"SSH-2.0-OpenSSH_9.6\r\n", CLOSE],
    "half a head": [READ, b"HTTP/1.1 200", CLOSE],
    "nothing": [READ, CLOSE],
    "a reset": [READ, RESET],
    "half a body": [READ, HEAD + b"content-length: 100\r\n\r\n{", CLOSE],
    "a reset in the body": [READ, HEAD + b"content-length: 100\r\n\r\n{", RESET],
    "a broken chunk": [READ, HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n", CLOSE],
    "silence": [READ, HANG],
    "silence in the body": [READ, HEAD + b"content-length: 100\r\n\r\n{", HANG],
}


def chained(error: BaseException) -> Iterator[BaseException]:
    """An error, what caused it, and what was handled when it was raised, shown or not."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        found = waiting.pop()
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        waiting += [found.__cause__, found.__context__]


def held(value: Any, depth: int = 0) -> Iterator[str]:
    """The texts in an object and in what its attributes hold."""
    if isinstance(value, str | bytes):
        yield value if isinstance(value, str) else value.decode("latin-1")
    elif depth < 5:
        names = [
            name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ()) if isinstance(name, str)
        ]
        inner = [getattr(value, name, None) for name in [*names, *getattr(value, "__dict__", ())]]
        if isinstance(value, dict):
            inner += [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple | set):
            inner += value
        for item in inner:
            yield from held(item, depth + 1)


def check(error: BaseException) -> None:
    for found in chained(error):
        texts = [*held(vars(found)), *held(found.args)]
        assert not [text for text in texts if KEY in text], f"{type(found)} holds the key"


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_error_holds_the_key(client: Client, name: str) -> None:
    with Server(*[SCRIPTS[name]] * 3) as server, pytest.raises(AIError) as caught:
        client.send(post(server.url, authorization=f"Bearer {KEY}"), within(0.5))
    check(caught.value)


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_error_of_a_stream_holds_the_key(client: Client, name: str) -> None:
    request = stream("http://unused")
    request.headers["authorization"] = f"Bearer {KEY}"
    with Server(*[SCRIPTS[name]] * 3) as server:
        request.url = server.url
        with pytest.raises(AIError) as caught:
            read_all(client.open(request, within(0.5)))
    check(caught.value)


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_error_of_a_client_of_the_users_holds_the_key(name: str) -> None:
    with Server(*[SCRIPTS[name]] * 3) as server, httpx2.Client() as users:
        request = post(server.url, authorization=f"Bearer {KEY}")
        with pytest.raises(AIError) as caught:
            HTTPX2Transport(users).send(request, within(0.5))
    check(caught.value)


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_error_of_an_async_client_of_the_users_holds_the_key(name: str) -> None:
    async def send() -> None:
        async with httpx2.AsyncClient() as users:
            request = post(server.url, authorization=f"Bearer {KEY}")
            await AsyncHTTPX2Transport(users).send(request, within(0.5))

    with Server(*[SCRIPTS[name]] * 3) as server, pytest.raises(AIError) as caught:
        asyncio.run(send())
    check(caught.value)
