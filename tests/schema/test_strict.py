"""Rewriting schemas: references, keywords, definitions, and the strict subset."""

from __future__ import annotations

import copy
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polydriver.schema import (
    SchemaReferenceError,
    adapt,
    find_problems,
    hoist_defs,
    inline_refs,
    merge_root_ref,
    resolve_ref,
    strict_schema,
    without_keywords,
    wrap_value,
)

TREE = {
    "$ref": "#/$defs/Node",
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "kids": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
            },
            "required": ["name"],
        },
        "Unused": {"type": "null"},
    },
}


def test_references() -> None:
    schema = {
        "$defs": {"a/b": {"type": "null"}, "~": {"type": "string"}},
        "anyOf": [{"type": "integer"}],
        "x": 1,
    }
    assert resolve_ref(schema, "#") is schema
    assert resolve_ref(schema, "#/$defs/a~1b") == {"type": "null"}
    assert resolve_ref(schema, "#/$defs/~0") == {"type": "string"}
    assert resolve_ref(schema, "#/anyOf/0") == {"type": "integer"}
    for ref in ("#/$defs/none", "#/anyOf/1", "#/x", "https://example.com/schema", 5, None):
        with pytest.raises(SchemaReferenceError):
            resolve_ref(schema, ref)


def test_keywords_go_but_properties_of_their_name_stay() -> None:
    schema = {
        "title": "T",
        "properties": {"title": {"title": "x", "type": "string"}, "default": {"default": 3}},
        "items": [{"title": "y"}],
        "$defs": {"title": {"anyOf": [{"title": "z"}]}},
        "enum": [{"title": "kept"}],
    }
    before = copy.deepcopy(schema)
    assert without_keywords(schema, {"title", "default"}) == {
        "properties": {"title": {"type": "string"}, "default": {}},
        "items": [{}],
        "$defs": {"title": {"anyOf": [{}]}},
        "enum": [{"title": "kept"}],
    }
    assert schema == before


def test_references_are_inlined_and_recursion_ends() -> None:
    inlined = inline_refs(TREE, depth=2)
    assert "$ref" not in str(inlined)
    assert "$defs" not in str(inlined)
    inner = inlined["properties"]["kids"]["items"]
    assert inner["required"] == ["name"]
    assert inner["properties"]["kids"]["items"] == {"type": "object"}


def test_keywords_beside_a_reference_win() -> None:
    schema = {
        "properties": {"a": {"$ref": "#/$defs/A", "description": "mine"}},
        "$defs": {"A": {"type": "null", "description": "its"}},
    }
    assert inline_refs(schema) == {"properties": {"a": {"type": "null", "description": "mine"}}}


def test_inlining_is_bounded() -> None:
    defs: dict[str, Any] = {
        f"L{i}": {"type": "object", "properties": {k: {"$ref": f"#/$defs/L{i + 1}"} for k in "ab"}} for i in range(40)
    }
    defs["L40"] = {"type": "string"}
    assert len(str(inline_refs({"$ref": "#/$defs/L0", "$defs": defs}))) < 10_000_000
    assert inline_refs({"$ref": "#"}) == {"type": "object"}


def test_inner_definitions_move_to_the_root() -> None:
    one = {"$ref": "#/$defs/P", "$defs": {"P": {"type": "string"}}}
    other = {
        "items": {"$ref": "#/$defs/P"},
        "$defs": {"P": {"type": "object", "properties": {"p": {"$ref": "#/$defs/P"}}}},
    }
    schema = hoist_defs({"properties": {"a": one, "b": other, "c": one}})
    assert schema == {
        "properties": {
            "a": {"$ref": "#/$defs/P"},
            "b": {"items": {"$ref": "#/$defs/P_2"}},
            "c": {"$ref": "#/$defs/P"},
        },
        "$defs": {
            "P": {"type": "string"},
            "P_2": {"type": "object", "properties": {"p": {"$ref": "#/$defs/P_2"}}},
        },
    }


def test_a_root_reference_is_merged() -> None:
    merged = merge_root_ref(TREE)
    assert merged["type"] == "object"
    assert list(merged["$defs"]) == ["Node"]
    assert merge_root_ref({"$ref": "#/$defs/A", "$defs": {"A": {"type": "object"}}}) == {"type": "object"}
    with pytest.raises(SchemaReferenceError):
        merge_root_ref({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}})


def test_wrapping_keeps_references_to_the_root() -> None:
    schema = {
        "type": "array",
        "items": {"anyOf": [{"$ref": "#"}, {"$ref": "#/$defs/N"}]},
        "$defs": {"N": {"type": "integer"}},
    }
    wrapped = wrap_value(schema)
    jsonschema.Draft202012Validator.check_schema(wrapped)
    assert find_problems({"value": [1, [2, [3]]]}, wrapped) == []
    assert find_problems({"value": [1, ["x"]]}, wrapped)
    assert wrap_value({"type": "array", "items": {}})["properties"] == {"value": {"type": "array", "items": {}}}


