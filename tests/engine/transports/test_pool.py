"""The places of a blocking pool: taken in turn, waited for within bounds, and never lost."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from tests.faults.server import AGAIN, HANG, READ, Server, chunked, reply

from polydriver import APIConnectionError, APITimeoutError
from polydriver.data.http import TransportConfig
from polydriver.engine.transports import transport_for
from polydriver.engine.transports.address import Origin
from polydriver.engine.transports.pools import Place, Pool

from .clients import get, stream, within

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def make_pool(size: int) -> Pool:
    return Pool(Origin("http", "host", 80), None, TransportConfig(max_connections=size))


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


def wait_until(holds: Callable[[], bool]) -> None:
    limit = soon()
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.005)


def test_who_comes_first_is_served_first() -> None:
    pool, served = make_pool(2), list[int]()
    held = [Place(), Place()]
    for place in held:
        pool.enter(place, soon())

    def queue_up(number: int) -> None:
        place = Place()
        pool.enter(place, soon())
        served.append(number)
        pool.leave(place)

    threads = []
    for number in range(20):
        threads.append(threading.Thread(target=queue_up, args=(number,)))
        threads[-1].start()
        wait_until(lambda: len(pool._line) == len(threads) + 2)
    pool.leave(held[0])
    for thread in threads:
        thread.join(30)
    assert served == list(range(20))


def test_nobody_starves() -> None:
    """Who is served queues up again behind those who wait."""
    pool, stopped = make_pool(4), threading.Event()
    counts = [0] * 12

    def work(number: int) -> None:
        while not stopped.is_set():
            place = Place()
            pool.enter(place, soon())
            counts[number] += 1
            time.sleep(0.002)
            pool.leave(place)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(counts))]
    for thread in threads:
        thread.start()
    wait_until(lambda: sum(counts) > 300)
    stopped.set()
    for thread in threads:
        thread.join(30)
    assert min(counts) * 3 > max(counts), counts


def test_who_waits_too_long_gives_up_and_the_next_one_is_served() -> None:
    pool, place = make_pool(1), Place()
    pool.enter(place, soon())
    with pytest.raises(APITimeoutError) as caught:
        pool.enter(Place(), soon(0.05))
    assert caught.value.details["phase"] == "pool"
    pool.leave(place)
    pool.enter(Place(), soon())


@pytest.mark.parametrize("name", ["urllib3", "httpx2"])
def test_a_deadline_ends_the_wait_for_a_place(name: str) -> None:
    transport = transport_for("blocking", TransportConfig(max_connections=2), name)
    with Server([READ, HEAD, chunked(b"a", end=False), HANG]) as server:
        bodies = [transport.open(stream(server.url), within()) for _ in range(2)]
        failures: list[Exception] = []

        def ask() -> None:
            try:
                transport.send(get(server.url), within(0.1))
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert [type(error) for error in failures] == [APITimeoutError] * 6
        for body in bodies:
            body.close()
    transport.close()


def test_a_place_whose_holder_is_gone_is_free() -> None:
    pool = make_pool(2)
    for _ in range(50):
        pool.enter(Place(), soon())
    first, second = Place(), Place()
    pool.enter(first, soon())
    pool.enter(second, soon())
    waited = Place()
    thread = threading.Thread(target=pool.enter, args=(waited, soon()))
    thread.start()
    del first
    gc.collect()
    thread.join(30)
    assert not thread.is_alive()


def test_a_bound_that_is_never_reached_costs_nothing() -> None:
    pool = make_pool(10**8)
    pool.enter(Place(), soon())
    assert sys.getsizeof(pool._line) < 10_000


def test_a_stopped_wait_ends_at_once() -> None:
    transport = transport_for("blocking", TransportConfig(max_connections=1))
    from polydriver.data.http import Timeouts
    from polydriver.engine.waiting import Stop

    stop, failures = Stop(), list[Exception]()
    limits = Timeouts(connect=2.0, expires=soon(60), stop=stop)
    with Server([READ, HEAD, chunked(b"a", end=False), HANG]) as server:
        body = transport.open(stream(server.url), within())

        def ask() -> None:
            try:
                transport.send(get(server.url), limits)
            except Exception as error:
                failures.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        time.sleep(0.05)
        stop.set()
        thread.join(30)
        assert [type(error) for error in failures] == [APIConnectionError]
        body.close()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", ["whole", "streamed"])
def test_an_interrupt_at_any_line_loses_no_place(kind: str) -> None:
    """Ctrl-C is tried at every line that a call runs in our own transports: the one place is always free again."""
    transport = transport_for("blocking", TransportConfig(max_connections=1))

    def call(url: str) -> bytes:
        if kind == "whole":
            return transport.send(get(url), within()).body
        body = transport.open(stream(url), within())
        try:
            return body.read()
        finally:
            body.close()

    with Server([READ, reply(b"a"), AGAIN]) as server:
        call(server.url)
        lines = 0
        while True:
            lines += 1
            if not interrupt_at(lines, lambda: call(server.url)):
                break
            gc.collect()
            assert call(server.url) == b"a", f"after an interrupt at line {lines}"
        transport.close()
    assert lines > 100


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@pytest.mark.parametrize("kind", ["whole", "streamed"])
def test_nor_does_one_in_an_event_loop(kind: str) -> None:
    """A loop that does not turn Ctrl-C into a cancellation, such as that of a notebook."""
    loop = asyncio.new_event_loop()
    transport = transport_for("async", TransportConfig(max_connections=1))

    async def ask(url: str) -> bytes:
        if kind == "whole":
            return (await transport.send(get(url), within())).body
        body = await transport.open(stream(url), within())
        try:
            return await body.read()
        finally:
            body.close()

    def call(url: str) -> bytes:
        return loop.run_until_complete(ask(url))

    with Server([READ, reply(b"a"), AGAIN]) as server:
        call(server.url)
        lines = 0
        while True:
            lines += 3
            if not interrupt_at(lines, lambda: call(server.url)):
                break
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
            gc.collect()
            assert call(server.url) == b"a", f"after an interrupt at line {lines}"
        loop.run_until_complete(transport.aclose())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    assert lines > 100


def interrupt_at(count: int, work: Callable[[], object]) -> bool:
    """Run `work` with an interrupt at its line number `count`; false when it has fewer."""
    left = count

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal left
        if "engine/transports" not in frame.f_code.co_filename.replace("\\", "/") and event == "call":
            return None
        if event == "line":
            left -= 1
            if left == 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False
