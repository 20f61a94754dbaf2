"""Tools made of functions, types and dicts: what the model is told, and how arguments are read."""

from __future__ import annotations

import datetime
import enum
import functools
import gc
import subprocess
import sys
import uuid
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, TypedDict

import msgspec
import pydantic
import pytest

from polydriver.data.prompt import ProviderTool, ToolSpec
from polydriver.errors import ConfigurationError
from polydriver.tools import Tool, ToolArgumentsError, make_tools, tool


class Unit(enum.Enum):
    CELSIUS = "c"
    FAHRENHEIT = "f"


@dataclass
class Place:
    """A place on earth.

    Attributes:
        city: The city's name.
    """

    city: str
    zip: Annotated[str, "The postal code."] = ""
    near: list[Place] = field(default_factory=list)


class Node(msgspec.Struct):
    value: int
    kids: list[Node] = []


class Person(pydantic.BaseModel):
    """Someone."""

    name: str = pydantic.Field(description="The full name.")
    age: int | None = None


class Query(TypedDict, total=False):
    """A search."""

    text: str
    limit: int


UserId = NewType("UserId", int)


def schema_of(function: Callable[..., Any]) -> dict[str, Any]:
    return tool(function).parameters


def test_a_function_with_everything_common() -> None:
    @tool
    def weather(city: str, days: int = 3, unit: Literal["c", "f"] = "c", note: str | None = None) -> str:
        """Look up the weather.

        Args:
            city: The city.
            days: How many days.
        """
        return f"{city} {days} {unit} {note}"

    assert weather.name == "weather"
    assert weather.description == "Look up the weather."
    assert weather.parameters == {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "The city."},
            "days": {"type": "integer", "default": 3, "description": "How many days."},
            "unit": {"type": "string", "enum": ["c", "f"], "default": "c"},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
        "required": ["city"],
        "additionalProperties": False,
    }
    assert weather("Rome", note="x") == "Rome 3 c x"


@pytest.mark.parametrize(
    ("hint", "schema", "raw", "value"),
    [
        (int, {"type": "integer"}, 5.0, 5),
        (float, {"type": "number"}, 5, 5.0),
        (bool, {"type": "boolean"}, True, True),
        (Decimal, {"type": "string", "format": "decimal"}, "1.10", Decimal("1.10")),
        (Decimal, {"type": "string", "format": "decimal"}, 1.5, Decimal("1.5")),
        (datetime.date, {"type": "string", "format": "date"}, "2024-02-29", datetime.date(2024, 2, 29)),
        (datetime.datetime, {"type": "string", "format": "date-time"}, "2024-02-29T10:00:00Z",
         datetime.datetime(2024, 2, 29, 10, tzinfo=datetime.UTC)),
        (uuid.UUID, {"type": "string", "format": "uuid"}, str(uuid.UUID(int=7)), uuid.UUID(int=7)),
        (Path, {"type": "string", "format": "path"}, "/tmp/x", Path("/tmp/x")),
        (list[int], {"type": "array", "items": {"type": "integer"}}, [1, 2.0], [1, 2]),
        (set[str], {"type": "array", "items": {"type": "string"}, "uniqueItems": True}, ["a"], {"a"}),
        (Sequence[int], {"type": "array", "items": {"type": "integer"}}, [1], [1]),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}, {"a": 1}, {"a": 1}),
        (tuple[int, str], {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False,
                           "minItems": 2, "maxItems": 2}, [1, "a"], (1, "a")),
        (Any, {}, {"x": [1]}, {"x": [1]}),
        (object, {}, 5, 5),
        (UserId, {"type": "integer"}, 5, 5),
        (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}, "5", "5"),
        (datetime.date | str, {"anyOf": [{"type": "string", "format": "date"}, {"type": "string"}]}, "soon", "soon"),
        (Annotated[int, msgspec.Meta(ge=1, description="d")], {"type": "integer", "minimum": 1, "description": "d"},
         2, 2),
        (Annotated[int, pydantic.Field(ge=1, description="d")], {"type": "integer", "minimum": 1, "description": "d"},
         2, 2),
        (Annotated[str, "d"], {"type": "string", "description": "d"}, "x", "x"),
    ],
)  # fmt: skip
def test_types(hint: Any, schema: dict[str, Any], raw: Any, value: Any) -> None:
    def take(x: Any) -> None: ...

    take.__annotations__["x"] = hint
    made = tool(take)
    assert made.parameters["properties"]["x"] == schema
    assert made.bind({"x": raw}) == {"x": value}
    assert type(made.bind({"x": raw})["x"]) is type(value)


