"""Event loops, threads, forks, interruption and the end of the interpreter."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from tests.faults.server import AGAIN, HANG, READ, Server, chunked, drip, reply

from polydriver.data.http import TransportConfig
from polydriver.engine.transports import transport_for
from polydriver.engine.transports.httpx2 import AsyncHTTPX2Transport, HTTPX2Transport
from polydriver.errors import APITimeoutError, ConfigurationError

from .clients import get, stream, within

ASYNC = ("aiohttp", "httpx2")
BLOCKING = ("urllib3", "httpx2")
HEAD = reply(headers={"transfer-encoding": "chunked"}, length=False)


@pytest.mark.parametrize("name", ASYNC)
def test_one_transport_in_many_loops(name: str) -> None:
    transport = transport_for("async", TransportConfig(), name)
    with Server([READ, reply(b"a"), AGAIN]) as server:

        async def call() -> bytes:
            return (await transport.send(get(server.url), within())).body

        for _ in range(3):
            assert asyncio.run(call()) == b"a"
        assert server.wait_hung_up(3), "asyncio.run closes what is idle"
        with ThreadPoolExecutor(4) as threads:
            assert list(threads.map(lambda _: asyncio.run(call()), range(8))) == [b"a"] * 8
    transport.close()


@pytest.mark.parametrize("name", ASYNC)
async def test_cancellation_frees_the_connection(name: str) -> None:
    transport = transport_for("async", TransportConfig(max_connections=1), name)
    with Server([READ, HANG], [READ, HEAD, HANG], [READ, reply(b"a"), AGAIN]) as server:
        sending = asyncio.create_task(transport.send(get(server.url), within()))
        await asyncio.to_thread(server.wait_requests, 1)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        body = await transport.open(stream(server.url), within())
        reading = asyncio.create_task(body.read())
        await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await asyncio.to_thread(server.wait_hung_up, 2)
        assert (await transport.send(get(server.url), within())).body == b"a"
        await transport.aclose()


@pytest.mark.parametrize("name", ASYNC)
async def test_many_calls_share_few_connections(name: str) -> None:
    transport = transport_for("async", TransportConfig(max_connections=3), name)
    with Server([READ, reply(b"a"), AGAIN]) as server:
        replies = await asyncio.gather(*(transport.send(get(server.url), within()) for _ in range(40)))
        await transport.aclose()
    assert [answer.body for answer in replies] == [b"a"] * 40
    assert server.connections <= 3


@pytest.mark.parametrize("name", BLOCKING)
def test_many_threads_share_few_connections(name: str) -> None:
    transport = transport_for("blocking", TransportConfig(max_connections=3), name)
    with Server([READ, reply(b"a"), AGAIN]) as server:
        with ThreadPoolExecutor(12) as threads:
            replies = list(threads.map(lambda _: transport.send(get(server.url), within()), range(60)))
        transport.close()
    assert [answer.body for answer in replies] == [b"a"] * 60
    assert server.connections <= 3


def test_a_waiter_that_is_cancelled_does_not_keep_its_turn() -> None:
    async def main() -> None:
        transport = transport_for("async", TransportConfig(max_connections=1))
        with Server([READ, HEAD, chunked(b"a", end=False), HANG], [READ, reply(b"next"), AGAIN]) as server:
            body = await transport.open(stream(server.url), within())
            waiting = [asyncio.create_task(transport.send(get(server.url), within())) for _ in range(2)]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            body.close()  # hands the turn to the first, which is cancelled in the same step
            waiting[0].cancel()
            assert (await waiting[1]).body == b"next"
            await transport.aclose()

    asyncio.run(main())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("kind", ["blocking", "async"])
def test_a_forked_child_uses_connections_of_its_own(kind: str) -> None:
    code = f"""
import asyncio, os, sys
from polydriver.data.http import TransportConfig
from polydriver.engine.transports import transport_for
from tests.engine.transports.clients import get, within
transport = transport_for({kind!r}, TransportConfig())
def call():
    made = transport.send(get(sys.argv[1]), within())
    return made if {kind == "blocking"} else asyncio.run(made)
async def again():
    await transport.send(get(sys.argv[1]), within())
    if os.fork() == 0:
        os._exit(0)
    os.wait()
    return (await transport.send(get(sys.argv[1]), within())).body
