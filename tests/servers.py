"""Real servers on loopback, started for a test session where their programs are found: PostgreSQL and Redis."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

__all__ = [
    "PostgresServer",
    "RedisServer",
    "find_postgres",
    "find_redis",
    "free_port",
    "postgres_programs",
    "redis_program",
    "skip",
]

_SECONDS = 180.0


def find_postgres() -> Path | None:
    """The folder of the newest PostgreSQL's programs (`initdb`, `postgres`), or `None`."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name.split(".")[0]))
    found = shutil.which("initdb")
    folders += [Path(found).parent] if found else []
    usable = [folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()]
    return usable[-1] if usable else None


def postgres_programs() -> Path:
    """The same; without them the test is skipped."""
    return find_postgres() or skip("no PostgreSQL server on this machine (Debian: apt-get install postgresql)")


def find_redis() -> str | None:
    """The program of a Redis or Valkey server, or `None`."""
    return shutil.which("redis-server") or shutil.which("valkey-server")


def redis_program() -> str:
    """The same; without one the test is skipped."""
    return find_redis() or skip("no Redis or Valkey server on this machine (Debian: apt-get install redis-server)")


def skip(reason: str) -> NoReturn:
    """Skip a test for want of a server's programs; where `TESTS_NEED_SERVERS` is set, as in CI, fail instead."""
    if os.environ.get("TESTS_NEED_SERVERS"):
        pytest.fail(reason)
    pytest.skip(reason)


class _Server:
    """A process in a folder of its own, listening on a port of loopback. `start` it, and `stop` it whatever happens."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="polydriver-"))
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def _run(self, *command: str, user: str | None = None) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, user=user)

    def _wait(self, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _SECONDS
        while not ready():
            assert self.process is not None
            if self.process.poll() is not None or time.monotonic() > deadline:
                log = (self.folder / "log").read_text(errors="replace")
                raise RuntimeError(f"{type(self).__name__} did not start:\n{log[-2000:]}")
            time.sleep(0.02)  # waits for another program

    def send(self, number: int) -> None:
        """Send a signal, such as SIGSTOP, SIGCONT or SIGKILL."""
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self, number: int = signal.SIGINT) -> None:
        """Stop the server, and remove its folder."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGCONT)
                self.process.send_signal(number)
            self.process.wait(_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)


class PostgresServer(_Server):
    """PostgreSQL; `url(name)` makes an empty database. It refuses to run as root, and runs as another user then."""

    def __init__(self, programs: Path) -> None:
        super().__init__()
        self.programs = programs
        self.user = _other_user() if os.geteuid() == 0 else None
        if self.user is not None:
            os.chown(self.folder, pwd.getpwnam(self.user).pw_uid, -1)
        self._count = 0
        self.data = self.folder / "data"
        initdb = [str(programs / "initdb"), "-D", str(self.data), "-U", "tester", "-A", "trust", "-E", "UTF8", "-N"]
        made = subprocess.run(initdb, user=self.user, cwd=self.folder, capture_output=True, text=True, check=False)
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr}")

    def start(self) -> None:
        """Start it, also once more after it was killed."""
        settings = (
            "listen_addresses=127.0.0.1", f"port={self.port}", "max_connections=100", "fsync=off", "jit=off",
            "full_page_writes=off", "synchronous_commit=off", "wal_level=minimal", "max_wal_senders=0",
            "autovacuum=off",
        )  # fmt: skip
        options = [part for setting in settings for part in ("-c", setting)]
        self._run(
            str(self.programs / "postgres"), "-D", str(self.data), "-k", str(self.folder), *options, user=self.user
        )
        self._wait(self._answers)

    def _answers(self) -> bool:
        import psycopg

        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(self._address, connect_timeout=2).close()
            return True
        return False

    @property
    def _address(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=tester dbname=postgres"

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        import psycopg

        self._count += 1
        name = f"test_{self._count}"
        with psycopg.connect(self._address, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql://tester@127.0.0.1:{self.port}/{name}"


class RedisServer(_Server):
    """Redis or Valkey, which keeps nothing on the disk."""

    def __init__(self, program: str, *options: str) -> None:
        super().__init__()
        self.program = program
        self.options = options

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, also once more after it was killed."""
        self._run(
            self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
            *self.options,
        )  # fmt: skip
        self._wait(self._answers)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1.0) as link:
            link.sendall(b"PING\r\n")
            return link.recv(64).startswith(b"+PONG")
        return False


def free_port() -> int:
    """A port of loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _other_user() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)
