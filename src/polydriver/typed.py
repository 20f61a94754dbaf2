"""Values of a stated type, read by msgspec.

msgspec builds what it knows of a class when it meets it for the first time, and a second thread that meets it meanwhile
crashes the interpreter (seen with 0.22.0: a segmentation fault). So a type is prepared here once, under a lock.
"""

from __future__ import annotations

import threading
from typing import Any, Final, TypeVar, overload

import msgspec

from .forking import own_lock

__all__ = ["convert", "decode", "prepare"]

T = TypeVar("T")


class _Preparation:
    _lock: threading.RLock

    def __init__(self) -> None:
        own_lock(self, threading.RLock)
        self.done: set[Any] = set()

    def do(self, kind: Any) -> None:
        with self._lock:
            msgspec.json.Decoder(kind)


_preparation: Final = _Preparation()


def prepare(kind: Any) -> None:
    """Have msgspec build all that it needs to know of a type, and of those in it. Raises `TypeError` for one that it
    does not take. For types that come and go; the others are remembered by `convert` and `decode`."""
    _preparation.do(kind)


@overload
def convert(value: Any, kind: type[T], *, strict: bool = ..., from_attributes: bool = ...) -> T: ...


@overload
def convert(value: Any, kind: Any, *, strict: bool = ..., from_attributes: bool = ...) -> Any: ...


def convert(value: Any, kind: Any, *, strict: bool = True, from_attributes: bool = False) -> Any:
    """`msgspec.convert` for a type of ours. Raises what that raises."""
    if kind not in _preparation.done:
        _preparation.do(kind)
        _preparation.done.add(kind)
    return msgspec.convert(value, kind, strict=strict, from_attributes=from_attributes)


def decode(data: bytes | str | msgspec.Raw, kind: type[T]) -> T:
    """`msgspec.json.decode` for a type of ours. Raises what that raises."""
    if kind not in _preparation.done:
        _preparation.do(kind)
        _preparation.done.add(kind)
    return msgspec.json.decode(data, type=kind)
