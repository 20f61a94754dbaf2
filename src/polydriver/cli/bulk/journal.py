"""The output of a batch: a line of JSON for each outcome, written as it comes, so that a killed run can go on.

It is an `AppendedFile`. A last line that is torn is removed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from ...engine.batches.appending import AppendedFile, lock_file
from ...errors import ConfigurationError
from ...typed import convert

__all__ = ["Journal"]

_HEAD = b'{"custom_id":'


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
        self._file = AppendedFile(path)
        try:
            if anew:
                os.ftruncate(self._file.number, 0)
            self._load()
            if drops_failed and self.errors:
                self._drop_failed()
        except BaseException:
            self._file.close()
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
        self._file.append(_encode({"custom_id": custom_id, "input": digest, **values}))
        self.done[custom_id] = digest
        if values.get("error") is not None:
            self.errors[values["error"]["type"]] += 1

    def close(self) -> None:
        """Have it all on the disk, and free the lock."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _load(self) -> None:
        """Read what is there, and mend a torn end."""
        offset = 0
        with os.fdopen(os.dup(self._file.number), "rb") as file:
            file.seek(0)
            for number, line in enumerate(file, 1):
                kept = _parse(line)
                if kept is None:
                    if line.endswith(b"\n") or not _is_torn(line):
                        raise ConfigurationError(
                            f"line {number} of {self.path} is not an outcome of `polydriver batch`",
                            hint="Name another output, or start it again with --no-resume.",
                        )
                    os.ftruncate(self._file.number, offset)
                    return
                if not line.endswith(b"\n"):
                    os.write(self._file.number, b"\n")
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
            lock_file(target, self.path)
            with os.fdopen(os.dup(self._file.number), "rb") as old, os.fdopen(os.dup(target), "wb") as new:
                shutil.copymode(self.path, name)
                old.seek(0)
                for line in old:
                    kept = _parse(line)
                    if kept is not None and kept.error is None:
                        new.write(line)
                        self._note(kept)
            os.fsync(target)
            self._file.replace(target, name)
        except BaseException:
            os.close(target)
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise


def _parse(line: bytes) -> _Kept | None:
    try:
        return _read_kept(line)
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        return convert(json.loads(line), _Kept)  # it reads half a character as well
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
