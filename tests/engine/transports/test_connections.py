"""How connections are kept, shared, dropped and freed."""

from __future__ import annotations

import asyncio
import gc
import select
import socket
import ssl
import struct
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.faults.server import AGAIN, CLOSE, HANG, READ, RESET, Script, Server, chunked, drip, reply

from polydriver.data.http import TransportConfig
from polydriver.engine.transports.async_connection import AsyncConnection
from polydriver.errors import APIConnectionError, APITimeoutError, InvalidResponseError, ProviderError

from .clients import Client, get, post, read_all, stream, within

HEAD = reply(headers={"transfer-encoding": "chunked"}, length=False)
OTHER = reply(b"someone else's")


@pytest.mark.parametrize(
    "first",
    [
        [READ, reply(b"mine") + OTHER, HANG],
        [READ, reply(b"mine"), OTHER, HANG],
        [READ, HEAD + chunked(b"mine") + OTHER, HANG],
        [READ, reply(b"mine"), 0.05, OTHER, HANG],
        [READ, reply(b"mine") + b"\r\n", HANG],
    ],
    ids=["same segment", "next segment", "after chunks", "while idle", "a stray line break"],
)
def test_a_surplus_reply_is_never_read(client: Client, first: list[bytes]) -> None:
    with Server(first, [READ, reply(b"yours"), CLOSE]) as server:
        assert client.send(get(server.url), within()).body == b"mine"
        # Let what is late come in, as it would between two calls.
        with Server([0.1, READ, reply(), CLOSE]) as pause:
            client.send(get(pause.url), within())
        assert client.send(get(server.url), within()).body == b"yours"
    assert server.connections == 2


def test_a_connection_that_the_server_closed_is_not_used(client: Client) -> None:
    with Server([READ, reply(b"one"), CLOSE], [READ, reply(b"two"), CLOSE]) as server:
        assert client.send(get(server.url), within()).body == b"one"
        with Server([0.05, READ, reply(), CLOSE]) as pause:
            client.send(get(pause.url), within())
        assert client.send(get(server.url), within()).body == b"two"


@pytest.mark.parametrize("closing", [{"Connection": "close"}, {"Connection": "Keep-Alive, Close"}])
def test_a_connection_that_is_to_be_closed_is(client: Client, closing: dict[str, str]) -> None:
    with Server([READ, reply(b"a", headers=closing), HANG]) as server:
        for _ in range(2):
            client.send(get(server.url), within())
        client.settle()
        assert server.wait_hung_up(2)
    assert server.connections == 2


ENDS = {"closed": CLOSE, "reset": RESET}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("body", [b"{}", b"x" * 300_000], ids=["small", "large"])
def test_a_stale_connection_is_dialed_again_once(client: Client, end: str, body: bytes) -> None:
    with Server([READ, reply(b"one"), READ, ENDS[end]], [READ, reply(b"two"), AGAIN]) as server:
        assert not client.send(post(server.url, body), within()).redialed
        again = client.send(post(server.url, body), within())
        assert (again.body, again.redialed) == (b"two", True)
        assert not client.send(post(server.url, body), within()).redialed
    assert [(got.connection, got.body) for got in server.requests] == [(0, body), (0, body), (1, body), (1, body)]


@pytest.mark.parametrize("end", ENDS)
def test_a_stale_connection_of_a_stream_is_dialed_again(client: Client, end: str) -> None:
    with Server([READ, reply(b"one"), READ, ENDS[end]], [READ, HEAD + chunked(b"two"), CLOSE]) as server:
        client.send(get(server.url), within())
        body = client.open(stream(server.url), within())
        assert read_all(body) == b"two"
    assert server.connections == 2


@pytest.mark.parametrize("end", ENDS)
def test_a_new_connection_that_breaks_is_an_error(client: Client, end: str) -> None:
    with Server([READ, reply(b"one"), READ, ENDS[end]], [READ, ENDS[end]]) as server:
        client.send(get(server.url), within())
        with pytest.raises(APIConnectionError) as caught:
            client.send(get(server.url), within())
    assert caught.value.details["redialed"] is True
    assert len(server.requests) == 3


def test_an_answer_that_began_is_never_asked_for_again(client: Client) -> None:
    with Server([READ, reply(b"one"), READ, b"HTTP/1.1 2", CLOSE], [READ, reply(b"two"), CLOSE]) as server:
        client.send(get(server.url), within())
        with pytest.raises(APIConnectionError):
            client.send(get(server.url), within())
    assert len(server.requests) == 2


