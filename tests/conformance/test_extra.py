"""`extra` goes into the objects that are in a body already, however deep, on every driver."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from polydriver.contract import Wire
from polydriver.data.json import decode_json, encode_json, merge
from polydriver.data.messages import AIMessage
from polydriver.data.prompt import OutputFormat, Prompt
from polydriver.driver import Driver
from polydriver.drivers import driver_class, driver_names
from polydriver.errors import AIError
from polydriver.testing.examples import example_config

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
OPTIONS: dict[str, Any] = {
    "temperature": 0.5,
    "max_tokens": 9,
    "reasoning_effort": "low",
    "logit_bias": {"7": 1.0},
    "response_format": OutputFormat(name="wanted", schema=SCHEMA),
}


def drivers() -> Iterator[Driver]:
    for name in driver_names():
        try:
            kind = driver_class(name)
        except ModuleNotFoundError:
            continue
        if type(kind.wire) is not Wire or kind.build_request is not Driver.build_request:
            yield kind(example_config(kind), env={})


def body_of(driver: Driver, extra: dict[str, Any], model: str) -> dict[str, Any]:
    given = dict(OPTIONS)
    while True:
        try:
            prompt = Prompt(messages=[AIMessage.system("Be brief"), AIMessage("Hi")], model=model, extra=extra, **given)
            body = driver.build_request(prompt).body
        except AIError:
            given.popitem()  # what this service refuses
            continue
        read = decode_json(body or b"")
        assert isinstance(read, dict)
        return read


def objects(value: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, item in value.items():
        if isinstance(item, dict):
            yield from objects(item, (*path, name))


@pytest.mark.parametrize("driver", list(drivers()), ids=lambda driver: str(driver.name))
def test_extra_goes_into_every_object_of_the_body(driver: Driver) -> None:
    for model in ("m-1", "gpt-5"):
        plain = body_of(driver, {}, model)
        for path in objects(plain):
            extra: dict[str, Any] = {"another": {"a": 1}}
            for step in reversed(path):
                extra = {step: extra}
            before = encode_json(extra)
            assert body_of(driver, extra, model) == merge(decode_json(encode_json(plain)), extra), path
            assert encode_json(extra) == before


def test_nothing_of_the_caller_is_changed() -> None:
    schema = {"properties": {"a": {"type": "string"}}}
    extra = {"format": {"properties": {"b": {}}}, "list": [1]}
    body = merge({"format": schema, "list": [2], "text": "x"}, {**extra, "text": None})
    assert body == {
        "format": {"properties": {"a": {"type": "string"}, "b": {}}},
        "list": [1],
        "text": None,
    }
    assert schema == {"properties": {"a": {"type": "string"}}}
    assert extra == {"format": {"properties": {"b": {}}}, "list": [1]}
