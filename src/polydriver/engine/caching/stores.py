"""Where entries are kept: bytes by key, for a while. A store never fails: one that cannot do its work has nothing."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol
from weakref import WeakValueDictionary

from ...config import CacheConfig
from ...errors import ConfigurationError
from ...forking import own_lock
from ..policies import Either
from ..waiting import now

__all__ = ["CacheStore", "MemoryStore", "make_store"]

_OVERHEAD = 300
"""What an entry in memory takes beside its bytes, roughly."""


class CacheStore(Protocol):
    """Keeps bytes by key. No method raises an `Exception`, and none waits longer than the settings allow."""

    async def get(self, key: str, port: Either) -> bytes | None:
        """What is kept under a key; `None` where there is nothing, and where the store fails."""

    async def put(self, key: str, data: bytes, ttl: float, owner: str | None, port: Either) -> None:
        """Keep something for so many seconds; `owner` is the user it was said to, where one is known."""

    async def drop(self, keys: Sequence[str], port: Either) -> None:
        """Forget what is kept under these keys."""

    def close(self) -> None:
        """Leave nothing open. The store can be used again."""


_shared: WeakValueDictionary[tuple[str, int], MemoryStore] = WeakValueDictionary()
"""The memory of connections that have their answers in common."""


def make_store(config: CacheConfig) -> CacheStore:
    """The store that the settings name. Raises `ConfigurationError` for a database, which comes with a storage, and
    for Redis where its address or the extra `redis` is absent."""
    if config.store == "memory":
        if config.share is None:
            return MemoryStore(config.max_bytes)
        place = (config.share, config.max_bytes)
        found = _shared.get(place)
        if found is None:
            found = _shared[place] = MemoryStore(config.max_bytes)
        return found
    if config.store == "redis":
        from .over_redis import RedisAnswers

        return RedisAnswers(config)
    raise ConfigurationError(
        "cache.store is 'database', and there is none: name it in storage.url, or attach the provider to a Storage"
    )


class MemoryStore:
    """Keeps entries in this process, of `max_bytes` together: what was not used for longest goes first.

    Safe in many threads.
    """

    _lock: threading.Lock

    def __init__(self, max_bytes: int) -> None:
        own_lock(self)
        self.max_bytes = max_bytes
        self.size = 0
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    async def get(self, key: str, port: Either) -> bytes | None:
        """See `CacheStore.get`."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            expires, data = found
            if expires > now():
                self._kept.move_to_end(key)
                return data
            self._remove(key)
            return None

    async def put(self, key: str, data: bytes, ttl: float, owner: str | None, port: Either) -> None:
        """See `CacheStore.put`."""
        size = len(data) + _OVERHEAD
        with self._lock:
            self._remove(key)
            if size > self.max_bytes:
                return
            self._kept[key] = (now() + ttl, data)
            self.size += size
            while self.size > self.max_bytes:
                self._remove(next(iter(self._kept)))

    async def drop(self, keys: Sequence[str], port: Either) -> None:
        """See `CacheStore.drop`."""
        with self._lock:
            for key in keys:
                self._remove(key)

    def close(self) -> None:
        """See `CacheStore.close`; what is kept stays."""

    def _remove(self, key: str) -> None:
        found = self._kept.pop(key, None)
        if found is not None:
            self.size -= len(found[1]) + _OVERHEAD
