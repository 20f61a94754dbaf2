"""A driver that speaks both of OpenAI's wires reads an answer as what it is, whichever it asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from polydriver import OpenAIDriver

from .replay import Splitter, at_random, compare, records, replay, whole

KEY = "sk-test-1234567890abcdef"


@pytest.mark.parametrize("split", [whole, at_random(5)], ids=["whole", "split"])
@pytest.mark.parametrize(("asked", "answered"), [("responses", "openai-chat"), ("chat", "openai-responses")])
def test_the_answer_of_the_other_wire_is_read_as_well(
    wire_dir: Path, asked: str, answered: str, split: Splitter
) -> None:
    driver = OpenAIDriver({"api_key": KEY, "api": asked})
    own = {"openai-chat", "openai-responses"}
    wrong = {
        record["id"]: found
        for record in records(wire_dir, answered)
        if record["provider"] in own and (found := compare(replay(driver, record, split), record["expected"]))
    }
    assert not wrong
