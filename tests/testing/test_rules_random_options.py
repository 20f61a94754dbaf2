"""Any options together, to any model of the matrix: what goes out breaks no rule."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.testing.requests_matrix import MODELS, WEATHER, made_driver

from polydriver.data.messages import AIMessage
from polydriver.data.prompt import OPTIONS, OutputFormat
from polydriver.errors import AIError
from polydriver.prompting import build_prompt
from polydriver.testing.rules import judge_request

FORM = OutputFormat(schema={"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}, strict=True)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "temperature": st.floats(0, 10),
    "top_p": st.floats(0, 1),
    "top_k": st.integers(0, 1000),
    "max_tokens": st.integers(1, 100_000),
    "stop": st.lists(st.sampled_from(["a", "b", "c", "\n"]), max_size=4, unique=True),
    "seed": st.integers(-5, 2**40),
    "n": st.integers(1, 3),
    "presence_penalty": st.floats(-5, 5),
    "frequency_penalty": st.floats(-5, 5),
    "logprobs": st.booleans(),
    "top_logprobs": st.integers(0, 30),
    "logit_bias": st.just({"50": 1.5}),
    "reasoning_effort": st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh", "max"]),
    "reasoning_budget": st.integers(0, 50_000),
    "tools": st.just([WEATHER]),
    "tool_choice": st.sampled_from(["auto", "none", "required", "weather"]),
    "parallel_tool_calls": st.booleans(),
    "response_format": st.sampled_from([OutputFormat(), FORM]),
    "user": st.just("u-1"),
    "service_tier": st.sampled_from(["auto", "default", "flex", "priority", "business"]),
    "prompt_cache_key": st.just("k"),
    "store": st.booleans(),
    "modalities": st.just(["text"]),
    "audio": st.just({"voice": "alloy", "format": "wav"}),
}
TARGETS = [(driver, model) for driver, models in MODELS.items() for model in models]


def test_all_options_are_here() -> None:
    assert VALUES.keys() == set(OPTIONS)


@given(target=st.sampled_from(TARGETS), options=st.fixed_dictionaries({}, optional=VALUES), stream=st.booleans())
def test_any_options(target: tuple[str, str], options: dict[str, Any], stream: bool) -> None:
    driver, model = target
    made = made_driver(driver)
    try:
        prompt, _ = build_prompt(made, [AIMessage("Say hi")], {"model": model, **options}, stream=stream)
        request = made.build_request(prompt)
    except AIError:
        return
    assert judge_request(made.name, request, model) == []
