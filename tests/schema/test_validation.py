from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polydriver.schema import adapt, find_problems, strict_schema

SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, 2.5]) | st.text("ab", max_size=3)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
SMALL = st.integers(0, 3)
TYPES = st.sampled_from(["string", "boolean", "null", "array", "object", "number", "integer"])


def keywords(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    several = st.lists(inner, min_size=1, max_size=3)
    either = inner | st.booleans()
    return st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES | st.lists(TYPES, min_size=1, max_size=2, unique=True),
            "enum": st.lists(VALUES, min_size=1, max_size=3),
            "const": VALUES,
            "properties": st.dictionaries(st.sampled_from("abc"), either, max_size=2),
            "required": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
            "additionalProperties": either,
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b$"]), inner, max_size=1),
            "propertyNames": inner,
            "items": either,
            "prefixItems": several,
            "minItems": SMALL,
            "maxItems": SMALL,
            "uniqueItems": st.booleans(),
            "minLength": SMALL,
            "maxLength": SMALL,
            "minProperties": SMALL,
            "maxProperties": SMALL,
            "pattern": st.sampled_from(["^a", "b", "a*b"]),
            "minimum": SMALL,
            "maximum": SMALL,
            "exclusiveMinimum": SMALL,
            "exclusiveMaximum": SMALL,
            "multipleOf": st.sampled_from([1, 2, 0.5]),
            "anyOf": several,
            "oneOf": several,
            "allOf": several,
            "not": inner,
            "format": st.just("date"),
            "$ref": st.just("#/$defs/A"),
        },
    )


SCHEMAS: st.SearchStrategy[dict[str, Any]] = st.recursive(st.just({}), keywords, max_leaves=5).filter(
    lambda schema: "$ref" not in schema
)
LEAF = st.fixed_dictionaries({}, optional={"type": TYPES, "minimum": SMALL, "maxLength": SMALL})


@settings(max_examples=200, deadline=None)
@given(VALUES, SCHEMAS, LEAF)
def test_agrees_with_jsonschema(value: Any, schema: dict[str, Any], definition: dict[str, Any]) -> None:
    schema = {**schema, "$defs": {"A": definition}}
    expected = jsonschema.Draft202012Validator(schema).is_valid(value)
    assert (not find_problems(value, schema)) == expected


@pytest.mark.parametrize(
    ("value", "schema", "problem"),
    [
        (5, {"type": "string"}, "it must be a string, got 5"),
        (
            {"a": {"b": [1]}},
            {"properties": {"a": {"properties": {"b": {"items": {"type": "null"}}}}}},
            "`a.b[0]`",
        ),
        ({}, {"required": ["city"]}, "`city`: is missing"),
        (
            {"x": 1},
            {"properties": {"y": {}}, "additionalProperties": False},
            "`x`: there is no such property",
        ),
        ("q", {"enum": ["a", "b"]}, 'one of "a", "b", got "q"'),
        (True, {"const": 1}, "must be 1, got true"),
        ("a" * 500, {"type": "integer"}, "..."),
    ],
)
def test_problems_say_where_and_what(value: Any, schema: dict[str, Any], problem: str) -> None:
    assert problem in "; ".join(find_problems(value, schema))


def test_recursive_schemas() -> None:
    tree = {
        "$ref": "#/$defs/T",
        "$defs": {"T": {"properties": {"kids": {"items": {"$ref": "#/$defs/T"}}, "n": {"type": "integer"}}}},
    }
    assert find_problems({"kids": [{"kids": [{"n": 1}]}]}, tree) == []
    assert find_problems({"kids": [{"kids": [{"n": "x"}]}]}, tree) == [
        '`kids[0].kids[0].n`: must be an integer, got "x"'
    ]


@pytest.mark.parametrize(
    "schema",
    [{"$ref": "#"}, {"$ref": "#/nowhere"}, {"$ref": "https://example.com"}, {"allOf": [{"$ref": "#"}]}],
)
def test_schemas_that_lead_nowhere_are_problems(schema: dict[str, Any]) -> None:
    assert find_problems({}, schema)
    assert adapt({"a": None}, schema) == {"a": None}


GARBAGE = st.dictionaries(
    st.sampled_from(["type", "properties", "required", "items", "anyOf", "enum", "minimum", "$ref", "pattern", "allOf",
                     "additionalProperties", "prefixItems", "$defs", "minLength", "patternProperties", "const"]),
    VALUES,
)  # fmt: skip


@given(VALUES, GARBAGE)
def test_malformed_schemas_raise_nothing(value: Any, schema: dict[str, Any]) -> None:
    find_problems(value, schema)
    adapt(value, schema)
    strict_schema({"type": "object", "properties": {"a": schema}})
    strict_schema(schema)


def test_number_of_problems_is_limited() -> None:
    assert len(find_problems([1] * 50, {"items": {"type": "string"}}, limit=3)) == 3


def test_unknown_patterns_and_types_are_not_held_against_the_value() -> None:
    assert find_problems("x", {"pattern": r"\p{L}"}) == []
    assert find_problems("x", {"type": "unheard-of"}) == []


@pytest.mark.parametrize(
    ("value", "schema", "adapted"),
    [
        ({"a": None}, {"properties": {"a": {"type": "string"}}}, {}),
        ({"a": None}, {"properties": {"a": {"type": "string"}}, "required": ["a"]}, {"a": None}),
        ({"a": None}, {"properties": {"a": {"type": ["string", "null"]}}}, {"a": None}),
        ({"a": 5.0, "b": 5.5}, {"additionalProperties": {"type": "integer"}}, {"a": 5, "b": 5.5}),
        ([1.0, 2.0], {"prefixItems": [{"type": "number"}], "items": {"type": "integer"}}, [1.0, 2]),
        ({"a": None}, {"anyOf": [{"type": "string"}, {"type": "object", "properties": {"a": {"type": "null"}}}]},
         {"a": None}),
        ({"a": {"b": None}},
         {"properties": {"a": {"anyOf": [{"$ref": "#/$defs/B"}, {"type": "null"}]}},
          "$defs": {"B": {"properties": {"b": {"type": "string"}}}}},
         {"a": {}}),
    ],
)  # fmt: skip
def test_adapting(value: Any, schema: dict[str, Any], adapted: Any) -> None:
    result = adapt(value, schema)
    assert result == adapted
    assert repr(result) == repr(adapted)
