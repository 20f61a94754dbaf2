"""Costs of OpenAI's service tiers: by the tier that the answer names, and never guessed."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from tests.faults.server import READ, Server, reply

from polydriver import OpenAIDriver


def body(**more: Any) -> bytes:
    """A whole reply of a thousand tokens in and out."""
    usage = {"prompt_tokens": 1000, "completion_tokens": 1000, "total_tokens": 2000}
    choice = {"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    return json.dumps({"id": "c", "model": "gpt-4o", "choices": [choice], "usage": usage, **more}).encode()


@pytest.mark.parametrize(
    ("answered", "total"), [("priority", "0.02125"), ("default", "0.0125"), (None, None), ("unheard-of", None)]
)
def test_the_tier_that_answered_is_paid_for(answered: str | None, total: str | None) -> None:
    settings = {"api_key": "sk-test-1234567890"}
    with Server([READ, reply(body(**({"service_tier": answered} if answered else {})))]) as server:
        openai = OpenAIDriver(settings, base_url=f"{server.url}/v1")
        cost = openai.send_message("Hi", model="gpt-4o", service_tier="priority").cost
        openai.close()
    assert (cost.total if cost else None) == (Decimal(total) if total else None)
