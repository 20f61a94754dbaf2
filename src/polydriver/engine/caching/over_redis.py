"""Answers in Redis or Valkey (extra `redis`), which many machines have in common.

Redis is never needed: after a command that was not answered in time nobody asks it for a second, and then one call
tries it again. The log has one line when it fails and one when it answers again.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from ...config import CacheConfig
from ...errors import ConfigurationError
from ...forking import own_lock
from ...logger import logger
from ..policies import Either
from ..redis_clients import client_for
from ..waiting import now

__all__ = ["RedisAnswers"]

T = TypeVar("T")

_log = logger()
_REST_SECONDS = 1.0


class RedisAnswers:
    """A `CacheStore` in Redis. How much is kept there is for Redis to say (`maxmemory`, with a policy such as
    `volatile-lru`)."""

    _lock: threading.Lock

    def __init__(self, config: CacheConfig) -> None:
        """Nothing is sent yet. Raises `ConfigurationError` without `redis_url`, and where redis-py is missing."""
        if config.redis_url is None:
            raise ConfigurationError("cache.store is 'redis', and cache.redis_url does not say where that is")
        own_lock(self)
        self._connect, self._where = client_for(config.redis_url.reveal(), "a cache in Redis")
        self._timeout = config.timeout
        self._prefix = f"{config.redis_prefix}:answer:"
        self._client: Any = None
        self._is_failing = False
        self._rests_until = 0.0

    async def get(self, key: str, port: Either) -> bytes | None:
        """See `CacheStore.get`."""
        found = await self._do(lambda client: client.get(self._prefix + key), port)
        return found if isinstance(found, bytes) else None

    async def put(self, key: str, data: bytes, ttl: float, owner: str | None, port: Either) -> None:
        """See `CacheStore.put`."""
        await self._do(lambda client: client.set(self._prefix + key, data, px=max(1, round(ttl * 1000))), port)

    async def drop(self, keys: Sequence[str], port: Either) -> None:
        """See `CacheStore.drop`."""
        names = [self._prefix + key for key in keys]
        await self._do(lambda client: [client.delete(name) for name in names], port)

    def close(self) -> None:
        """See `CacheStore.close`."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    async def _do(self, command: Callable[[Any], T], port: Either) -> T | None:
        """Run a command, unless Redis fails."""
        is_probe = self._is_failing and self._may_try()
        if self._is_failing and not is_probe:
            return None
        run = partial(self._run, command, is_probe=is_probe)
        return await port.either(run, partial(self._run_async, run))

    def _may_try(self) -> bool:
        """Whether it is time to see if Redis answers again; one call a second does."""
        with self._lock:
            moment = now()
            if moment < self._rests_until:
                return False
            self._rests_until = moment + _REST_SECONDS
            return True

    def _run(self, command: Callable[[Any], T], *, is_probe: bool) -> T | None:
        if self._is_failing and not is_probe:  # also where it has begun to fail while this waited for a thread
            return None
        try:
            result = command(self._connected())
        except Exception as error:  # noqa: BLE001 - of the network, of the client, or of Redis
            self._fail(error)
            return None
        if self._is_failing:
            self._is_failing = False
            _log.info("cache: Redis at %s answers again", self._where)
        return result

    async def _run_async(self, run: Callable[[], T | None]) -> T | None:
        """The same for a task, which waits for a thread that does it."""
        try:
            async with asyncio.timeout(self._timeout * 2):  # threads may be few
                return await asyncio.to_thread(run)
        except TimeoutError as error:
            self._fail(error)
            return None

    def _connected(self) -> Any:
        client = self._client
        if client is None:
            with self._lock:
                if self._client is None:
                    self._client = self._connect(self._timeout)
                client = self._client
        return client

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            is_news, self._is_failing = not self._is_failing, True
            self._rests_until = now() + _REST_SECONDS
        if is_news:
            _log.warning(
                "cache: Redis at %s does not answer as it should (%s: %s); until it does, providers are asked",
                self._where, type(error).__name__, str(error)[:200],
            )  # fmt: skip
