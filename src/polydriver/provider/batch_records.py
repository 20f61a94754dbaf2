"""What `run_batch` keeps in a file: which batches were made of which prompts, so that another process can go on."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

import msgspec

from ..engine.batches.appending import AppendedFile
from ..errors import ConfigurationError

__all__ = ["BatchPart", "BatchRecord"]


class BatchPart(msgspec.Struct, kw_only=True):
    """Prompts that are one batch at the provider.

    `id` is the batch's, `None` while it is being made; `label` is kept with it by the provider, where it keeps such;
    `taken`: whether its results are kept already; `begun`: when it was about to be made, in seconds since 1970.
    """

    number: int
    custom_ids: list[str]
    label: str = ""
    id: str | None = None
    taken: bool = False
    begun: float = 0.0


class _Head(msgspec.Struct, kw_only=True, tag_field="is", tag="batches"):
    provider: str
    digest: str
    token: str


class _Begun(msgspec.Struct, kw_only=True, tag_field="is", tag="begun"):
    part: int
    custom_ids: list[str]
    at: float = 0.0


class _Made(msgspec.Struct, kw_only=True, tag_field="is", tag="made"):
    part: int
    id: str


class _Taken(msgspec.Struct, kw_only=True, tag_field="is", tag="taken"):
    part: int


_Line = _Head | _Begun | _Made | _Taken
_decode = msgspec.json.Decoder(_Line).decode


class BatchRecord:
    """The parts of one `run_batch`; in a file, if there is a path. A context manager, which frees the file's lock."""

    def __init__(self, path: Path | None, provider: str, digest: str) -> None:
        """Read what is there. `digest` stands for the prompts.

        Raises `ConfigurationError` when another process has the file, or when it belongs to other prompts or to another
        provider.
        """
        self.parts: list[BatchPart] = []
        self._token = uuid4().hex
        self._file = AppendedFile(path) if path is not None else None
        try:
            self._read(provider, digest)
        except BaseException:
            self.close()
            raise

    @property
    def is_kept(self) -> bool:
        """Whether another process can go on with it."""
        return self._file is not None

    @property
    def open_parts(self) -> list[BatchPart]:
        """The parts whose results are not kept yet."""
        return [part for part in self.parts if not part.taken]

    def begin(self, custom_ids: list[str]) -> BatchPart:
        """Note that a batch is about to be made."""
        number = len(self.parts)
        part = BatchPart(number=number, custom_ids=custom_ids, label=f"{self._token}-{number}", begun=time.time())
        self.parts.append(part)
        self._write(_Begun(part=number, custom_ids=custom_ids, at=part.begun))
        return part

    def made(self, part: BatchPart, batch_id: str) -> None:
        """Note the id of a batch."""
        part.id = batch_id
        self._write(_Made(part=part.number, id=batch_id))

    def take(self, part: BatchPart, *, keep: bool) -> None:
        """Note that the results of a part were read; with `keep` they need not be read again, ever."""
        part.taken = True
        if keep:
            self._write(_Taken(part=part.number))

    def close(self) -> None:
        """Free the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, line: _Line) -> None:
        if self._file is not None:
            self._file.append(msgspec.json.encode(line))

    def _read(self, provider: str, digest: str) -> None:
        if self._file is None:
            return
        offset = 0
        head: _Head | None = None
        with os.fdopen(os.dup(self._file.number), "rb") as file:
            file.seek(0)
            for number, raw in enumerate(file):
                line = self._parse(raw, number)
                if line is None:
                    os.ftruncate(self._file.number, offset)
                    break
                offset += len(raw)
                if isinstance(line, _Head):
                    head = line
                else:
                    self._follow(line, head)
        if head is None:
            self._write(_Head(provider=provider, digest=digest, token=self._token))
        elif (head.provider, head.digest) != (provider, digest):
            raise ConfigurationError(
                f"{self._file.path} belongs to other prompts, or to another connection",
                hint="Give each `run_batch` a file of its own, and the same prompts, ids and options to go on with it.",
            )

    def _parse(self, raw: bytes, number: int) -> _Line | None:
        """A line; `None` for one that is torn, which can only be the last one."""
        assert self._file is not None
        line: _Line | None = None
        with suppress(msgspec.DecodeError):
            line = _decode(raw)
        if line is not None and raw.endswith(b"\n") and isinstance(line, _Head) == (number == 0):
            return line
        if raw.endswith(b"\n") or not raw.startswith(b'{"is":"'[: len(raw)]):
            raise ConfigurationError(
                f"{self._file.path} is not a file of `run_batch`", hint="Name another one, or remove it."
            )
        return None

    def _follow(self, line: _Begun | _Made | _Taken, head: _Head | None) -> None:
        self._token = head.token if head is not None else self._token
        if isinstance(line, _Begun):
            label = f"{self._token}-{line.part}"
            part = BatchPart(number=line.part, custom_ids=line.custom_ids, label=label, begun=line.at)
            self.parts.append(part)
        elif isinstance(line, _Made):
            self.parts[line.part].id = line.id
        else:
            self.parts[line.part].taken = True
