"""The server itself: connections, and when what is sent on them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from types import TracebackType

from ...data.http import Request, Simulated
from ...data.json import encode_json
from ...drivers.mock import MockDriver
from ...errors import AIError
from ..rules import judge_request
from .backend import Backend, service_of
from .http import BadRequestError, chunk, head, read_request

__all__ = ["MockServer", "serve"]

_START_SECONDS = 10.0


class MockServer:
    """Serves a `MockDriver` over HTTP/1.1, in the form of OpenAI's API, Anthropic's and Gemini's. A context manager
    that runs in a thread of its own and gives the base URL of OpenAI's; `root` is the address alone.

    Failures on script happen on the wire: streams are cut or stall, connections are refused (broken before a
    reply), answers never come. A client can ask for one by the model's name (`mock-error-429`) or the header
    `x-mock-script`. `port` 0 takes a free one. `strict` answers 400, with the reasons, to requests that the real
    service is known to refuse (`polydriver.testing.rules`).

    ::

        with MockServer(MockDriver(replies=["Hi"])) as url:
            OpenAIDriver({"api_key": "sk-test", "base_url": url}).send_message("Hello", model="mock")
    """

    def __init__(
        self, driver: MockDriver | None = None, host: str = "127.0.0.1", port: int = 0, *, strict: bool = False
    ) -> None:
        self.driver = driver or MockDriver({})
        self._backend = Backend(self.driver)
        self.strict = strict
        self.host = host
        self.port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop: asyncio.Event | None = None
        self._failed: BaseException | None = None

    @property
    def url(self) -> str:
        """The base URL, for `base_url` of a client of OpenAI's API."""
        return f"{self.root}/v1"

    @property
    def root(self) -> str:
        """The address without a path: the base URL for Anthropic's API and Gemini's."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def start(self) -> str:
        """Start serving in a thread. Returns the base URL. Raises `OSError` when the port is taken."""
        started = threading.Event()

        def run() -> None:
            try:
                asyncio.run(self.serve(lambda url: started.set()))
            except BaseException as error:  # noqa: BLE001 - it is raised in the caller's thread
                self._failed = error
                started.set()

        self._thread = threading.Thread(target=run, name="polydriver-mock-server", daemon=True)
        self._thread.start()
        started.wait(_START_SECONDS)
        if self._failed is not None:
            raise self._failed
        return self.url

    def stop(self) -> None:
        """Stop serving; open connections are broken off."""
        if self._loop is not None and self._stop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            self._thread.join(_START_SECONDS)

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def serve(self, on_ready: Callable[[str], object] | None = None) -> None:
        """Serve in the running event loop until `stop()` or cancellation; `on_ready` is told the base URL."""
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        handlers: set[asyncio.Task[None]] = set()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            handlers.add(task)
            try:
                await _Connection(self._backend, reader, writer, strict=self.strict).run()
            finally:
                handlers.discard(task)

        server = await asyncio.start_server(accept, self.host, self.port)
        self.port = server.sockets[0].getsockname()[1]
        if on_ready is not None:
            on_ready(self.url)
        try:
            await self._stop.wait()
        finally:
            server.close()
            for task in list(handlers):
                task.cancel()
            await asyncio.gather(*handlers, return_exceptions=True)

    def __repr__(self) -> str:
        return f"<MockServer at {self.url}>"


def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    driver: MockDriver | None = None,
    *,
    strict: bool = False,
    on_ready: Callable[[str], object] | None = None,
) -> None:
    """Serve until Ctrl-C, in this thread; `on_ready` is told the base URL. Raises `OSError` when the port is
    taken."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(MockServer(driver, host, port, strict=strict).serve(on_ready))


class _Connection:
    """One connection of a client, with any number of requests on it."""

    def __init__(
        self, backend: Backend, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, strict: bool
    ) -> None:
        self._backend = backend
        self._strict = strict
        self._reader = reader
        self._writer = writer

    async def run(self) -> None:
        """Answer requests until one of the two sides closes."""
        try:
            while await self._answer_next():
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:
            self._writer.transport.abort()
        finally:
            self._writer.close()

    async def _answer_next(self) -> bool:
        """Answer one request. Returns whether another may follow."""
        try:
            request = await read_request(self._reader, self._writer)
        except BadRequestError as error:
            await self._send_whole(_error(error.status, str(error)), keep=False)
            return False
        if request is None:
            return False
        answer = self._ask(request)
        if answer.end == "refuse":
            self._writer.transport.abort()
            return False
        if answer.end == "timeout":
            await self._until_client_leaves()
            return False
        keep = request.headers.get("connection", "").lower() != "close"
        if answer.end == "clean" and len(answer.chunks) <= 1:
            await asyncio.sleep(_delay(answer, 0) if answer.chunks else 0)
            await self._send_whole(answer, keep=keep)
            return keep
        return await self._send_in_pieces(answer, keep=keep) and keep

    def _ask(self, request: Request) -> Simulated:
        if self._strict and (broken := judge_request(service_of(request), request)):
            return _error(400, "; ".join(map(str, broken)), "invalid_request_error")
        try:
            answer = self._backend.answer(request)
        except (AIError, AssertionError) as error:
            return _error(500, str(error))
        return _error(500, str(answer)) if isinstance(answer, AIError) else answer

    async def _send_whole(self, answer: Simulated, *, keep: bool) -> None:
        body = b"".join(answer.chunks)
        headers = {**answer.headers, "content-length": str(len(body))}
        self._writer.write(head(answer.status, headers, keep=keep) + body)
        await self._writer.drain()

    async def _send_in_pieces(self, answer: Simulated, *, keep: bool) -> bool:
        """A chunked reply, with its delays and its end. Returns whether the connection can be used again."""
        headers = {**answer.headers, "transfer-encoding": "chunked"}
        self._writer.write(head(answer.status, headers, keep=keep))
        await self._writer.drain()
        for position, piece in enumerate(answer.chunks):
            if delay := _delay(answer, position):
                await asyncio.sleep(delay)
            self._writer.write(chunk(piece))
            await self._writer.drain()
        if answer.end == "stall":
            await self._until_client_leaves()
            return False
        if answer.end == "cut":
            return False
        self._writer.write(chunk(b""))
        await self._writer.drain()
        return True

    async def _until_client_leaves(self) -> None:
        while await self._reader.read(65536):
            pass


def _delay(answer: Simulated, position: int) -> float:
    delays = answer.delays
    if isinstance(delays, int | float):
        return delays
    return delays[position] if position < len(delays) else 0.0


def _error(status: int, message: str, kind: str = "mock_error") -> Simulated:
    payload = {"error": {"message": message, "type": kind, "param": None, "code": None}}
    return Simulated(status=status, headers={"content-type": "application/json"}, chunks=[encode_json(payload)])