def test_enums_and_nested_and_recursive_types() -> None:
    def take(unit: Unit, place: Place, tree: Node, person: Person, query: Query, people: list[Person]) -> None: ...

    made = tool(take)
    defs = made.parameters["$defs"]
    assert defs["Unit"] == {"type": "string", "enum": ["c", "f"]}
    assert defs["Place"]["description"] == "A place on earth."
    assert defs["Place"]["properties"]["city"]["description"] == "The city's name."
    assert defs["Place"]["properties"]["zip"]["description"] == "The postal code."
    assert defs["Node"]["properties"]["kids"]["items"] == {"$ref": "#/$defs/Node"}
    assert made.parameters["properties"]["person"]["properties"]["name"]["description"] == "The full name."
    values = made.bind(
        {
            "unit": "f",
            "place": {"city": "Rome", "zip": None, "near": [{"city": "Ostia"}]},
            "tree": {"value": 1, "kids": [{"value": 2.0}]},
            "person": {"name": "Ada"},
            "query": {"text": "x"},
            "people": [{"name": "Bob", "age": 3}],
        }
    )
    assert values == {
        "unit": Unit.FAHRENHEIT,
        "place": Place("Rome", near=[Place("Ostia")]),
        "tree": Node(1, [Node(2)]),
        "person": Person(name="Ada"),
        "query": {"text": "x"},
        "people": [Person(name="Bob", age=3)],
    }


def test_times_have_their_format_everywhere() -> None:
    @dataclass
    class Slot:
        start: datetime.datetime
        end: datetime.time | None = None

    def take(slot: Slot, when: datetime.datetime | None, all: list[datetime.datetime]) -> None: ...

    made = tool(take)
    moment = {"type": "string", "format": "date-time"}
    assert made.parameters["properties"]["when"] == {"anyOf": [moment, {"type": "null"}]}
    assert made.parameters["properties"]["all"]["items"] == moment
    assert made.parameters["$defs"]["Slot"]["properties"] == {
        "start": moment,
        "end": {"anyOf": [{"type": "string", "format": "time"}, {"type": "null"}]},
    }


def test_unions_that_msgspec_refuses() -> None:
    def take(one: Place | Person, many: list[Place | Query]) -> None: ...

    values = tool(take).bind({"one": {"name": "Ada"}, "many": [{"city": "Rome"}, {"text": "x"}]})
    assert values == {"one": Person(name="Ada"), "many": [Place("Rome"), {"text": "x"}]}


def test_all_problems_are_told_at_once() -> None:
    def take(place: Place, unit: Unit, n: Annotated[int, msgspec.Meta(ge=3)], extra: int = 0) -> None: ...

    with pytest.raises(ToolArgumentsError) as caught:
        tool(take).bind({"place": {"city": 5}, "unit": "k", "wrong": 1, "extra": "5"})
    message = str(caught.value)
    assert message.startswith("Invalid arguments for take: ")
    for part in (
        "`place.city`: must be a string, got 5",
        '`unit`: must be one of "c", "f", got "k"',
        "`wrong`: there is no such argument (there are: place, unit, n, extra)",
        '`extra`: must be an integer, got "5"',
        "`n`: is missing",
    ):
        assert part in message


def test_null_for_an_optional_argument_means_its_default() -> None:
    def take(a: int, b: int = 7, c: str | None = "x") -> tuple[Any, ...]:
        return a, b, c

    assert tool(take).run({"a": 1, "b": None, "c": None}) == (1, 7, None)
    with pytest.raises(ToolArgumentsError, match="`a`: must be an integer, got null"):
        tool(take).bind({"a": None})


def test_every_kind_of_parameter() -> None:
    def take(a: int, /, b: int = 2, *rest: int, c: int = 3, **more: int) -> tuple[Any, ...]:
        return a, b, rest, c, more

    made = tool(take)
    assert made.parameters["properties"]["rest"] == {"type": "array", "items": {"type": "integer"}}
    assert made.parameters["additionalProperties"] == {"type": "integer"}
    assert made.parameters["required"] == ["a"]
    assert made.run({"a": 1}) == (1, 2, (), 3, {})
    assert made.run({"a": 1, "rest": [5, 6], "c": 4, "z": 9}) == (1, 2, (5, 6), 4, {"z": 9})
    with pytest.raises(ToolArgumentsError):
        made.bind({"a": 1, "z": "x"})


