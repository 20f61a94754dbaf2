"""Processes that stream answers, ten at once, until they are killed: `python -m tests.storage.killed_caller ...`.

Arguments: the URL of the database, the mode of the ledger, the base URL of the provider, and a file. Each line of the
input, `start NAME` or `end PID`, is answered by one: a new process, forked from one that has imported all that it
needs, says `ready PID` once its database is open; `ended CODE` tells how a process has ended.

Each call sends its key, `NAME-NUMBER`, as its text and in its metadata, every other one in a conversation of that
title. What the caller has seen whole is written to the file: one key a line. With SIGUSR1 a process tells where its
threads are.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import sys

from polydriver import AI, AsyncAI, StorageError

__all__: list[str] = []

_AT_ONCE = 10


async def _call(ai: AsyncAI, key: str, number: int, log: int) -> None:
    if number % 2:
        stream = ai.conversation(key).model("m").metadata(key=key).stream(key)
    else:
        stream = ai.provider().send_streaming_message(key, model="m", metadata={"key": key})
    async with stream:
        async for _ in stream:
            pass
    os.write(log, f"{key}\n".encode())


async def _stream(url: str, ledger: str, base: str, log: str, name: str) -> None:
    """Call and call again."""
    connection = {"driver": "openai", "base_url": base, "api_key": "x", "timeout": 60}
    storage = {"url": url, "ledger": ledger, "window": 60.0, "patience": 30.0}
    config = {"default": "local", "providers": {"local": connection}, "storage": storage}
    ai = AI(config, env={}).asynchronous()
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    print(f"ready {os.getpid()}", flush=True)
    number = 0
    while True:
        numbers = range(number, number + _AT_ONCE)
        try:
            await asyncio.gather(*(_call(ai, f"{name}-{one}", one, written) for one in numbers))
        except StorageError:
            await asyncio.Event().wait()  # it is being terminated: what is written meanwhile is for its ledger to say
        number += _AT_ONCE


def main(url: str, ledger: str, base: str, log: str) -> None:
    """Start processes, and tell of their ends."""
    for line in sys.stdin:
        order, name = line.split()
        if order == "end":
            print(f"ended {os.waitstatus_to_exitcode(os.waitpid(int(name), 0)[1])}", flush=True)
        elif os.fork() == 0:
            faulthandler.register(signal.SIGUSR1)
            try:
                asyncio.run(_stream(url, ledger, base, log, name))
            finally:
                print("failed", flush=True)
                os._exit(1)


if __name__ == "__main__":
    # Once, for all processes.
    from polydriver import conversation  # noqa: F401
    from polydriver.engine.transports import async_aiohttp  # noqa: F401
    from polydriver.storage import upgrading  # noqa: F401

    main(*sys.argv[1:])
