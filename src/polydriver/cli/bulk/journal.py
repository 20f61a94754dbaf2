"""The output of a batch: a line of JSON for each outcome, written as it comes, so that a killed run can go on.

A line is written by one call of the system behind all others. What a killed process wrote stays; only the last line can
be torn (by a full disk or a loss of power), and is then removed. The file is locked as long as a run writes it, and the
system frees the lock when the run ends, however it ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from ...errors import ConfigurationError

__all__ = ["Journal"]

_HEAD = b'{"custom_id":'
_BINARY = getattr(os, "O_BINARY", 0)


class _Kept(msgspec.Struct):
    """What is read of a line that is there already."""

    custom_id: str
    input: str | None = None
    error: dict[str, Any] | None = None


_read_kept = msgspec.json.Decoder(_Kept).decode


class Journal:
    """The open output file.

    `done` holds the ids that have an outcome, each with the digest of the line that it answers; `errors` counts the
    failures among them by the name of their class.
    """

    def __init__(self, path: Path, *, anew: bool = False, drops_failed: bool = False) -> None:
        """Lock the file and read it. `anew`: what is in it is dropped; `drops_failed`: its failures are.

        Raises `ConfigurationError` when another run writes it, or when it is not an output of ours; `OSError` when it
        cannot be written.
        """
        self.path = path
        self.done: dict[str, str | None] = {}
        self.errors: Counter[str] = Counter()
        self._is_torn = False
        self._file = _open_locked(path)
        try:
            if anew:
                os.ftruncate(self._file, 0)
            self._load()
            if drops_failed and self.errors:
                self._drop_failed()
        except BaseException:
            os.close(self._file)
            raise

    @property
    def answered(self) -> int:
        """How many of the outcomes are answers."""
        return len(self.done) - self.failed

    @property
    def failed(self) -> int:
        """How many of the outcomes are errors."""
        return self.errors.total()

    def add(self, custom_id: str, digest: str, values: dict[str, Any]) -> None:
        """Write an outcome. Raises `OSError` when it cannot be written; then nothing more is."""
        if self._is_torn:
            raise OSError(f"{self.path} could not be written before")
        data = _encode({"custom_id": custom_id, "input": digest, **values}) + b"\n"
        self._is_torn = True
        while data:
            data = data[os.write(self._file, data) :]
        self._is_torn = False
        self.done[custom_id] = digest
        if values.get("error") is not None:
            self.errors[values["error"]["type"]] += 1

    def close(self) -> None:
        """Have it all on the disk, and free the lock."""
        with contextlib.suppress(OSError):  # a pipe or a device
            os.fsync(self._file)
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _load(self) -> None:
        """Read what is there, and mend a torn end."""
        offset = 0
        with os.fdopen(os.dup(self._file), "rb") as file:
            file.seek(0)
            for number, line in enumerate(file, 1):
                kept = _parse(line)
                if kept is None:
                    if line.endswith(b"\n") or not _is_torn(line):
                        raise ConfigurationError(
                            f"line {number} of {self.path} is not an outcome of `polydriver batch`",
                            hint="Name another output, or begin it anew with --no-resume.",
                        )
                    os.ftruncate(self._file, offset)
                    return
                if not line.endswith(b"\n"):
                    os.write(self._file, b"\n")
                offset += len(line)
                self._note(kept)

    def _note(self, kept: _Kept) -> None:
        self.done[kept.custom_id] = kept.input
        if kept.error is not None:
            self.errors[str(kept.error.get("type"))] += 1

    def _drop_failed(self) -> None:
        """Write the file anew without its failures, in one step: a kill leaves the one or the other."""
        self.done.clear()
        self.errors.clear()
        target, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
        try:
            _lock(target, self.path)
            with os.fdopen(os.dup(self._file), "rb") as old, os.fdopen(os.dup(target), "wb") as new:
                shutil.copymode(self.path, name)
                old.seek(0)
                for line in old:
                    kept = _parse(line)
                    if kept is not None and kept.error is None:
                        new.write(line)
                        self._note(kept)
            os.fsync(target)
            if sys.platform == "win32":
                os.close(self._file)
                self._file = os.dup(target)
            os.replace(name, self.path)
        except BaseException:
            os.close(target)
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
        os.close(self._file)
        self._file = target


def _parse(line: bytes) -> _Kept | None:
    try:
        return _read_kept(line)
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        return msgspec.convert(json.loads(line), _Kept)  # it reads half a character as well
    except (ValueError, RecursionError):
        return None


def _is_torn(line: bytes) -> bool:
    """Whether this is the beginning of a line of ours. After a loss of power the rest may be zeros."""
    line = line.rstrip(b"\0")
    return line.startswith(_HEAD) or _HEAD.startswith(line)


def _encode(values: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(values)
    except UnicodeEncodeError:  # half a character, which only escapes can carry
        return json.dumps(msgspec.to_builtins(values), separators=(",", ":")).encode()


def _open_locked(path: Path) -> int:
    """The file, open for appending, and locked. Once more, if another run put a new file into its place meanwhile."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _BINARY, 0o666)
        try:
            _lock(file, path)
            if os.path.samestat(os.fstat(file), os.stat(path)):
                return file
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _lock(file: int, path: Path) -> None:
    """Lock a file for this process. Raises `ConfigurationError` when another has it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(file, 2**40, os.SEEK_SET)  # beyond what is written: a lock there hinders nobody from reading
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        raise ConfigurationError(
            f"another run writes {path}", hint="Wait until it has ended, or name another output."
        ) from None