def test_strict_objects_are_closed_and_optional_properties_nullable() -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "string", "minLength": 2, "format": "path"},
            "b": {"type": "integer", "default": 3, "description": "How many."},
            "c": {"anyOf": [{"type": "string", "format": "date"}, {"type": "integer"}]},
            "d": {"type": "string", "enum": ["x"]},
            "e": {"$ref": "#/$defs/E"},
            "f": {"oneOf": [{"type": "null"}, {"$ref": "#/$defs/E", "description": "beside"}]},
            "g": {"type": "string", "const": "k"},
        },
        "required": ["a"],
        "$defs": {"E": {"type": "object", "properties": {}}},
    }
    before = copy.deepcopy(schema)
    strict = strict_schema(schema)
    assert schema == before
    closed = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    assert strict == {
        "type": "object",
        "properties": {
            "a": {"type": "string", "description": "(minLength: 2, format: path)"},
            "b": {"type": ["integer", "null"], "description": "How many. (default: 3)"},
            "c": {"anyOf": [{"type": "string", "format": "date"}, {"type": "integer"}, {"type": "null"}]},
            "d": {"type": ["string", "null"], "enum": ["x", None]},
            "e": {"anyOf": [{"$ref": "#/$defs/E"}, {"type": "null"}]},
            "f": {"anyOf": [{"type": "null"}, {**closed, "description": "beside"}]},
            "g": {"type": ["string", "null"], "enum": ["k", None]},
        },
        "required": ["a", "b", "c", "d", "e", "f", "g"],
        "additionalProperties": False,
        "$defs": {"E": closed},
    }
    assert strict_schema(strict) == strict


def test_recursion_can_be_strict() -> None:
    strict = strict_schema(merge_root_ref(TREE))
    assert strict is not None
    assert strict["$defs"]["Node"]["additionalProperties"] is False


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "object", "additionalProperties": True},
        {"type": "object", "properties": {"a": {}}},
        {"type": "object", "properties": {"a": True}},
        {"type": "object", "properties": {"a": {"type": "array"}}},
        {
            "type": "object",
            "properties": {"a": {"type": "object", "additionalProperties": {"type": "string"}}},
        },
        {
            "type": "object",
            "properties": {"a": {"type": "array", "prefixItems": [{"type": "string"}], "items": False}},
        },
        {"type": "object", "properties": {"a": {"allOf": [{"type": "string"}, {"minLength": 2}]}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/None"}}},
        {"type": "object", "properties": {"a": {"not": {"type": "string"}}}},
        {"type": "array", "items": {"type": "string"}},
        {"anyOf": [{"type": "object", "properties": {}}]},
        {"$ref": "#"},
        {},
    ],
)
def test_what_cannot_be_strict(schema: dict[str, Any]) -> None:
    assert strict_schema(schema) is None


def test_too_deep_for_strict() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(11):
        schema = {"type": "object", "properties": {"a": schema}}
    assert strict_schema(schema) is None
    assert strict_schema(schema["properties"]["a"]) is not None


LEAVES = st.fixed_dictionaries({"type": st.sampled_from(["string", "integer", "boolean"])})
OBJECTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(
            lambda properties, keep: {
                "type": "object",
                "properties": properties,
                "required": sorted(set(properties) & keep),
            },
            st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
            st.sets(st.sampled_from("abc")),
        ),
        st.builds(lambda item: {"type": "array", "items": item}, inner),
        st.builds(lambda one, two: {"anyOf": [one, two]}, inner, inner),
    ),
    max_leaves=5,
).filter(lambda schema: schema.get("type") == "object")


def sample(schema: dict[str, Any]) -> Any:
    """A value of a strict schema, with `null` wherever it is allowed."""
    if "anyOf" in schema:
        nulls = [branch for branch in schema["anyOf"] if branch.get("type") == "null"]
        return None if nulls else sample(schema["anyOf"][0])
    kind = schema["type"]
    if isinstance(kind, list):
        return None
    if kind == "object":
        return {name: sample(sub) for name, sub in schema["properties"].items()}
    return {"string": "x", "integer": 1.0, "boolean": True, "array": [], "null": None}[kind]


@settings(deadline=None)
@given(OBJECTS)
def test_what_a_strict_mode_writes_fits_the_schema_once_adapted(schema: dict[str, Any]) -> None:
    strict = strict_schema(schema)
    assert strict is not None
    jsonschema.Draft202012Validator.check_schema(strict)
    value = sample(strict)
    assert find_problems(value, strict) == []
    assert find_problems(adapt(value, schema), schema) == []
