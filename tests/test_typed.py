"""Types that threads meet for the first time at the same moment: msgspec alone crashes the interpreter then."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from polydriver.typed import convert, decode, prepare

PROGRAM = """
import sys, threading
sys.setswitchinterval(1e-6)
from dataclasses import dataclass
from typing import Optional
import msgspec
from polydriver import AI, AIMessage, MockDriver, load_messages
from polydriver.prices import catalog
from polydriver.testing import MockServer


class City(msgspec.Struct):
    name: str
    rivers: "list[River]" = []


class River(msgspec.Struct):
    name: str
    length: Optional[float] = None


driver = MockDriver(default=lambda call: '{"name": "Lyon", "rivers": [{"name": "Rhone"}]}')
gate, failed = threading.Barrier(8), []


def work():
    try:
        gate.wait()
        ACT()
    except BaseException as error:
        failed.append(error)


threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not failed, failed[0]
"""
ACTS = {
    "prices": "catalog.find('openai', 'gpt-4o-mini')",
    "a call with options": "driver.send_message('Hi', model='gpt-4o-mini', temperature=0.5, stop=['x'])",
    "a structured answer": "driver.send_message('Hi', model='m', response_format=City)",
    "stored messages": "load_messages([{'role': 'user', 'content': [{'type': 'text', 'text': 'Hi'}]}])",
    "settings": "AI({'providers': {'openai': {'api_key': 'sk-0123456789abcdef', 'timeout': 5}}}).provider('openai')",
    "usage of a mock": "MockDriver(replies=[{'content': 'Hi', 'usage': {'input_tokens': 1}}]).send_message('Hi')",
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
def test_threads_that_begin_at_once(act: str) -> None:
    for _ in range(3):
        program = PROGRAM.replace("ACT()", act)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


class Point(msgspec.Struct):
    x: int
    y: int = 0


def test_what_msgspec_does() -> None:
    assert convert({"x": 1}, Point) == Point(1)
    assert convert({"x": "1"}, Point, strict=False) == Point(1)
    assert convert(Point(3), Point, from_attributes=True) == Point(3)
    assert decode(b'{"x": 2, "y": 3}', Point) == Point(2, 3)
    assert convert([1, "a"], list[int | str]) == [1, "a"]
    with pytest.raises(msgspec.ValidationError):
        convert({"x": "one"}, Point)
    with pytest.raises(TypeError):
        prepare(list[set[Point] | list[int]])
