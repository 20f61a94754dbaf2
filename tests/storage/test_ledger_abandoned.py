"""Streams that are read whole and left before their usage: what is booked for them, beside what they cost.

The answers are those of recorded traffic, with the tokens that their providers counted.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from tests.wires.replay import records

from polydriver.config.storage import StorageConfig
from polydriver.data.http import Simulated
from polydriver.drivers import driver_class
from polydriver.engine.transports.simulated import AsyncSimulatedTransport, SimulatedTransport
from polydriver.storage import Storage
from polydriver.storage.tables import attempts

TRAFFIC = Path(__file__).parent.parent / "traffic"
PRICES = {"m": {"input": "1", "output": "4"}}
INPUT = 8  # tokens of "Hi", as OpenAI counts them
TIMES = 1000


def answers() -> Iterator[tuple[str, int]]:
    """Texts, and the tokens of each: of answers whose tokens are those of their text.

    Left out are calls, and hidden thoughts and searches, of which nothing is known before the usage: where they are not
    named, a token of a text would have fewer than two bytes.
    """
    for record in records(TRAFFIC, "openai-chat"):
        expected = record["expected"]
        spoken, tokens = expected.get("text"), (expected.get("usage") or {}).get("output_total")
        if spoken and tokens and not expected.get("tool_calls") and len(spoken.encode()) >= 2 * tokens:
            yield spoken, tokens


def stream_of(text: str, tokens: int) -> Simulated:
    """A stream whose every event comes alone, with its usage at the end."""
    head = {"id": "c", "object": "chat.completion.chunk", "model": "m"}
    pieces = [text[place : place + 40] for place in range(0, len(text), 40)]
    events: list[Any] = [{**head, "choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    events.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    events.append({**head, "choices": [], "usage": {"prompt_tokens": INPUT, "completion_tokens": tokens}})
    told = [*(json.dumps(event) for event in events), "[DONE]"]
    return Simulated(
        headers={"content-type": "text/event-stream"}, chunks=[f"data: {one}\n\n".encode() for one in told]
    )


@pytest.mark.parametrize("colour", ["blocking", "async"])
async def test_left_before_their_usage_a_thousand_times(colour: str) -> None:
    spoken = list(answers())
    assert len(spoken) > 100
    given = cycle(spoken)
    now: list[tuple[str, int]] = []

    def transport(kind: str, config: Any) -> Any:
        return (SimulatedTransport if kind == "blocking" else AsyncSimulatedTransport)(lambda _: stream_of(*now[-1]))

    storage = Storage(StorageConfig(url="sqlite://", ledger="write-behind"))
    config = {"api_key": "sk-4f8a2c9d7e6b5a3c4f8a2c9d", "prices": PRICES}
    driver: Any = driver_class("openai")(config, env={}, transport=transport)
    storage.attach(driver.connection)
    provider = driver.asynchronous()
    true = Decimal(0)
    for _ in range(TIMES // 2):
        now.append(next(given))
        text, tokens = now[-1]
        true += Decimal(INPUT * 1 + tokens * 4) / 10**6
        read = ""
        if colour == "blocking":
            with driver.send_streaming_message("Hi", model="m") as stream:
                while read != text:
                    read += next(stream).content
        else:
            async with provider.send_streaming_message("Hi", model="m") as stream:
                while read != text:
                    read += (await anext(stream)).content
    assert storage.flush()
    with storage.database.read() as connection:
        found = connection.execute(select(attempts.c.outcome, attempts.c.estimated, attempts.c.cost)).all()
    storage.close()
    assert {(outcome, estimated) for outcome, estimated, _ in found} == {("abandoned", True)}
    assert len(found) == TIMES // 2
    assert sum(cost for _, _, cost in found) >= true * Decimal("0.95")


_EXIT = """
import asyncio, sys
from polydriver import AI, MockDriver
budgets = {"all": {"limit": 1, "unknown_price": "0.25"}}
storage = {"url": sys.argv[1], "ledger": sys.argv[2], "window": 60}
ai = AI({"default": "mock", "providers": {"mock": {}}, "storage": storage, "budgets": budgets}, env={})
ai.extend("mock", lambda config: MockDriver(default="a b c", chunk_size=2))
stream = ai.provider().send_streaming_message("Hi", model="m")
next(stream)

async def main():
    later = ai.asynchronous().provider().send_streaming_message("Hi", model="m")
    await anext(later)
    return later

kept = asyncio.run(main())
"""


@pytest.mark.parametrize("ledger", ["durable", "write-behind"])
def test_open_when_the_program_ends(ledger: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ai.db"
    subprocess.run([sys.executable, "-c", _EXIT, url, ledger], check=True, timeout=120)
    storage = Storage(url)
    with storage.database.read() as connection:
        found = connection.execute(select(attempts.c.outcome, attempts.c.estimated)).all()
        held = connection.execute(text("SELECT sum(reserved) FROM ai_budgets")).scalar()
    storage.close()
    assert [tuple(row) for row in found] == [("abandoned", True)] * 2
    assert held == 0
