"""Links to Redis: connections of redis-py, each used by one caller at a time, with commands that are packed here.

A whole `evalsha` of redis-py costs more than the script does in the server. Most of that is the same each time (packing
the keys, taking a connection from the pool), so it is done once: connecting, authentication, timeouts, TLS and reading
answers stay redis-py's. A cluster, where a key decides which server is asked, is left to its client.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

from .scripts import Script

__all__ = ["Asked", "ClusterLinks", "Links"]

_FRESH_SECONDS = 0.05
"""Before that a link needs no look whether the server has closed it."""


class Asked(Protocol):
    """One run of a script: `evalsha` is the whole command, as it is sent."""

    script: Script
    keys: Sequence[str]
    argument: bytes
    evalsha: bytes


class Links:
    """The links to one server. `client` is a `redis.Redis`, whose pool makes them and closes them all."""

    def __init__(self, client: Any) -> None:
        from redis.exceptions import NoScriptError, ResponseError

        self._client = client
        self._idle: deque[tuple[Any, float]] = deque()
        self._no_script = NoScriptError
        self._refused = ResponseError

    def run(self, commands: Sequence[Asked]) -> list[Any]:
        """Run scripts in one round trip, in two where Redis lacks some. Returns for each its answer, or its error.

        Raises what goes wrong with the link, an `Exception` of redis-py.
        """
        answers = self._exchange([command.evalsha for command in commands])
        missing = [at for at, answer in enumerate(answers) if isinstance(answer, self._no_script)]
        if missing:
            packed = [commands[at].script.eval(commands[at].keys, commands[at].argument) for at in missing]
            for at, answer in zip(missing, self._exchange(packed), strict=True):
                answers[at] = answer
        return answers

    def close(self) -> None:
        """Close all of them, also those in use."""
        self._client.close()

    def _exchange(self, packed: list[bytes]) -> list[Any]:
        link = self._take()
        answers: list[Any] = []
        try:
            link.send_packed_command(packed if len(packed) == 1 else [b"".join(packed)])
            for _ in packed:
                try:
                    answers.append(link.read_response(disable_decoding=True))
                except self._refused as error:
                    answers.append(error.with_traceback(None))
        except BaseException:
            link.disconnect()  # else what is still to come would answer the next command
            raise
        finally:
            self._idle.append((link, time.monotonic()))
        return answers

    def _take(self) -> Any:
        try:
            link, used = self._idle.pop()
        except IndexError:
            return self._client.connection_pool.get_connection()
        if time.monotonic() - used > _FRESH_SECONDS and _is_stale(link):
            link.disconnect()  # sending connects it anew
        return link


class ClusterLinks:
    """The same for a `redis.RedisCluster`, which sends each command by itself."""

    def __init__(self, client: Any) -> None:
        from redis.exceptions import NoScriptError

        self._client = client
        self._no_script = NoScriptError

    def run(self, commands: Sequence[Asked]) -> list[Any]:
        """See `Links.run`."""
        return [self._evaluate(command) for command in commands]

    def close(self) -> None:
        """See `Links.close`."""
        self._client.close()

    def _evaluate(self, command: Asked) -> Any:
        given = (len(command.keys), *command.keys, command.argument)
        try:
            return self._client.evalsha(command.script.digest, *given)
        except self._no_script:
            return self._client.eval(command.script.source, *given)


def _is_stale(link: Any) -> bool:
    """Whether the server has closed it, or sent what nobody asked for."""
    try:
        return bool(link.can_read())
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is connected anew
        return True
