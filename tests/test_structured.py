from __future__ import annotations

import contextlib
import datetime
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, TypedDict

import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydriver import AI
from polydriver.data.prompt import OutputFormat
from polydriver.errors import ConfigurationError, InvalidResponseError
from polydriver.structured import Output, make_output


@dataclass
class Item:
    """An item."""

    name: str
    count: int = 1


class Order(msgspec.Struct):
    items: list[Item]
    day: datetime.date | None = None


class Model(pydantic.BaseModel):
    """A model."""

    name: str
    items: list[Item] = []
    parent: Model | None = None


class Plain(TypedDict):
    name: str


@pytest.mark.parametrize(
    ("target", "text", "value"),
    [
        (Item, '{"name": "a", "count": null}', Item("a")),
        (Order, '{"items": [{"name": "a", "count": 2.0}], "day": "2024-01-02"}',
         Order([Item("a", 2)], datetime.date(2024, 1, 2))),
        (Model, '{"name": "a", "items": [{"name": "b"}], "parent": {"name": "c"}}',
         Model(name="a", items=[Item("b")], parent=Model(name="c"))),
        (Plain, '{"name": "a"}', {"name": "a"}),
        (list[int], '{"value": [1, 2]}', [1, 2]),
        (list[Item], '{"value": [{"name": "a"}]}', [Item("a")]),
        (Literal["a", "b"], '{"value": "b"}', "b"),
        (int, '{"value": 5}', 5),
        (int | None, '{"value": null}', None),
        (Item | Order, '{"value": {"items": []}}', Order([])),
        (dict[str, int], '{"a": 1}', {"a": 1}),
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, '{"a": 1}', {"a": 1}),
        ({"type": "array", "items": {"type": "integer"}}, '{"value": [1]}', [1]),
        ("json", '{"a": [1]}', {"a": [1]}),
        ({"type": "json_object"}, '{"a": [1]}', {"a": [1]}),
    ],
)  # fmt: skip
def test_answers_are_read(target: Any, text: str, value: Any) -> None:
    output = make_output(target)
    assert output.parse(text) == value
    assert output.schema is None or output.schema["type"] == "object"
    for around in ("```json\n{}\n```", "Here it is:\n```\n{}\n```\nDone.", "Sure: {} I hope.", "\ufeff {} \n"):
        assert output.parse(around.replace("{}", text)) == value


@pytest.mark.parametrize(
    ("target", "text", "problem"),
    [
        (Item, "", "empty"),
        (Item, "  \n", "empty"),
        (Item, "no idea", "not JSON"),
        (Item, '{"name": "a"', "not JSON"),
        (Item, '{"count": 1}', "`name`: is missing"),
        (Item, '{"name": 5}', "`name`: must be a string, got 5"),
        (Model, '{"name": "x", "parent": {}}', "parent"),
        (list[int], "[1]", "value"),
        (list[int], '{"value": ["x"]}', "`[0]`: must be an integer"),
        ({"type": "object", "required": ["a"]}, "{}", "`a`: is missing"),
        ("json", "[1]", "a JSON object was asked for"),
        (Item, '{"a":' * 100_000, "not JSON"),
    ],
)
def test_answers_that_do_not_fit(target: Any, text: str, problem: str) -> None:
    with pytest.raises(InvalidResponseError) as caught:
        make_output(target).parse(text)
    assert problem in caught.value.details["problem"]
    assert caught.value.details["text"] == text[:500]


@given(st.text())
def test_no_other_error_escapes(text: str) -> None:
    for target in (Item, Model, "json", list[int]):
        with contextlib.suppress(InvalidResponseError):
            make_output(target).parse(text)


def test_names_and_descriptions() -> None:
    output = make_output(Item)
    assert (output.name, output.description, output.wrapped, output.strict) == ("Item", "An item.", False, True)
    assert make_output(list[Item]).name == "output"
    assert make_output({"title": "My form!", "type": "object"}).name == "My_form"


def test_strict_is_claimed_only_where_possible() -> None:
    assert make_output(dict[str, int]).strict is False
    assert make_output(list[int]).strict is True
    assert make_output(Model).strict is True


def test_openai_forms() -> None:
    inner = {"name": "n", "description": "d", "schema": {"type": "object", "properties": {}}, "strict": False}
    for target in ({"type": "json_schema", "json_schema": inner}, {"type": "json_schema", **inner}):
        output = make_output(target)
        assert (output.name, output.description, output.schema, output.strict) == ("n", "d", inner["schema"], False)


def test_recursive_models_have_an_object_at_the_root() -> None:
    schema = make_output(Model).schema
    assert schema is not None
    assert schema["type"] == "object"
    assert schema["properties"]["parent"] == {"anyOf": [{"$ref": "#/$defs/Model"}, {"type": "null"}]}