def test_unannotated_parameters() -> None:
    assert schema_of(lambda_like)["properties"] == {
        "a": {},
        "b": {"type": "integer", "default": 5},
        "c": {"type": "boolean", "default": False},
        "d": {},
    }


def lambda_like(a, b=5, c=False, d=None):  # type: ignore[no-untyped-def]
    return a


def test_implicit_optional() -> None:
    def take(a: int = None) -> None: ...  # type: ignore[assignment]  # noqa: RUF013

    assert tool(take).bind({"a": None}) == {"a": None}


class Desk:
    def __init__(self) -> None:
        self.seen: list[int] = []

    def plain(self, n: int) -> int:
        self.seen.append(n)
        return n

    @tool(name="decorated_one")
    def decorated(self, n: int) -> int:
        """Note n."""
        self.seen.append(n)
        return n

    @staticmethod
    @tool
    def still(n: int) -> int:
        return n


def test_methods() -> None:
    desk = Desk()
    plain, decorated, still = make_tools([desk.plain, desk.decorated, desk.still])
    assert isinstance(plain, Tool)
    assert isinstance(decorated, Tool)
    assert isinstance(still, Tool)
    assert decorated.name == "decorated_one"
    assert list(decorated.parameters["properties"]) == ["n"]
    assert plain.run({"n": 1}) == decorated.run({"n": 1}) == desk.decorated(1) == still.run({"n": 1}) == 1
    assert desk.seen == [1, 1, 1]
    assert Desk().decorated.function != desk.decorated.function
    for unbound in (Desk.plain, Desk.decorated):
        with pytest.raises(ConfigurationError, match="from an instance"):
            make_tools([unbound])


def test_partials_hide_what_they_fix() -> None:
    def search(text: str, key: str, limit: int = 3) -> str:
        """Search."""
        return f"{text} {key} {limit}"

    (made,) = make_tools([functools.partial(search, key="secret")])
    assert isinstance(made, Tool)
    assert "secret" not in str(made.parameters)
    assert list(made.parameters["properties"]) == ["text", "limit"]
    assert (made.name, made.description) == ("search", "Search.")
    assert made.run({"text": "a"}) == "a secret 3"
    with pytest.raises(ToolArgumentsError):
        made.bind({"text": "a", "key": "other"})


def test_callable_objects() -> None:
    class Adder:
        """Adds."""

        def __call__(self, a: int, b: int) -> int:
            return a + b

    (made,) = make_tools([Adder()])
    assert isinstance(made, Tool)
    assert (made.name, made.description) == ("Adder", "Adds.")
    assert made.run({"a": 1, "b": 2}) == 3


def test_local_types_are_found() -> None:
    @dataclass
    class Local:
        x: int

    @tool
    def take(local: Local) -> int:
        return local.x

    assert take.run({"local": {"x": 4}}) == 4


def test_decorator_arguments() -> None:
    @tool(name="n", description="d", strict=True, timeout=2.5, requires_approval=True, parameters={"type": "object"})
    def take(**more: Any) -> Any:
        """Not this."""
        return more

    assert (take.name, take.description, take.strict, take.timeout) == ("n", "d", True, 2.5)
    assert take.requires_approval
    assert take.parameters == {"type": "object"}
    assert take.run({"a": 1}) == {"a": 1}


def test_a_tool_made_by_hand_reads_its_function() -> None:
    def double(n: int) -> int:
        """Double it."""
        return 2 * n

    made = Tool(name="twice", function=double)
    assert made.description == "Double it."
    assert made.parameters["properties"] == {"n": {"type": "integer"}}
    assert made.run({"n": 2}) == 4


def test_big_integers() -> None:
    def take(n: int, person: Person | None = None, anything: Any = None) -> None: ...

    made = tool(take)
    assert made.bind({"n": 2**70, "person": {"name": "x", "age": 2**70}, "anything": [2**70]}) == {
        "n": 2**70,
        "person": Person(name="x", age=2**70),
        "anything": [2**70],
    }


