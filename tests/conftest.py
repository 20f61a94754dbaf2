"""What every test gets: no network beyond loopback, no settings of the person, the recorded traffic."""

from __future__ import annotations

import gc
import importlib
import ipaddress
import os
import pkgutil
import re
import signal
import socket
import sys
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from tests.servers import PostgresServer, RedisServer, postgres_programs, redis_program

import polydriver

REPOSITORY = Path(__file__).resolve().parent.parent

# Settings of the person who runs the tests: keys, base URLs, our own defaults, proxies.
SETTINGS = re.compile(
    r".+_(API_KEY|API_TOKEN|ACCESS_TOKEN|BASE_URL)"
    r"|(AI|OPENAI|ANTHROPIC|AZURE|AWS|GEMINI|GOOGLE|MISTRAL|OLLAMA|OPENROUTER|POLYDRIVER|SSL_CERT)_.+"
    r"|(HTTP|HTTPS|ALL|NO)_PROXY|HF_TOKEN",
    re.IGNORECASE,
)


class NetworkForbiddenError(RuntimeError):
    """A test tried to reach an address beyond loopback."""


class NetworkGuard:
    """An audit hook (PEP 578) that refuses every connection and name look-up beyond loopback.

    The interpreter itself calls it, so nothing is patched and no HTTP client gets round it. It notes what it
    refused, since the code under test may well catch the exception.
    """

    def __init__(self) -> None:
        self.active = False
        self.refused: list[str] = []

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.active or not event.startswith("socket."):
            return
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            address = args[1]
            if isinstance(address, tuple) and not is_loopback(str(address[0])):
                self.refuse(f"{event} to {address[0]}:{address[1]}")
        elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
            host = args[0].decode() if isinstance(args[0], bytes) else args[0]
            if host and host.endswith(".invalid"):  # RFC 6761: such a name never resolves
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            if host and not is_loopback(host) and not is_address(host):
                self.refuse(f"{event} of {host}")

    def refuse(self, what: str) -> None:
        """Note and forbid one attempt."""
        self.refused.append(what)
        raise NetworkForbiddenError(f"tests stay on loopback: {what}")


def is_address(host: str) -> bool:
    """Return whether a host is a literal IP address, whose look-up stays on the machine."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Return whether a host means this machine."""
    if host in ("", "localhost") or host.endswith(".localhost"):
        return True
    if not is_address(host):
        return False
    address = ipaddress.ip_address(host.partition("%")[0])
    return address.is_loopback or address.is_unspecified


# No property is about speed, and a busy machine is not a failure. CI tries the same examples each time.
settings.register_profile(
    "polydriver",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("polydriver")

# A shell starts what runs in its background with Ctrl-C ignored, and so would be all that the tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

GUARD = NetworkGuard()
sys.addaudithook(GUARD)


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that reaches beyond loopback, even when the code under test hides the refusal."""
    GUARD.active = request.node.get_closest_marker("e2e") is None
    GUARD.refused.clear()
    yield
    GUARD.active = False
    assert not GUARD.refused, f"tests stay on loopback: {GUARD.refused}"


@pytest.fixture(autouse=True)
def no_settings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take keys, base URLs, proxies and our settings out of the environment, except for tests marked e2e."""
    if request.node.get_closest_marker("e2e") is None:
        for name in [name for name in os.environ if SETTINGS.fullmatch(name) and name != "POLYDRIVER_WIRE"]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("POLYDRIVER_STATE", "off")  # conversations of tests are not the person's last ones


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL, for the tests of this process."""
    server = PostgresServer(postgres_programs())
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A real Redis, for the tests of this process."""
    server = RedisServer(redis_program())
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def wire_dir() -> Path:
    """Return the folder of recorded provider traffic: `tests/traffic`, or what `POLYDRIVER_WIRE` names."""
    return Path(os.environ.get("POLYDRIVER_WIRE") or REPOSITORY / "tests" / "traffic")


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are processors: many tests wait for a server, a process or a moment."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Look for no garbage while tests are collected: all of it is kept, and looking is a third of the work."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Load all of our modules, and leave what the tests consist of to no later garbage collection.

    Modules are loaded when they are needed; pytest rewrites them, and Python 3.11 fails when two threads do that at
    once (https://github.com/python/cpython/issues/106905). Many tests collect garbage on purpose.
    """
    for module in pkgutil.walk_packages(polydriver.__path__, "polydriver."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, Any, Any]:
    """Collect garbage at the end of each file, so that what a test left open fails there and not anywhere later."""
    result = yield
    if nextitem is None or nextitem.path != item.path:
        gc.collect()
        gc.freeze()
    return result


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Tell in one line for each kind why tests were skipped."""
    kinds = Counter(_kind_of(report.longrepr) for report in terminalreporter.stats.get("skipped", ()))
    for kind, count in kinds.most_common():
        terminalreporter.write_line(f"skipped {count}: {kind}")


def _kind_of(longrepr: Any) -> str:
    """The reason of a skip, without the name of the driver that it is about."""
    reason = str(longrepr[2] if isinstance(longrepr, tuple) else longrepr).removeprefix("Skipped: ")
    if "credentials for" in reason or "may need no key" in reason:
        return "end-to-end tests of a provider without a key or address in the environment (see tests/e2e/README.md)"
    return re.sub(r"^[\w.-]+ (?=(?:has|does|lists|is|needs)\b)", "the driver ", reason)
