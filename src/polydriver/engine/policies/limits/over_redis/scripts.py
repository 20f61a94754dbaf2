"""The scripts that Redis runs: each is one atomic step there, by the server's clock.

What the keys hold, all with the same hash tag, so that a cluster keeps them together:

- `{prefix}:NAME` of a limit over a minute or a day: a hash with what was taken in each step (a 60th of the window) by
  its number, `used` (their sum) and `first` (the oldest of them). A step's amount is free again when all of the step is
  older than the window. Of a limit of what is held at once: a sorted set of leases by when they run out.
- `{prefix}:leases`: the other leases, which hold nothing, in the same way. Who removes a lease settles it, so that this
  is done once.
- `{prefix}:line` and `{prefix}:places`: who waits, in order, and for what. A place is a process's, not a call's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Final, TypeAlias

import msgspec

__all__ = ["RENEW", "SETTLE", "TAKE", "Script", "closed", "renewal", "settlement", "taken", "taking"]

Settled: TypeAlias = tuple[str, int, list[int]]
"""A lease that is settled, as `common.lua` says."""


class Script:
    """A script, its digest, and how it is called, with one argument. `EVALSHA` is tried first; none has to be there.

    Commands are packed as Redis reads them: an array of strings, each with its length before it.
    https://redis.io/docs/latest/develop/reference/protocol-spec/ (2026-11-28)
    """

    __slots__ = ("digest", "source")

    def __init__(self, *names: str) -> None:
        """`names`: the files that it consists of."""
        self.source = "".join(files(__package__).joinpath(name).read_text("utf-8") for name in names)
        self.digest = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    def head(self, keys: Sequence[str]) -> bytes:
        """The `EVALSHA` on these keys, but for its argument: that is to be packed by `closed`."""
        return _head("EVALSHA", self.digest, keys)

    def eval(self, keys: Sequence[str], argument: bytes) -> bytes:
        """The whole `EVAL` on these keys."""
        return closed(_head("EVAL", self.source, keys), argument)


def _head(command: str, script: str, keys: Sequence[str]) -> bytes:
    parts = [part.encode() for part in (command, script, str(len(keys)), *keys)]
    return b"*%d\r\n" % (len(parts) + 1) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


def closed(head: bytes, argument: bytes) -> bytes:
    """The whole command that begins with `head`."""
    return b"%b$%d\r\n%b\r\n" % (head, len(argument), argument)


TAKE: Final = Script("common.lua", "take.lua")
SETTLE: Final = Script("common.lua", "settle.lua")
RENEW: Final = Script("renew.lua")

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode


def taking(
    sizes: Sequence[int],
    lease: int,
    place: str,
    priority: int,
    stay: int,
    calls: Iterable[Sequence[str | int]],
    ends: Iterable[Settled] = (),
) -> bytes:
    """The argument of `TAKE`; `take.lua` says what it consists of."""
    return _pack((sizes, lease, place, priority, stay, calls, ends))


def taken(answer: bytes) -> list[int]:
    """What `TAKE` returned."""
    found: list[int] = _unpack(answer)
    return found


def settlement(ends: Iterable[Settled], places: Iterable[str] = ()) -> bytes:
    """The argument of `SETTLE`."""
    return _pack((ends, places))


def renewal(lease: int, ids: Sequence[str]) -> bytes:
    """The argument of `RENEW`: for how many ms the leases with these ids are kept."""
    return _pack((lease, ids))
