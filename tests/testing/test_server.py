from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
from typing import Any
from urllib.parse import urlsplit

import pytest

from polydriver import MockDriver, OpenAIDriver, errors
from polydriver.drivers.mock import FAILURES, tool_call
from polydriver.testing import MockServer
from polydriver.testing.server import serve


def client(url: str, **settings: Any) -> OpenAIDriver:
    return OpenAIDriver({"api_key": "sk-test-key", "base_url": url, "retry_delay": 0.0, **settings}, env={})


def mock(*replies: Any, **settings: Any) -> MockDriver:
    return MockDriver(replies=list(replies), env={}, **settings)


class TestWithOurDriver:
    def test_whole_and_streamed(self) -> None:
        driver = mock("Hello", "Streamed text", tool_call("f", a=1), chunk_size=4)
        with MockServer(driver) as url:
            provider = client(url)
            assert provider.send_message("Hi", model="m").content == "Hello"
            with provider.send_streaming_message("Hi", model="m") as stream:
                assert [chunk.content for chunk in stream if chunk.content] == ["Stre", "amed", " tex", "t"]
            assert stream.response.usage is not None
            assert provider.send_message("Hi", model="m").tool_calls[0].arguments == {"a": 1}
            assert len(provider.get_available_models()) == 3
            provider.close()
        driver.assert_count(3).assert_done()

    async def test_async(self) -> None:
        with MockServer(mock("Hello", "Streamed")) as url:
            provider = client(url).asynchronous()
            assert (await provider.send_message("Hi", model="m")).content == "Hello"
            async with provider.send_streaming_message("Hi", model="m") as stream:
                assert (await stream.until_done()).content == "Streamed"
            echoes = await asyncio.gather(*(provider.send_message(str(n), model="m") for n in range(20)))
            assert [answer.content for answer in echoes] == [str(n) for n in range(20)]
            await provider.aclose()

    @pytest.mark.parametrize("kind", [*FAILURES, "418"])
    def test_failures_happen_on_the_wire(self, kind: str) -> None:
        limits = {"retry_attempts": 1, "timeout": 0.2, "idle_timeout": 0.1, "model": f"mock-error-{kind}"}
        with MockServer() as url:
            provider = client(url)
            with pytest.raises(errors.ProviderError):
                provider.send_message("x", **limits)
            with (
                pytest.raises(errors.ProviderError),
                provider.send_streaming_message("x", **limits) as stream,
            ):
                stream.until_done()
            assert provider.send_message("still there", model="m").content == "still there"
            provider.close()

    def test_a_cut_stream_keeps_what_came(self) -> None:
        with MockServer(mock().fail("cut", text="Hello there", after=2)) as url:
            provider = client(url)
            with (
                pytest.raises(errors.StreamInterruptedError) as caught,
                provider.send_streaming_message("x", model="m") as stream,
            ):
                stream.until_done()
            provider.close()
        assert caught.value.partial is not None
        assert "Hello there".startswith(caught.value.partial.content)

    def test_an_unscripted_call_says_so(self) -> None:
        with MockServer(mock(strict=True)) as url:
            provider = client(url)
            with pytest.raises(errors.ServerError, match="no reply left"):
                provider.send_message("x", model="m", retry_attempts=1)
            provider.close()


class TestHTTP:
    def test_keep_alive_and_chunked_requests(self) -> None:
        with MockServer(mock("a", "b")) as url:
            connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
            body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}]}).encode()
            for expected in ("a", "b"):
                pieces = iter([body[:7], body[7:]])
                connection.request("POST", "/v1/chat/completions", pieces, encode_chunked=True)
                reply = json.loads(connection.getresponse().read())
                assert reply["choices"][0]["message"]["content"] == expected
            connection.close()

    @pytest.mark.parametrize(
        ("raw", "status"),
        [
            (b"nonsense\r\n\r\n", b"400"),
            (b"GET /v1/models HTTP/1.1\r\ncontent-length: x\r\n\r\n", b"400"),
            (b"POST /v1/x HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n", b"413"),
            (b"POST /v1/x HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", b"400"),
            (b"GET / HTTP/1.1\r\nx: " + b"y" * 100_000 + b"\r\n\r\n", b"431"),
            (b"GET /v1/models HTTP/1.0\r\n\r\n", b"200"),
            (b"GET /v1/nothing HTTP/1.1\r\nconnection: close\r\n\r\n", b"404"),
        ],
    )
    def test_odd_requests(self, raw: bytes, status: bytes) -> None:
        server = MockServer(mock())
        server.start()
        try:
            with socket.create_connection(("127.0.0.1", server.port), timeout=5) as link:
                link.sendall(raw)
                assert link.recv(65536).split(b" ")[1] == status
        finally:
            server.stop()

    def test_a_taken_port_is_reported(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError):
            MockServer(port=taken.getsockname()[1]).start()

    def test_stop_breaks_off_what_is_open(self) -> None:
        asked = threading.Event()

        def note(text: str) -> bool:
            asked.set()
            return False

        server = MockServer(mock().fail("stall").when(note, "never"))
        provider = client(server.start())
        failed: list[BaseException] = []

        def ask() -> None:
            try:
                provider.send_message("x", model="m", retry_attempts=1, timeout=30)
            except errors.AIError as error:
                failed.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        assert asked.wait(30)
        server.stop()
        thread.join(30)
        provider.close()
        assert isinstance(failed[0], errors.APIConnectionError)

    def test_serve_runs_until_it_is_told_to_stop(self) -> None:
        answers: list[str] = []

        def on_ready(url: str) -> None:
            def ask() -> None:
                provider = client(url)
                answers.append(provider.send_message("x", model="m").content)
                provider.close()
                loop.call_soon_threadsafe(_interrupt)

            loop = asyncio.get_running_loop()
            threading.Thread(target=ask).start()

        serve(driver=mock("served"), on_ready=on_ready)
        assert answers == ["served"]


def _interrupt() -> None:
    raise KeyboardInterrupt