def test_formats_pass_through_and_types_are_kept() -> None:
    output = make_output(Item)
    assert make_output(output) is output
    assert make_output(Item) is output
    given_format = OutputFormat(name="x", schema={"type": "string"}, strict=True)
    made = make_output(given_format)
    assert isinstance(made, Output)
    assert (made.name, made.wrapped, made.strict) == ("x", True, True)


@pytest.mark.parametrize(
    "target", ["yaml", {"type": "text"}, {}, None, 5, {"type": "json_schema"}, print, {"$ref": "#/$defs/x"}]
)
def test_what_is_no_target(target: Any) -> None:
    with pytest.raises(ConfigurationError):
        make_output(target)


LONG = "12345678901234567890.123456789012345678901"
"""More digits than a float has."""


@dataclass
class Bill:
    total: Decimal
    items: list[Decimal]
    rate: float
    count: int
    other: Any = None
    nested: dict[str, Decimal | None] | None = None


class BillModel(pydantic.BaseModel):
    total: Decimal
    items: list[Decimal]
    rate: float
    count: int
    other: Any = None
    nested: dict[str, Decimal | None] | None = None


class BillStruct(msgspec.Struct):
    total: Decimal
    items: list[Decimal]
    rate: float
    count: int
    other: Any = None
    nested: dict[str, Decimal | None] | None = None


@pytest.mark.parametrize("kind", [Bill, BillModel, BillStruct])
def test_numbers_reach_a_decimal_with_all_their_digits(kind: Any) -> None:
    text = f'{{"total": {LONG}, "items": [0.1, {LONG}, 3, "2.50", -1e2], "rate": 0.25, "count": 3.0, "other": [1.5]'
    bill = make_output(kind).parse(text + f', "nested": {{"a": {LONG}, "b": null}}}}')
    assert bill.total == Decimal(LONG)
    assert bill.items == [Decimal("0.1"), Decimal(LONG), 3, Decimal("2.50"), -100]
    assert (bill.rate, bill.count, bill.other) == (0.25, 3, [1.5])
    assert type(bill.rate) is float
    assert type(bill.count) is int
    assert type(bill.other[0]) is float
    assert bill.nested == {"a": Decimal(LONG), "b": None}


@pytest.mark.parametrize("kind", [Decimal, list[Decimal], Decimal | None, Bill | BillModel])
def test_numbers_in_any_type_that_holds_decimals(kind: Any) -> None:
    text = {list[Decimal]: f"[{LONG}]"}.get(kind, LONG)
    if kind == Bill | BillModel:
        text = f'{{"total": {LONG}, "items": [], "rate": 1, "count": 1}}'
    value = make_output(kind).parse(f'{{"value": {text}}}')
    assert Decimal(LONG) in (value, getattr(value, "total", None), *(value if isinstance(value, list) else ()))


def test_numbers_without_a_type_are_floats() -> None:
    value = make_output({"type": "object", "properties": {"a": {"type": "number"}}}).parse('{"a": 0.1, "b": [1.0, 2]}')
    assert value == {"a": 0.1, "b": [1.0, 2]}
    assert [type(number) for number in (value["a"], *value["b"])] == [float, float, int]
    with pytest.raises(InvalidResponseError):
        make_output("json").parse('{"a": 1e999}')


@pytest.mark.parametrize("target", [dict[str, str], "json"])
@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'{"a": "x\ud83d"}', "x\ufffd"),
        (r'{"a": "\ude00x"}', "\ufffdx"),
        (r'{"a": "\ud83d\ude00\ud83d"}', "\U0001f600\ufffd"),
        ('{"a": "x\ud83d"}', "x\ufffd"),
    ],
)
def test_half_a_surrogate_pair_does_no_harm(target: Any, text: str, value: str) -> None:
    assert make_output(target).parse(text) == {"a": value}


@pytest.mark.parametrize("ref", ["#/$defs/Nowhere", "#/properties/b/0", "https://example.com/schema.json", 5])
@pytest.mark.parametrize("place", ["property", "item", "choice", "definition"])
def test_a_reference_that_cannot_be_followed_is_refused_before_anything_is_sent(ref: object, place: str) -> None:
    sub: dict[str, Any] = {"$ref": ref}
    if place == "item":
        sub = {"type": "array", "items": sub}
    elif place == "choice":
        sub = {"anyOf": [{"type": "null"}, sub]}
    schema: dict[str, Any] = {"type": "object", "properties": {"a": sub}, "$defs": {}}
    if place == "definition":
        schema["$defs"]["Other"], schema["properties"]["a"] = sub, {"$ref": "#/$defs/Other"}
    with AI.fake(["{}"]) as ai:
        with pytest.raises(ConfigurationError, match=r"cannot be used: .*reference"):
            ai.provider().send_message("Hi", response_format=schema)
        ai.assert_nothing_sent()
