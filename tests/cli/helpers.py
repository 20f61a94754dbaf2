"""Running the command line: in process, as a program, and on a terminal of its own."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from click.testing import CliRunner, Result

from polydriver.cli.app import cli

__all__ = ["COMMAND", "KEY", "Terminal", "environment", "on_terminal", "run", "run_program", "sse", "write_settings"]

KEY = "sk-abcdefghijklmnopqrstuvwxyz123456"
COMMAND = (sys.executable, "-m", "polydriver")
_PATIENCE = 20.0


def write_settings(folder: Path, *connections: str, default: str | None = "m") -> Path:
    """A settings file: the body of `[providers.m]`, and further tables."""
    path = folder / "settings.toml"
    first, *others = connections
    head = f'default = "{default}"\n' if default else ""
    path.write_text("\n".join([f"{head}[providers.m]", first, *others]), encoding="utf-8")
    return path


def run(*arguments: object, input: str | bytes | None = None) -> Result:
    """Run in this process."""
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], input=input, prog_name="polydriver")


def environment(**more: str) -> dict[str, str]:
    """An environment without settings of ours, for a program."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
    return {**kept, "PYTHONUTF8": "1", "TERM": "xterm-256color", "POLYDRIVER_STATE": "off", **more}


def run_program(
    *arguments: object, folder: Path, env: Mapping[str, str] | None = None, input: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run as a program, in `folder`."""
    command = [*COMMAND, *map(str, arguments)]
    env = environment(**(env or {}))
    return subprocess.run(
        command, input=input, capture_output=True, cwd=folder, env=env, timeout=60, check=False, encoding="utf-8"
    )


def sse(*events: str) -> bytes:
    """The bytes of a chunked event stream that goes on."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    data = b"".join(f"data: {event}\n\n".encode() for event in events)
    return head + b"%x\r\n%s\r\n" % (len(data), data)


class Terminal:
    """A program on a pseudo-terminal, which is its controlling one: Ctrl-C is a key as any other."""

    def __init__(self, arguments: tuple[object, ...], folder: Path, env: Mapping[str, str]) -> None:
        self._master, slave = pty.openpty()
        self.screen = ""
        name = os.ttyname(slave)
        termios.tcsetwinsize(slave, (40, 120))
        # The shell leads a session and opens the terminal, which makes it the controlling one.
        script = 'exec "$@" <"$0" >"$0" 2>"$0"'
        command = ["sh", "-c", script, name, *COMMAND, *map(str, arguments)]
        self._process = subprocess.Popen(command, cwd=folder, env=environment(**env), start_new_session=True)
        self._slave = slave

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def wait_for(self, text: str) -> str:
        """Read until `text` is on the screen; what was there before it, and it. Fails when it does not come."""
        until = time.monotonic() + _PATIENCE
        while text not in self.screen:
            assert time.monotonic() < until, f"{text!r} did not come: {self.screen!r}"
            self._read(0.1)
        return self._take(text)

    def interrupt(self, text: str) -> str:
        """Press Ctrl-C, and wait for `text`."""
        self._press_ctrl_c(lambda: text in self.screen)
        return self.wait_for(text)

    def stop(self) -> int:
        """Press Ctrl-C, and wait for the end of the program. Returns its status."""
        self._press_ctrl_c(lambda: self._process.poll() is not None)
        return self.end()

    def _press_ctrl_c(self, done: Callable[[], bool]) -> None:
        """Once should do, but CPython looks at signals before it waits in C: one that comes in between is seen at the
        next key. That comes late, since one that meets the end of the interpreter would kill it."""
        for _ in range(4):
            self.type("\x03")
            until = time.monotonic() + 15.0
            while time.monotonic() < until and not done():
                self._read(0.1)
            if done():
                return

    def _take(self, text: str) -> str:
        before, found, self.screen = self.screen.partition(text)
        return before + found

    def end(self) -> int:
        """Wait for the end of the program, reading on. Returns its status."""
        until = time.monotonic() + _PATIENCE
        while self._process.poll() is None:
            assert time.monotonic() < until, f"it does not end: {self.screen!r}"
            self._read(0.05)
        while self._read(0.0):
            pass
        return self._process.returncode

    def close(self) -> None:
        """Stop the program, if it runs, and free the terminal."""
        self._process.kill()
        self._process.wait()
        os.close(self._slave)
        os.close(self._master)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        data = os.read(self._master, 65536)
        self.screen += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)


@contextlib.contextmanager
def on_terminal(*arguments: object, folder: Path, **env: str) -> Iterator[Terminal]:
    """Run as a program on a terminal of its own."""
    terminal = Terminal(arguments, folder, env)
    try:
        yield terminal
    finally:
        terminal.close()
