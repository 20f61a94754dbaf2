"""Every kind of Python type as a wanted form and as an argument of a tool, on every wire, breaks no rule."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import uuid
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, TypedDict

import msgspec
import pytest
from tests.testing.requests_matrix import WEATHER, made_driver
from tests.testing.test_rules_random_schemas import MODELS

from polydriver import AIMessage, tool
from polydriver.errors import UnsupportedFeatureError
from polydriver.prompting import build_prompt
from polydriver.testing.rules import judge_request

pydantic = pytest.importorskip("pydantic")


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Mixed(enum.Enum):
    ONE = 1
    TWO = "two"


@dataclasses.dataclass
class Plain:
    city: str
    number: int


@dataclasses.dataclass
class Empty:
    pass


@dataclasses.dataclass
class Optionals:
    a: str | None = None
    b: int | None = 3
    c: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Node:
    value: str
    next: Node | None = None


@dataclasses.dataclass
class Tree:
    children: list[Tree]


@dataclasses.dataclass
class Scalars:
    day: datetime.date
    at: datetime.datetime
    span: datetime.timedelta
    id: uuid.UUID
    price: Decimal
    raw: bytes
    mixed: Mixed
    word: Literal["a", 1]


@dataclasses.dataclass
class Containers:
    pair: tuple[int, str]
    row: tuple[int, ...]
    names: set[str]
    scores: dict[str, dict[str, list[float]]]
    anything: Any
    bare: dict[str, Any]


class Cat(msgspec.Struct, tag="cat"):
    lives: int


class Dog(msgspec.Struct, tag="dog"):
    tricks: list[str]


@dataclasses.dataclass
class Pets:
    pet: Cat | Dog
    others: list[Cat | Dog | None]
    either: int | str | list[Plain]


class Limits(msgspec.Struct):
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=5, pattern="^[a-z]+$")]
    part: Annotated[float, msgspec.Meta(gt=0, lt=1, multiple_of=0.5)]
    items: Annotated[list[int], msgspec.Meta(min_length=2, max_length=4)]


class Keys(TypedDict):
    a: str
    b: NotRequired[int]


class Pair(NamedTuple):
    a: int
    b: str = "x"


class Model(pydantic.BaseModel):  # type: ignore[name-defined,misc]
    """A model with an alias and limits."""

    name: str = pydantic.Field(description="A name", min_length=1)
    count: int = pydantic.Field(ge=0, alias="Count")
    link: pydantic.HttpUrl | None = None  # type: ignore[name-defined]


class Closed(pydantic.BaseModel):  # type: ignore[name-defined,misc]
    model_config = pydantic.ConfigDict(extra="forbid")
    model: Model
    colour: Colour = Colour.RED


class Items(pydantic.RootModel[list[int]]):  # type: ignore[name-defined,misc]
    pass


_below: type[Any] = str
for _level in range(12):
    _below = dataclasses.make_dataclass(f"Level{_level}", [("below", _below)])
Many = enum.Enum("Many", {f"V{n}": f"value {n}" for n in range(1100)})  # type: ignore[misc]

FORMS: list[Any] = [
    Plain, Empty, Optionals, Node, Tree, Scalars, Containers, Pets, Limits, Keys, Pair, Model, Closed, Items, _below,
    dataclasses.make_dataclass("Wide", [(f"field_{n}", str | None, None) for n in range(60)]),
    dataclasses.make_dataclass("Chosen", [("value", Many)]),
    dataclasses.make_dataclass("N" * 80, [("größe", int), ("x" * 70, str)]),
    list[str], list[Plain], int, bool, Colour, Literal["a", "b"], Cat | Dog, Plain | None, dict[str, int],
]  # fmt: skip


def _tool(form: Any) -> Any:
    def look(value: Any) -> str:
        """Look."""
        return str(value)

    look.__annotations__ = {"value": form, "return": str}
    return tool(strict=True)(look)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: getattr(form, "__name__", str(form))[:20])
def test_forms(form: Any) -> None:
    given = _tool(form)
    cases: list[dict[str, Any]] = [
        {"response_format": form},
        {"response_format": form, "tools": [WEATHER]},
        {"tools": [given]},
        {"tools": [given], "tool_choice": "required"},
    ]
    for name, model in MODELS.items():
        driver = made_driver(name)
        for options in cases:
            try:
                prompt, _ = build_prompt(driver, [AIMessage("Say hi")], {"model": model, **options})
                request = driver.build_request(prompt)
            except UnsupportedFeatureError:  # names of properties beyond those that Claude's tools take
                assert name == "anthropic"
                continue
            assert judge_request(driver.name, request, model) == []
