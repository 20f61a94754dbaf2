"""A conversation that one wire began goes on with every model of the matrix: what goes out breaks no rule."""

from __future__ import annotations

from typing import Any

import pytest
from tests.testing.requests_matrix import MODELS, made_driver

from polydriver.data.messages import AIMessage
from polydriver.data.prompt import OutputFormat
from polydriver.errors import UnsupportedFeatureError
from polydriver.prompting import build_prompt
from polydriver.testing.rules import judge_request

from .histories import WEATHER, answer_calls, full_history
from .wires import NAMES, WIRES

FORM = OutputFormat(schema={"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}, strict=True)
OPTIONS: list[dict[str, Any]] = [
    {},
    {"reasoning_effort": "high", "temperature": 0},
    {"tools": [WEATHER], "reasoning_budget": 2000},
    {"tools": [WEATHER], "tool_choice": "required", "response_format": FORM},
]


@pytest.mark.parametrize("first", NAMES)
@pytest.mark.parametrize("driver", MODELS)
def test_a_switched_conversation_breaks_no_rule(first: str, driver: str) -> None:
    wire, made = WIRES[first], made_driver(driver)
    calls = wire.message("calls")
    histories = [
        [AIMessage.user("Weather?"), calls, *answer_calls(calls)],
        [AIMessage.user("Weather?"), calls],
        [*full_history(wire), AIMessage.user("And?")],
    ]
    for model in MODELS[driver]:
        for options in OPTIONS:
            for messages in histories:
                try:
                    prompt, _ = build_prompt(made, messages, {"model": model, **options})
                    request = made.build_request(prompt)
                except UnsupportedFeatureError as refused:
                    if "tools" in options and "tools with" in str(refused):
                        continue  # the model has none here
                    raise
                assert judge_request(made.name, request, model) == [], (model, options)
