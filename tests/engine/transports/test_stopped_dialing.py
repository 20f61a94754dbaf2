"""A connection that cannot be made is given up at once when nobody wants it any more."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from polydriver import OpenAIDriver, ProviderClosedError
from polydriver.engine.transports.sockets import dial

_CALLERS = 8


@pytest.fixture
def deaf() -> Iterator[int]:
    """The port of a server that accepts nobody, with a full line before it: further connections hang."""
    with ExitStack() as open_:
        listener = open_.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port: int = listener.getsockname()[1]
        for _ in range(_CALLERS):
            caller = open_.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(("127.0.0.1", port))
        yield port


def test_a_call_that_is_stopped_while_it_connects(deaf: int) -> None:
    driver = OpenAIDriver(
        {"api_key": "sk-0123456789abcdef"}, base_url=f"http://127.0.0.1:{deaf}/v1", connect_timeout=300.0, timeout=300.0
    )
    errors: list[BaseException] = []

    def ask() -> None:
        with pytest.raises(ProviderClosedError) as caught:
            driver.send_message("Hi", model="m")
        errors.append(caught.value)

    thread = threading.Thread(target=ask)
    thread.start()
    driver.close(grace=0.3)
    thread.join(60)
    assert len(errors) == 1


def test_dialing_ends_when_it_is_stopped_and_at_its_time(deaf: int) -> None:
    with pytest.raises(ConnectionAbortedError):
        dial("127.0.0.1", deaf, float("inf"), lambda: True)
    looks = iter([False, False, True])
    with pytest.raises(ConnectionAbortedError):
        dial("127.0.0.1", deaf, float("inf"), lambda: next(looks))
    with pytest.raises(TimeoutError):
        dial("127.0.0.1", deaf, 0.0)


def test_a_name_is_looked_up_until_it_is_stopped() -> None:
    with pytest.raises(ConnectionAbortedError):
        dial("localhost", 1, float("inf"), lambda: True)


def test_a_port_that_nobody_listens_to_is_refused_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        dial("127.0.0.1", port, float("inf"))
