"""Processes that are killed under load, and what the database knows afterwards beside what the provider saw.

Used by the tests with a few kills, and by `python -m benchmarks.kills` with many.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, Self

from sqlalchemy import text

from polydriver.storage import Database
from polydriver.storage.sweeping import sweep

__all__ = ["Callers", "Findings", "StreamingProvider", "kill_under_load", "running_provider"]

_ROOT = Path(__file__).parent.parent.parent
_FAR = 4e9  # seconds since the epoch at which every lease has run out
_SECONDS = 120.0
_WORDS = 12
_CHUNK = (
    b'data: {"id":"c","object":"chat.completion.chunk","model":"m",'
    b'"choices":[{"index":0,"delta":{"content":"%d "}}]}\n\n'
)
_END = (
    b'data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{},'
    b'"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":12}}\n\ndata: [DONE]\n\n'
)


class StreamingProvider(ThreadingHTTPServer):
    """A provider that streams a few words, and keeps the text of each request that it saw."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._seen: list[str] = []
        self._arrival = threading.Condition()

    @property
    def base(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def saw(self, key: str) -> None:
        """Keep a request."""
        with self._arrival:
            self._seen.append(key)
            self._arrival.notify_all()

    def seen(self) -> list[str]:
        """What it saw so far."""
        with self._arrival:
            return list(self._seen)

    def wait_for(self, count: int) -> None:
        """Wait until it has seen so many requests; raises `TimeoutError`."""
        with self._arrival:
            if not self._arrival.wait_for(lambda: len(self._seen) >= count, _SECONDS):
                raise TimeoutError(f"{len(self._seen)} of {count} requests came within {_SECONDS:g} s")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that was killed is no fault of the server."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StreamingProvider

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.saw(body["messages"][-1]["content"])
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for number in range(_WORDS):
            self.wfile.write(_CHUNK % number)
            self.wfile.flush()
        self.wfile.write(_END)

    def log_message(self, *args: Any) -> None:
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True


@contextmanager
def running_provider() -> Iterator[StreamingProvider]:
    """A provider that serves while the context lasts."""
    with StreamingProvider() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class Callers:
    """Starts processes of `killed_caller`; a context manager, which kills those that are left."""

    def __init__(self, url: str, provider: StreamingProvider, log: Path, *, ledger: str = "durable") -> None:
        self.log = log
        log.touch()
        self.running: list[int] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.storage.killed_caller", url, ledger, provider.base, str(log)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        while self.running:
            self.end(self.running[0], signal.SIGKILL)
        self._process.communicate()

    def start(self, name: str) -> int:
        """A process that calls, by its id."""
        word, _, process = self._order(f"start {name}").partition(" ")
        if word != "ready":
            raise RuntimeError("a caller could not begin")
        self.running.append(int(process))
        return self.running[-1]

    def end(self, process: int, number: int) -> int:
        """Send a process a signal that ends it; returns its exit code once it has ended."""
        self.running.remove(process)
        os.kill(process, number)
        return int(self._order(f"end {process}").partition(" ")[2])

    def _order(self, order: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(order, file=self._process.stdin, flush=True)
        return self._process.stdout.readline().strip()


class Findings(NamedTuple):
    """What is there after the kills.

    - `requests`: those that the provider saw; `rows`: the attempts of the ledger.
    - `without_row`: requests that have none; `doubled`: keys with several requests or rows.
    - `unsent`: rows whose request was never seen: the process died between writing and sending. They are `unknown`.
    - `wrong`: rows that are neither a success nor `unknown`, and unseen ones that are not `unknown`.
    - `answers`: those that callers saw whole; `lost`: of these, what is not in the ledger as a success, and what is not
      in its conversation.
    """

    kills: int
    requests: int
    rows: int
    without_row: int
    doubled: int
    unsent: int
    wrong: int
    answers: int
    lost: int

    def problems(self) -> list[str]:
        """What must not be, in words."""
        names = ("without_row", "doubled", "wrong", "lost")
        found = [f"{name}: {getattr(self, name)}" for name in names if getattr(self, name)]
        if self.rows != self.requests + self.unsent:
            found.append(f"{self.rows} rows for {self.requests} requests and {self.unsent} that were not sent")
        return found


def kill_under_load(
    url: str,
    provider: StreamingProvider,
    folder: Path,
    *,
    kills: int,
    at_once: int = 1,
    most: int = 60,
    seed: int = 4,
    told: Callable[[int], None] = lambda number: None,
) -> Findings:
    """Kill processes with SIGKILL, each after up to `most` further requests, while `at_once` of them are calling."""
    chance = random.Random(seed)
    with Callers(url, provider, folder / "answers") as callers:
        for number in range(kills):
            while len(callers.running) < at_once:
                callers.start(f"{number}.{len(callers.running)}")
            _wait(provider, chance.randrange(1, most), callers.running)
            callers.end(chance.choice(callers.running), signal.SIGKILL)
            told(number + 1)
    return _look(url, provider, callers.log, kills)


def _wait(provider: StreamingProvider, count: int, running: list[int]) -> None:
    """Wait for so many further requests; where they don't come, the processes tell where they are."""
    try:
        provider.wait_for(len(provider.seen()) + count)
    except TimeoutError:
        for process in running:
            os.kill(process, signal.SIGUSR1)
        with contextlib.suppress(TimeoutError):
            provider.wait_for(len(provider.seen()) + count)  # and go on, if the machine stood still
            return
        raise


def _look(url: str, provider: StreamingProvider, log: Path, kills: int) -> Findings:
    database = Database(url)
    try:
        sweep(database, now=_FAR)
        with database.read() as connection:
            found = connection.execute(text('SELECT "key", outcome FROM ai_attempts')).all()
            kept = connection.execute(
                text(
                    "SELECT title FROM ai_conversations JOIN ai_messages ON conversation_id = ai_conversations.id "
                    "WHERE role = 'assistant' AND state = 'done'"
                )
            ).scalars()
            conversations = Counter(kept)
    finally:
        database.close()
    rows = Counter(key for key, _ in found)
    outcomes: dict[str, str] = dict(found)
    seen = Counter(provider.seen())
    answers = [line.decode() for line in log.read_bytes().splitlines()]
    unsent = [key for key in rows if key not in seen]
    return Findings(
        kills=kills,
        requests=seen.total(),
        rows=rows.total(),
        without_row=sum(key not in rows for key in seen),
        doubled=sum(count > 1 for counts in (seen, rows, conversations) for count in counts.values()),
        unsent=len(unsent),
        wrong=sum(outcome not in ("success", "unknown") for outcome in outcomes.values())
        + sum(outcomes[key] != "unknown" for key in unsent),
        answers=len(answers),
        lost=sum(outcomes.get(key) != "success" for key in answers)
        + sum(_number(key) % 2 and conversations[key] != 1 for key in answers),
    )


def _number(key: str) -> int:
    return int(key.rpartition("-")[2])
