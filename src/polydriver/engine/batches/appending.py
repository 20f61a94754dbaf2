"""Files that one process at a time appends lines to, and that survive its being killed.

A line is written by one call of the system behind all others. What a killed process wrote stays; only the last line can
be torn (by a full disk or a loss of power). The file is locked as long as it is open, and the system frees the lock
when the process ends, however it ends.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from ...errors import ConfigurationError

__all__ = ["AppendedFile", "lock_file"]

_BINARY = getattr(os, "O_BINARY", 0)


class AppendedFile:
    """An open and locked file, as the number that the system knows it by: `number`."""

    def __init__(self, path: Path) -> None:
        """Open it, or make it. Raises `ConfigurationError` when another process has it, or when it is a device or a
        pipe, and `OSError` when it cannot be written."""
        self.path = path
        self._is_torn = False
        self.number = _open_locked(path)

    def append(self, line: bytes) -> None:
        """Write a line, which has no end of line yet. Raises `OSError` when it cannot be; then nothing more is."""
        if self._is_torn:
            raise OSError(f"{self.path} could not be written before")
        data = line + b"\n"
        self._is_torn = True
        try:
            while data:
                data = data[os.write(self.number, data) :]
        except OSError as error:  # the system does not say of which file
            raise OSError(error.errno, error.strerror, str(self.path)) from None
        self._is_torn = False

    def replace(self, number: int, name: str) -> None:
        """Go on with another file, open and locked, that is put into the place of this one in one step."""
        if sys.platform == "win32":
            os.close(self.number)
            self.number = os.dup(number)
        os.replace(name, self.path)
        os.close(self.number)
        self.number = number

    def close(self) -> None:
        """Have it all on the disk, and free the lock."""
        with contextlib.suppress(OSError):
            os.fsync(self.number)
        os.close(self.number)


def _open_locked(path: Path) -> int:
    """The file, open for appending, and locked. Once more, if another run put a new file into its place meanwhile.

    Devices and pipes are not opened: reading one may never end.
    """
    while True:
        if path.exists() and not path.is_file():
            raise ConfigurationError(
                f"{path} is not a regular file", hint="Name a file: it is read again by a run that goes on with it."
            )
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _BINARY, 0o666)
        try:
            lock_file(number, path)
            if os.path.samestat(os.fstat(number), os.stat(path)):
                return number
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(number)
            raise
        os.close(number)


def lock_file(number: int, path: Path) -> None:
    """Lock an open file for this process. Raises `ConfigurationError` when another has it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(number, 2**40, os.SEEK_SET)  # beyond what is written: a lock there hinders nobody from reading
            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        raise ConfigurationError(
            f"another run writes {path}", hint="Wait until it has ended, or name another output."
        ) from None
