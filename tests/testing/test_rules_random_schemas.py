"""Any schema, as a wanted form and as a tool: what goes out breaks no rule, on any wire."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.testing.requests_matrix import made_driver

from polydriver.data.messages import AIMessage
from polydriver.data.prompt import OutputFormat, Prompt, ToolSpec
from polydriver.errors import AIError
from polydriver.prompting import fit_prompt
from polydriver.testing.rules import judge_request

MODELS = {
    "openai": "gpt-5", "openai-chat": "gpt-4o", "anthropic": "claude-opus-5", "cohere": "command-a-03-2025",
    "gemini": "gemini-2.5-flash", "bedrock": "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "groq": "openai/gpt-oss-120b",
    "mistral": "mistral-large-latest",
}  # fmt: skip
NAMES = st.sampled_from(["a", "b_c", "d-e", "naïve", "with space", "x" * 70, "$ref"])
LEAVES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["string", "integer", "number", "boolean", "null"])},
        optional={"description": st.just("d"), "default": st.none(), "title": st.just("T")},
    ),
    st.fixed_dictionaries(
        {"type": st.just("string")},
        optional={
            "format": st.sampled_from(["uri", "date-time", "email", "x-own"]),
            "minLength": st.integers(0, 3),
            "pattern": st.sampled_from(["^a$", "a+"]),
        },
    ),
    st.builds(lambda values: {"enum": values}, st.lists(st.sampled_from(["x", "y", 1, None]), min_size=1, unique=True)),
    st.just({"const": "x"}),
    st.just({"$ref": "#/$defs/Node"}),
    st.just({"$ref": "#/$defs/Node", "description": "beside"}),
    st.just({}),
)


def _branches(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    def make_object(properties: dict[str, Any], required: int, extra: Any) -> dict[str, Any]:
        made = {"type": "object", "properties": properties, "required": list(properties)[:required]}
        return made if extra is None else {**made, "additionalProperties": extra}

    objects = st.builds(
        make_object,
        st.dictionaries(NAMES, inner, max_size=4),
        st.integers(0, 4),
        st.one_of(st.none(), st.booleans(), inner),
    )
    arrays = st.builds(
        lambda items, least: {"type": "array", "items": items, "minItems": least}, inner, st.integers(0, 3)
    )
    unions = st.builds(
        lambda word, parts: {word: parts},
        st.sampled_from(["anyOf", "oneOf", "allOf"]),
        st.lists(inner, min_size=1, max_size=3),
    )
    return st.one_of(objects, objects, arrays, unions, st.just({"type": "array"}), st.just({"type": "object"}))


NODE = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "value": {"type": "string"}}}
SCHEMAS = st.recursive(LEAVES, _branches, max_leaves=8).map(lambda schema: {**schema, "$defs": {"Node": NODE}})


@pytest.mark.parametrize("driver", MODELS)
@given(schema=SCHEMAS, strict=st.sampled_from([None, True, False]), as_tool=st.booleans())
def test_any_schema(driver: str, schema: dict[str, Any], strict: bool | None, as_tool: bool) -> None:
    model = MODELS[driver]
    prompt = Prompt(model=model, messages=[AIMessage("Say hi")])
    if as_tool:
        prompt.tools = [ToolSpec(name="look", parameters=schema, strict=strict)]
    else:
        prompt.response_format = OutputFormat(schema=schema, strict=strict)
    made = made_driver(driver)
    try:
        fit_prompt(made, prompt)
        request = made.build_request(prompt)
    except AIError:
        return
    assert judge_request(made.name, request, model) == []