def test_a_given_schema_is_checked() -> None:
    made = Tool(name="t", parameters={"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]})
    assert made.bind({"a": 5.0}) == {"a": 5}
    with pytest.raises(ToolArgumentsError, match="`a`: is missing"):
        made.bind({})
    with pytest.raises(TypeError, match="has no function"):
        made.run({"a": 1})


@pytest.mark.parametrize("kind", [Person, Place, Node, Query])
def test_types_are_tools_without_a_function(kind: type) -> None:
    (made,) = make_tools([kind])
    assert isinstance(made, Tool)
    assert made.name == kind.__name__
    assert made.function is None
    assert made.parameters["type"] == "object"
    assert made.parameters["properties"]


def test_the_arguments_of_a_type_become_an_instance() -> None:
    (made,) = make_tools([Person])
    assert isinstance(made, Tool)
    assert made.description == "Someone."
    assert made.read({"name": "Ada"}) == Person(name="Ada")
    assert made.bind({"name": "Ada"}) == {"name": "Ada"}
    with pytest.raises(ToolArgumentsError, match="`name`: is missing"):
        made.read({})


@pytest.mark.parametrize(
    "item",
    [
        {
            "type": "function",
            "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True},
        },
        {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True},
        {"name": "f", "description": "d", "input_schema": {"type": "object"}, "strict": True},
        {"name": "f", "description": "d", "inputSchema": {"type": "object"}, "strict": True},
        {"type": "custom", "name": "f", "description": "d", "input_schema": {"type": "object"}, "strict": True},
    ],
)
def test_dicts(item: dict[str, Any]) -> None:
    (made,) = make_tools([item])
    assert isinstance(made, ToolSpec)
    assert (made.name, made.description, made.parameters, made.strict) == ("f", "d", {"type": "object"}, True)


@pytest.mark.parametrize(
    "item",
    [
        {"type": "web_search_20250305", "name": "web_search"},
        {"type": "web_search"},
        {"google_search": {}},
        {"type": "custom", "name": "grammar", "format": {"type": "text"}},
        {"type": "mcp", "server_url": "https://example.com"},
    ],
)
def test_tools_of_the_provider(item: dict[str, Any]) -> None:
    assert make_tools([item]) == [ProviderTool(data=item)]


def test_what_is_a_tool_already() -> None:
    spec = ToolSpec(name="a")
    provider = ProviderTool(data={})
    assert make_tools([spec, provider]) == [spec, provider]
    assert make_tools(spec) == [spec]


def keyword(a: Callable[[], int]) -> None: ...


def unknown(a: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([lambda x: x], r'Name it with @tool\(name="lambda"\)'),
        ([{"name": "get weather", "parameters": {}}], r'@tool\(name="get_weather"\)'),
        ([{"name": "x" * 65, "parameters": {}}], "1 to 64"),
        ([lambda_like, lambda_like], "two tools are called 'lambda_like'"),
        ([5], "is not a tool"),
        ([{}], "no name"),
        ([{"description": "x", "parameters": {}}], "no name"),
        ([{"name": "x", "parameters": []}], "not a JSON object"),
        ([int], "has no fields"),
        ([keyword], "parameter 'a' of keyword cannot be offered"),
        ([unknown], "name 'Nowhere' is not defined"),
    ],
)
def test_mistakes_are_told_with_the_fix(items: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make_tools(items)


def test_pydantic_is_not_needed() -> None:
    program = """
import sys
sys.modules["pydantic"] = None
from dataclasses import dataclass
from typing import Annotated
from annotated_types import Ge
from polydriver.structured import make_output
from polydriver.tools import tool

@dataclass
class A:
    a: int

@dataclass
class B:
    b: int

@tool
def take(one: A | B, many: list[A | B], n: Annotated[int, Ge(1)]) -> None: ...

print(take.bind({"one": {"b": 1}, "many": [{"a": 2}], "n": 3}), make_output(A).parse('{"a": 1}'))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout == "{'one': B(b=1), 'many': [A(a=2)], 'n': 3} A(a=1)\n", done.stderr


def test_signatures_are_kept_as_long_as_the_function() -> None:
    def make() -> Callable[[int], int]:
        def inner(n: int) -> int:
            return n

        return inner

    function = make()
    assert tool(function).signature is tool(function).signature
    gone = weakref.ref(function)
    del function
    gc.collect()
    assert gone() is None
