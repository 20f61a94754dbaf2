"""What is written by hand for each wire is there for every wire of `WIRES`: files, tests, rules, page, benchmarks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from benchmarks.canned import WIRES as CANNED
from benchmarks.competitors.wires.polydriver_client import DRIVERS as BENCHMARKED
from benchmarks.competitors.wires.requests import REQUESTS
from tests.faults.scenarios import WIRES as SCENARIOS
from tests.switching.wires import WIRES as SWITCHED
from tests.testing.requests_matrix import MODELS, made_driver
from tests.wires.speakers import SPEAKERS, spoken_wire

from polydriver import AIMessage
from polydriver.data.prompt import Prompt
from polydriver.testing.rules.judging import rules_for
from polydriver.wires import WIRES

ROOT = Path(__file__).resolve().parent.parent.parent
GUIDE = (ROOT / "docs" / "guide" / "write-your-own-driver.md").read_text("utf-8")
FILES = ("wire.py", "options.py", "history.py", "request.py", "reply.py", "usage.py", "stream.py")


def with_files() -> set[str]:
    folder = ROOT / "src" / "polydriver" / "wires"
    return {name for name in WIRES if all((folder / name / file).is_file() for file in FILES)}


def with_tests() -> set[str]:
    return {name for name in WIRES if list((ROOT / "tests" / "wires").glob(f"test_{name}.py"))}


def with_scenarios() -> set[str]:
    url = "https://acme.example"
    return {spoken_wire(wire.driver(url, "sk-0123456789abcdef", {}), wire.model, **wire.options) for wire in SCENARIOS}


def with_conversations() -> set[str]:
    return {spoken_wire(wire.driver, wire.model) for wire in SWITCHED.values()}


def with_rules() -> set[str]:
    found = set()
    for name, speaker in SPEAKERS.items():
        driver = speaker.make()
        request = driver.build_request(Prompt(messages=[AIMessage("Hi")], model="m", options=speaker.options))
        if rules_for(driver.name, urlsplit(request.url).path) is not None:
            found.add(name)
    return found


def with_judged_requests() -> set[str]:
    return {spoken_wire(made_driver(driver), model) for driver, models in MODELS.items() for model in models}


def in_the_guide() -> set[str]:
    return {name for name, kind in WIRES.items() if f"`{kind}`" in GUIDE}


PLACES: dict[str, Callable[[], set[str]]] = {
    "src/polydriver/wires/NAME: the usual files": with_files,
    "tests/wires/test_NAME.py": with_tests,
    "tests/faults/scenarios": with_scenarios,
    "tests/switching/wires.py": with_conversations,
    "src/polydriver/testing/rules/judging.py": with_rules,
    "MODELS of tests/testing/requests_matrix.py": with_judged_requests,
    "docs/guide/write-your-own-driver.md": in_the_guide,
    "benchmarks/canned": lambda: set(CANNED),
    "DRIVERS of benchmarks/competitors/wires/polydriver_client.py": lambda: set(BENCHMARKED),
    "REQUESTS of benchmarks/competitors/wires/requests.py": lambda: set(REQUESTS),
}


@pytest.mark.parametrize("place", PLACES)
def test_nothing_lacks_a_wire(place: str) -> None:
    assert WIRES.keys() - PLACES[place]() == set()