def test_a_wait_on_a_kept_connection_is_not_dialed_again(client: Client) -> None:
    with Server([READ, reply(b"one"), READ, HANG], [READ, reply(b"two"), CLOSE]) as server:
        client.send(get(server.url), within())
        with pytest.raises(APITimeoutError):
            client.send(get(server.url), within(0.1))
    assert len(server.requests) == 2


def test_a_closed_stream_frees_its_connection(make_client: Callable[[TransportConfig], Client]) -> None:
    client = make_client(TransportConfig(max_connections=1))
    with Server([READ, HEAD, chunked(b"a", end=False), HANG], [READ, reply(b"next"), AGAIN]) as server:
        body = client.open(stream(server.url), within())
        assert body.read() == b"a"
        body.close()
        assert server.wait_hung_up()
        with pytest.raises(ProviderError):
            body.read()
        assert client.send(get(server.url), within()).body == b"next"


def test_an_abandoned_stream_frees_its_connection(make_client: Callable[[TransportConfig], Client]) -> None:
    client = make_client(TransportConfig(max_connections=1))
    with Server([READ, HEAD, chunked(b"a", end=False), HANG], [READ, reply(b"next"), AGAIN]) as server:
        body = client.open(stream(server.url), within())
        assert body.read() == b"a"
        del body
        gc.collect()
        client.settle()
        assert server.wait_hung_up()
        assert client.send(get(server.url), within()).body == b"next"


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_kept_connection_is_dropped_without_a_word_in_whatever_order_garbage_is_collected(
    make_client: Callable[[TransportConfig], Client], certificate: Path, server_tls: ssl.SSLContext, *, secure: bool
) -> None:
    client = make_client(TransportConfig(ca_file=str(certificate)))
    script: Script = [READ, reply(b"one"), READ, HEAD, chunked(b"a", end=False), HANG]
    with Server(script, tls=server_tls if secure else None) as server:
        assert client.send(get(server.url), within()).body == b"one"
        body = client.open(stream(server.url), within())
        assert body.read() == b"a"
        circle: list[object] = [body]
        circle.append(circle)
        del body, circle
        gc.collect()  # a warning that this gives is an error
        client.settle()
        assert server.wait_hung_up()


def test_a_failed_call_frees_its_connection(make_client: Callable[[TransportConfig], Client]) -> None:
    client = make_client(TransportConfig(max_connections=1))
    with Server([READ, b"garbage\r\n\r\n", HANG], [READ, HANG], [READ, reply(b"next"), AGAIN]) as server:
        with pytest.raises(InvalidResponseError):
            client.send(get(server.url), within())
        with pytest.raises(APITimeoutError):
            client.send(get(server.url), within(0.05))
        client.settle()
        assert server.wait_hung_up(2)
        assert client.send(get(server.url), within()).body == b"next"


def test_a_stream_left_at_its_end_mark_is_kept(client: Client) -> None:
    if client.name.startswith("httpx2"):
        pytest.skip("httpx2 closes a connection whose last bytes were not asked for")
    with Server([READ, HEAD, chunked(b"data: [DONE]\n\n"), AGAIN]) as server:
        for _ in range(3):
            body = client.open(stream(server.url), within())
            assert body.read() == b"data: [DONE]\n\n"
            body.close()
    assert server.connections == 1


def test_the_pool_is_bounded_and_so_is_the_wait(make_client: Callable[[TransportConfig], Client]) -> None:
    client = make_client(TransportConfig(max_connections=2))
    with Server([READ, HEAD, chunked(b"a", end=False), HANG]) as server:
        bodies = [client.open(stream(server.url), within()) for _ in range(2)]
        with pytest.raises(APITimeoutError) as caught:
            client.send(get(server.url), within(0.05))
        assert caught.value.details["phase"] in ("pool", "headers")
        for body in bodies:
            body.close()
    assert server.connections == 2


def test_old_idle_connections_are_not_used(make_client: Callable[[TransportConfig], Client]) -> None:
    client = make_client(TransportConfig(keepalive=0.0))
    with Server([READ, reply(b"a"), AGAIN]) as server:
        for _ in range(2):
            client.send(get(server.url), within())
    assert server.connections == 2


