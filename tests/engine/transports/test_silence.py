"""A limit of time is for silence: what arrives, and what is taken of a request, moves it, up to the deadline."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from tests.faults.server import HANG, READ, Server, chunked, drip, reply

from polydriver import APITimeoutError
from polydriver.data.http import TransportConfig

from .clients import Client, get, patient, post, read_all, stream

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
SLOW = {
    "headers": [READ, *drip(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\nx: 1\r\n\r\na", 0.03)],
    "interim replies": [READ, *[b"HTTP/1.1 102 Processing\r\n\r\n", 0.15] * 8, reply(b"a")],
    "body": [READ, HEAD, *drip(chunked(*[b" "] * 7), 0.04)],
}


@pytest.mark.parametrize("script", SLOW.values(), ids=SLOW.keys())
def test_a_slow_reply_is_waited_for(client: Client, script: list[bytes]) -> None:
    with Server(script) as server:
        assert client.send(get(server.url), patient(1.0)).status == 200


@pytest.mark.parametrize("script", SLOW.values(), ids=SLOW.keys())
def test_a_slow_reply_ends_by_the_deadline(client: Client, script: list[bytes]) -> None:
    with Server(script) as server, pytest.raises(APITimeoutError):
        client.send(get(server.url), patient(1.0, deadline=0.5))


@pytest.mark.parametrize("name", ["headers", "interim replies"])
def test_slow_headers_of_a_stream_are_waited_for(client: Client, name: str) -> None:
    with Server(SLOW[name]) as server:
        assert read_all(client.open(stream(server.url), patient(1.0))) == b"a"


def test_silence_ends_a_call(client: Client) -> None:
    with Server([READ, HEAD, 0.1, chunked(b"a", end=False), HANG]) as server, pytest.raises(APITimeoutError):
        client.send(get(server.url), patient(0.3))


def test_a_request_that_is_taken_slowly_is_waited_for(client: Client) -> None:
    size = 24 * 1024 * 1024
    with slow_reader(size) as url:
        assert client.send(post(url, b"q" * size), patient(1.2)).body == b"a"


def test_a_wait_for_a_connection_does_not_shorten_the_wait_for_the_answer(
    make_client: Callable[[TransportConfig], Client],
) -> None:
    """Who waits for its turn for long still has the whole silence left for the answer."""
    if (client := make_client(TransportConfig(max_connections=1))).name.endswith(("aiohttp", "async")):
        pytest.skip("the client of this test awaits one call at a time")
    with Server([READ, HEAD, chunked(b"a", end=False), HANG], [READ, 0.8, reply(b"b")]) as server:
        body = client.open(stream(server.url), patient(5.0))
        threading.Timer(0.8, body.close).start()
        assert client.send(get(server.url), patient(1.4)).body == b"b"


@contextmanager
def slow_reader(size: int) -> Iterator[str]:
    """A server that takes a request of `size` bytes in more than two seconds, and answers."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 * 1024)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    over = threading.Event()

    def serve() -> None:
        link, _ = listener.accept()
        with link:
            taken = step = 0
            while taken < size:
                data = link.recv(256 * 1024)
                if not data:
                    return
                taken += len(data)
                if taken // (size // 24) > step:
                    step += 1
                    over.wait(0.1)
            link.sendall(reply(b"a"))
            over.wait(30)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.close()
        thread.join(30)
