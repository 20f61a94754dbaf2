"""A process that streams answers, ten at once, until it is killed: `python -m tests.storage.killed_caller ...`.

Arguments: the URL of the database, the mode of the ledger, the base URL of the provider, a name that no other process
has, and a file. Each call sends its key, `NAME-NUMBER`, as its text and in its metadata, every other one in a
conversation of that title. What the caller has seen whole is written to the file: one key a line.
"""

from __future__ import annotations

import asyncio
import os
import sys

from polydriver import AI, AsyncAI

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


async def main(url: str, ledger: str, base: str, name: str, log: str) -> None:
    """Call and call again."""
    connection = {"driver": "openai", "base_url": base, "api_key": "x", "timeout": 60}
    storage = {"url": url, "ledger": ledger, "window": 60.0, "patience": 30.0}
    config = {"default": "local", "providers": {"local": connection}, "storage": storage}
    ai = AI(config, env={}).asynchronous()
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    print("ready", flush=True)
    number = 0
    while True:
        numbers = range(number, number + _AT_ONCE)
        await asyncio.gather(*(_call(ai, f"{name}-{one}", one, written) for one in numbers))
        number += _AT_ONCE


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
