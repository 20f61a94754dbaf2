"""The loopback server of the benchmarks: built on first use, running while the context lasts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Server", "running_server"]

_SOURCE = Path(__file__).parent / "server"
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A running server; `origin` has no path."""

    port: int
    pid: int
    load_client: Path

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cpu_seconds(self) -> float:
        """User and system time that the server itself has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK


@contextmanager
def running_server(build_folder: Path, canned: Mapping[str, Path] | None = None) -> Iterator[Server]:
    """Compiles the server into `build_folder` when its source is newer, and runs it on a free port.

    `canned` are the files with the whole HTTP replies that it sends for paths which begin with their keys.
    """
    binary = build_folder / "server"
    newest = max(path.stat().st_mtime for path in _SOURCE.glob("*.c"))
    if not binary.exists() or binary.stat().st_mtime < newest:
        subprocess.run([_SOURCE / "build.sh", build_folder], check=True)
    arguments = [f"{path}={file}" for path, file in (canned or {}).items()]
    process = subprocess.Popen([binary, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Server(int(process.stdout.readline()), process.pid, build_folder / "load")
    finally:
        process.terminate()
        process.wait()