call()
child = os.fork()
body = call().body
if child == 0:
    os._exit(0 if body == b"a" else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert body == b"a"
if {kind == "async"}:
    assert asyncio.run(again()) == b"a"
"""
    with Server([READ, reply(b"a"), AGAIN]) as server:
        assert run_python(code, server.url) == ("", "")
    assert len({request.connection for request in server.requests}) >= 2


@pytest.mark.parametrize(("kind", "name"), [("blocking", n) for n in BLOCKING] + [("async", n) for n in ASYNC])
@pytest.mark.parametrize("how", ["left open", "in the middle"])
def test_nothing_is_said_at_the_end(kind: str, name: str, how: str) -> None:
    code = f"""
import asyncio, sys
from polydriver.data.http import TransportConfig
from polydriver.engine.transports import transport_for
from tests.engine.transports.clients import get, stream, within
transport = transport_for({kind!r}, TransportConfig(), {name!r})
async def main():
    global body
    await transport.send(get(sys.argv[1]), within())
    if {how == "in the middle"}:
        body = await transport.open(stream(sys.argv[1]), within())
if {kind == "blocking"}:
    transport.send(get(sys.argv[1]), within())
    body = transport.open(stream(sys.argv[1]), within()) if {how == "in the middle"} else None
else:
    asyncio.run(main())
"""
    if (name, how, kind) == ("httpx2", "in the middle", "async"):
        pytest.skip("anyio's streams warn when a loop ends in the middle of one")
    with Server([READ, HEAD + chunked(b"a" * 10, end=False)[:-2], b"\r\n0\r\n\r\n", READ, HEAD, HANG]) as server:
        assert run_python(code, server.url) == ("", "")


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX signals")
@pytest.mark.parametrize("script", [[READ, HANG], [READ, HEAD, HANG]], ids=["headers", "stream"])
@pytest.mark.parametrize("name", BLOCKING)
def test_an_interrupt_ends_a_blocking_read_at_once(name: str, script: list[bytes]) -> None:
    transport = transport_for("blocking", TransportConfig(max_connections=1), name)
    with Server(script) as server:

        def interrupt() -> None:
            server.wait_requests(1)
            time.sleep(0.02)
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            transport.open(stream(server.url), within(60)).read()
        thread.join()
        assert server.wait_hung_up()
    transport.close()


def test_a_client_of_the_user() -> None:
    with Server([READ, reply(b"a", 302, {"Location": "/x"}), AGAIN]) as server:
        with httpx2.Client(trust_env=False, follow_redirects=True) as client:
            transport = HTTPX2Transport(client)
            assert transport.send(get(server.url), within()).status == 302
            transport.close()
            assert transport.send(get(server.url), within()).status == 302

        async def main() -> int:
            async with httpx2.AsyncClient(trust_env=False, follow_redirects=True) as client:
                return (await AsyncHTTPX2Transport(client).send(get(server.url), within())).status

        assert asyncio.run(main()) == 302
    with pytest.raises(ConfigurationError):
        HTTPX2Transport(httpx2.AsyncClient(trust_env=False))  # type: ignore[arg-type]


def test_a_stream_of_a_client_of_the_user_ends_in_time() -> None:
    script = [READ, HEAD, chunked(b"a", end=False), *drip(b"5\r\nabcde", 0.2), HANG]
    with Server(script) as server, httpx2.Client(trust_env=False) as client:
        body = HTTPX2Transport(client).open(stream(server.url), within())
        body.expires = within(0.1).expires
        with pytest.raises(APITimeoutError):
            b"".join(iter(body.read, b""))


def test_names_of_clients() -> None:
    for kind in ("blocking", "async"):
        for setting in (None, "aiohttp", "urllib3", "httpx2"):
            transport = transport_for(kind, TransportConfig(http_client=setting))
            transport.close()
    with pytest.raises(ConfigurationError, match="urllib3"):
        transport_for("blocking", TransportConfig(), "aiohttp")
    with pytest.raises(ConfigurationError, match="aiohttp"):
        transport_for("async", TransportConfig(), "requests")


def test_importing_the_package_loads_no_client() -> None:
    code = "import sys, polydriver.engine.transports as t; print([n for n in sys.modules if n.split('.')[0] in "
    code += "('aiohttp', 'urllib3', 'httpx2', 'ssl', 'asyncio')])"
    assert run_python(code) == ("[]\n", "")


def run_python(code: str, *arguments: str) -> tuple[str, str]:
    """What a program prints and complains about, in development mode."""
    root = Path(__file__).resolve().parents[3]
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", code, *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "src")])}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=30, check=False)
    noise = [line for line in done.stderr.splitlines() if "Executing <" not in line]
    return done.stdout, "\n".join(noise)
