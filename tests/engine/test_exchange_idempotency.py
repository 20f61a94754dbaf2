"""The key that all attempts of one request share, where the provider takes one."""

from __future__ import annotations

import asyncio
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tests.engine.transports.test_redial import answer, streamed
from tests.faults.server import CLOSE, READ, Received, Server, reply

from polydriver import ConfigurationError, OpenAIDriver, openai_compatible
from polydriver.driver import Driver
from polydriver.drivers import driver_class, driver_names
from polydriver.drivers.anthropic import AnthropicDriver

KEY = {"api_key": "sk-0123456789abcdef", "retry_delay": 0.0}
NAME = "idempotency-key"


def ask(driver: Driver, colour: str, stream: bool) -> None:
    options: Any = {"model": "m", "api": "chat"} if isinstance(driver, OpenAIDriver) else {"model": "m"}

    async def ask_async() -> None:
        async with driver.asynchronous() as provider:
            if stream:
                async with provider.send_streaming_message("Hi", **options) as chunks:
                    _ = [chunk async for chunk in chunks]
            else:
                await provider.send_message("Hi", **options)

    if colour == "async":
        asyncio.run(ask_async())
    elif stream:
        with driver.send_streaming_message("Hi", **options) as chunks:
            list(chunks)
    else:
        driver.send_message("Hi", **options)


def served(make: Any, colour: str, stream: bool, calls: int = 1) -> list[Received]:
    """The requests of calls whose first attempt fails."""
    good = reply(streamed(), headers={"content-type": "text/event-stream"}) if stream else reply(answer())
    with Server(*[[READ, reply(b"{}", status=503), CLOSE], [READ, good, CLOSE]] * calls) as server:
        driver = make(server.url)
        for _ in range(calls):
            ask(driver, colour, stream)
        driver.close()
        return list(server.requests)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("colour", ["blocking", "async"])
def test_all_attempts_of_a_call_have_one_key_and_each_call_its_own(colour: str, stream: bool) -> None:
    requests = served(lambda url: OpenAIDriver(KEY, base_url=f"{url}/v1"), colour, stream, calls=2)
    keys = [request.headers[NAME] for request in requests]
    assert len(keys) == 4
    assert keys[0] == keys[1] != keys[2] == keys[3]


def test_only_where_the_provider_takes_one() -> None:
    assert AnthropicDriver.idempotency_header is None
    compatible = openai_compatible("here", base_url="http://127.0.0.1:9/v1")
    plain = served(lambda url: compatible(KEY, base_url=f"{url}/v1"), "blocking", False)
    assert not any(NAME in request.headers for request in plain)
    named = {**KEY, "idempotency_header": "X-Once"}
    asked = served(lambda url: compatible(named, base_url=f"{url}/v1"), "blocking", False)
    assert asked[0].headers["x-once"] == asked[1].headers["x-once"] != ""


def test_a_name_that_no_header_can_have_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="idempotency_header"):
        OpenAIDriver(KEY, idempotency_header="no header: this")


class Executing:
    """A service that executes each key once, and gives the answer that it keeps whenever the key comes again.

    It breaks off where it has executed something for the first time: the caller cannot know.
    """

    def __init__(self, stream: bool) -> None:
        self.keys: list[str] = []
        self.executed: list[str] = []
        self.body = streamed() if stream else answer()
        self.kind = "text/event-stream" if stream else "application/json"
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                self.close_connection = True
                key = self.headers[NAME]
                service.keys.append(key)
                if key not in service.executed:
                    service.executed.append(key)
                    return  # without an answer
                self.send_response(200)
                self.send_header("content-type", service.kind)
                self.send_header("content-length", str(len(service.body)))
                self.end_headers()
                self.wfile.write(service.body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Executing:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def keyed() -> list[str]:
    return [name for name in driver_names() if driver_class(name).idempotency_header is not None]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("colour", ["blocking", "async"])
def test_what_was_executed_is_not_executed_again(colour: str, stream: bool) -> None:
    assert keyed() == ["openai"]
    with Executing(stream) as service:
        driver = OpenAIDriver(KEY, base_url=f"{service.url}/v1")
        for calls in range(1, 4):
            ask(driver, colour, stream)
            assert len(service.executed) == calls
            assert service.keys[-2:] == service.executed[-1:] * 2
        driver.close()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("colour", ["blocking", "async"])
def test_a_fallback_has_a_key_of_its_own(colour: str, stream: bool) -> None:
    with Executing(stream) as first, Executing(stream) as second:
        other = OpenAIDriver(KEY, base_url=f"{second.url}/v1", default_model="m")
        driver = OpenAIDriver({**KEY, "options": {"fallback": [other]}}, base_url=f"{first.url}/v1", retry_attempts=1)
        ask(driver, colour, stream)
        driver.close()
        other.close()
        assert len(first.keys) == 1
        assert second.executed == second.keys[:1] != first.keys
        assert len(second.keys) == 2
