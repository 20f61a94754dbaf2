"""The guard of conftest.py: what it lets through and what it stops."""

from __future__ import annotations

import asyncio
import os
import socket
from types import ModuleType

import pytest


@pytest.fixture
def conftest(request: pytest.FixtureRequest) -> ModuleType:
    plugins = request.config.pluginmanager.get_plugins()
    return next(module for module in plugins if getattr(module, "GUARD", None) is not None)


@pytest.mark.parametrize("host", ["203.0.113.1", "10.0.0.1", "169.254.169.254", "2001:db8::1"])
def test_connecting_beyond_loopback_is_refused(conftest: ModuleType, host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as client, pytest.raises(conftest.NetworkForbiddenError):
        client.connect((host, 80))
    assert conftest.GUARD.refused.pop()


def test_looking_up_a_name_is_refused(conftest: ModuleType) -> None:
    with pytest.raises(conftest.NetworkForbiddenError):
        socket.getaddrinfo("api.example.com", 443)
    assert conftest.GUARD.refused.pop()


async def test_asyncio_is_guarded_too(conftest: ModuleType) -> None:
    with pytest.raises(conftest.NetworkForbiddenError):
        await asyncio.open_connection("203.0.113.1", 80)
    assert conftest.GUARD.refused.pop()


def test_an_invalid_name_does_not_resolve() -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("nowhere.invalid", 443)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_is_open(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection((host, port), timeout=5) as client:
            assert client.getpeername()[1] == port


def test_settings_are_gone() -> None:
    assert not [name for name in os.environ if name.endswith("_API_KEY") or name.upper().endswith("_PROXY")]
