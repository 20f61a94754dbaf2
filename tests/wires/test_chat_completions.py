"""All recorded traffic of Chat Completions, through the drivers of the services that it came from."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from polydriver.driver import Driver
from polydriver.drivers import driver_class
from polydriver.drivers.compatible import openai_compatible
from polydriver.testing.conformance.base import example_config

from .replay import Record, at_random, body_bytes, compare, in_two, is_stream, read_stream, records, replay

DRIVERS = {
    "bedrock-mantle": "bedrock_mantle",
    "ollama": "ollama_openai",
    "openai-chat": "openai",
}
NO_ROW = ("gemini", "local-openai", "openai-compatible")

# What differs from the recorded expectation, each with the reason.
EXCEPTIONS: dict[str, set[str]] = {
    # The call has no arguments at all, which means none; the oracle has null.
    "openrouter-pai-8b3141949e": {"calls"},
    # Reasoning stands in `reasoning_details` only, which the oracle's SDK passes over.
    "snowflake-pai-3af017bfe2": {"reasoning"},
}


@cache
def driver_for(provider: str) -> Driver:
    if provider in NO_ROW:
        return openai_compatible("acme", "https://llm.acme.example/v1")({"api_key": "0123456789abcdef"})
    found = driver_class(DRIVERS.get(provider, provider))
    config = example_config(found)
    if any(setting.name == "api" for setting in found.settings):
        config["api"] = "chat"
    return found(config)


def check(record: Record, **how: Any) -> None:
    wrong = compare(replay(driver_for(record["provider"]), record, **how), record["expected"])
    allowed = EXCEPTIONS.get(record["id"], set())
    assert set(wrong) <= allowed, {name: value for name, value in wrong.items() if name not in allowed}


def test_whole_and_split(wire_dir: Path) -> None:
    found = records(wire_dir, "openai-chat")
    assert found
    wrong: dict[str, Any] = {}
    for number, record in enumerate(found):
        for how in ({}, {"split": at_random(number)}):
            try:
                check(record, **how)
            except AssertionError as error:
                wrong[record["id"]] = str(error)[:500]
    assert not wrong


def test_every_provider_is_a_driver_of_ours(wire_dir: Path) -> None:
    providers = {record["provider"] for record in records(wire_dir, "openai-chat")} - set(NO_ROW)
    assert {driver_for(provider).name for provider in providers} == {DRIVERS.get(name, name) for name in providers}


def test_split_at_every_position(wire_dir: Path) -> None:
    found = records(wire_dir, "openai-chat")
    streams = [record for record in found if is_stream(record) and record["response"]["status"] == 200]
    for record in sorted(streams, key=lambda record: len(body_bytes(record)))[:3]:
        driver, data = driver_for(record["provider"]), body_bytes(record)
        whole = read_stream(driver, [data])
        for pieces in in_two(data):
            assert read_stream(driver, pieces) == whole