def test_hosts_do_not_share_connections(client: Client) -> None:
    with Server([READ, reply(b"one"), AGAIN]) as one, Server([READ, reply(b"two"), AGAIN]) as two:
        for _ in range(2):
            assert client.send(get(one.url), within()).body == b"one"
            assert client.send(get(two.url), within()).body == b"two"
    assert (one.connections, two.connections) == (1, 1)


def test_closing_closes_idle_connections_and_the_client_still_works(client: Client) -> None:
    with Server([READ, reply(b"a"), AGAIN]) as server:
        client.send(get(server.url), within())
        client.close_idle()
        assert server.wait_hung_up()
        assert client.send(get(server.url), within()).body == b"a"


@pytest.mark.parametrize(
    ("script", "phase"),
    [
        ([READ, HANG], "headers"),
        ([READ, *drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 200, 0.01), HANG], "headers"),
        ([READ, reply(b"a", headers={"Content-Length": "500"}, length=False), HANG], "read"),
        ([READ, HEAD, *drip(chunked(b"a" * 200), 0.01), HANG], "read"),
    ],
    ids=["silence", "slow headers", "half a body", "slow body"],
)
def test_a_call_ends_at_its_deadline(client: Client, script: list[bytes], phase: str) -> None:
    with Server(script) as server:
        with pytest.raises(APITimeoutError) as caught:
            client.send(get(server.url), within(0.2))
        assert caught.value.details["phase"] == phase
        client.settle()
        assert server.wait_hung_up()


def test_a_request_that_is_not_read_ends_at_its_deadline(client: Client) -> None:
    with Server([2.0, CLOSE]) as server, pytest.raises(APITimeoutError) as caught:
        client.send(post(server.url, b"q" * 30_000_000), within(1.0))
    assert caught.value.details["phase"] in ("send", "headers")


def test_an_expired_deadline_sends_nothing(client: Client) -> None:
    with Server([READ, reply(b"a"), AGAIN]) as server, pytest.raises(APITimeoutError):
        client.send(get(server.url), within(0.0))
    assert server.requests == []


def test_the_reader_moves_the_limit_of_a_stream(client: Client) -> None:
    with Server([READ, HEAD, chunked(b"a", end=False), 0.15, chunked(b"b", end=False), HANG]) as server:
        body = client.open(stream(server.url), within(0.1))
        assert body.read() == b"a"
        assert body.read(2.0) == b"b"
        with pytest.raises(APITimeoutError) as caught:
            body.read(0.05)
        assert caught.value.details["phase"] == "idle"
        client.settle()
        assert server.wait_hung_up()


def test_a_silent_tls_handshake_ends_at_the_deadline(client: Client) -> None:
    with Server([HANG]) as server, pytest.raises(APITimeoutError) as caught:
        client.send(get(server.url.replace("http:", "https:")), within(5.0, connect=0.1))
    assert caught.value.details["phase"] in ("connect", "headers")


def test_read_after_a_stream_is_over(client: Client) -> None:
    with Server([READ, HEAD + chunked(b"a"), AGAIN]) as server:
        body = client.open(stream(server.url), within())
        assert read_all(body) == b"a"
        assert read_all(body) == b""


def test_what_was_sent_is_not_in_the_traceback_of_a_reset_connection() -> None:
    """The connection is broken before the request is written, so that the event loop's own frame fails with it."""
    key = b"sk-0123456789abcdef"

    async def ask() -> None:
        loop = asyncio.get_running_loop()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            link = socket.create_connection(listener.getsockname())
            peer, _ = listener.accept()
            transport, _ = await loop.create_connection(asyncio.Protocol, sock=link)
            connection = AsyncConnection(loop, transport, "localhost")
            transport.set_protocol(connection)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
            select.select([link], [], [], 30.0)  # the reset has arrived
        try:
            connection.transmit(b"POST / HTTP/1.1\r\nx-api-key: " + key + b"\r\n\r\n", b"", within(30.0))
            await connection.receive(time.monotonic() + 30.0, "headers")
        finally:
            connection.drop()
            await connection.closed()

    with pytest.raises(APIConnectionError) as caught:
        asyncio.run(ask())
    shown = traceback.TracebackException(
        type(caught.value), caught.value, caught.value.__traceback__, capture_locals=True
    )
    assert isinstance(caught.value.__cause__, ConnectionResetError | BrokenPipeError)
    own = [frame for frame in shown.stack if frame.filename != __file__]
    assert shown.__cause__ is not None
    assert key.decode() not in repr([frame.locals for frame in [*own, *shown.__cause__.stack]])
