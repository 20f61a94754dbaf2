"""The conformance suite on every driver of ours. New drivers are picked up from the registry."""

from __future__ import annotations

import inspect
from typing import Any

import msgspec
import pytest

from polydriver.drivers import driver_class, driver_names
from polydriver.testing import DriverConformance
from polydriver.testing.wires import chat_completions, converse, generate_content, responses


def with_ids(reply: bytes, ids: dict[str, str]) -> bytes:
    """A reply with other ids of its calls."""
    for old, new in ids.items():
        reply = reply.replace(old.encode(), new.encode())
    return reply


# What the example configuration cannot guess, by driver: attributes of the suite.
VERTEX_MODELS = b'{"publisherModels":[{"name":"publishers/google/models/m-1"}]}'
CHAT = chat_completions.FIXTURES
SHORT_IDS = {"call_1": "callOne00", "call_2": "callTwo00"}
PROFILES = b'{"inferenceProfileSummaries":[{"inferenceProfileId":"p-1","inferenceProfileName":"P 1"}]}'
PARTICULARS: dict[str, dict[str, Any]] = {
    "bedrock": {"fixtures": msgspec.structs.replace(converse.FIXTURES, models_pages=[PROFILES])},
    "mistral": {
        "fixtures": msgspec.structs.replace(
            CHAT,
            tool_reply=with_ids(CHAT.tool_reply, SHORT_IDS),
            tool_stream_reply=with_ids(CHAT.tool_stream_reply, SHORT_IDS),
            expected={
                name: msgspec.structs.replace(answer, call_ids=answer.call_ids and list(SHORT_IDS.values()))
                for name, answer in CHAT.expected.items()
            },
        )
    },
    "vertexai": {"fixtures": msgspec.structs.replace(generate_content.FIXTURES, models_reply=VERTEX_MODELS)},
}

# Drivers that choose among several wires by the model are checked on each.
WIRES: dict[str, tuple[str, dict[str, Any]]] = {
    "openai_responses": ("openai", {"model": "gpt-5", "fixtures": responses.FIXTURES}),
}


def suite_for(title: str, name: str, attributes: dict[str, Any]) -> type:
    try:
        return type(title, (DriverConformance,), {"driver": driver_class(name), **attributes})
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("polydriver"):
            raise
        reason = f"{name} needs the package {error.name}"
        return type(title, (), {"test_all": pytest.mark.skip(reason=reason)(lambda self: None)})


# Checks that read the same bytes again and again. Rows that speak through an equal wire read them alike, in code that
# all of them inherit: the first of them shows it for the others.
_READING = (
    "test_every_split_gives_the_same",
    "test_a_cut_stream_is_never_a_success",
    "test_mutated_streams_raise_our_errors",
    "test_mutated_replies_raise_our_errors",
)
_read: list[tuple[tuple[type, ...], str]] = []


def read_before(name: str) -> bool:
    """Whether a row before this one has an equal wire; a row is a driver with no method of its own."""
    try:
        kind = driver_class(name)
    except ModuleNotFoundError:
        return False
    way = (kind.__mro__[1:], repr(kind.wire))  # which shows all of its fields
    is_row = not any(inspect.isroutine(value) for value in vars(kind).values()) and name not in PARTICULARS
    known = way in _read
    _read.append(way)
    return is_row and known


for _name in driver_names():
    _attributes = PARTICULARS.get(_name) or (dict.fromkeys(_READING) if read_before(_name) else {})
    globals()[f"Test_{_name}"] = suite_for(f"Test_{_name}", _name, _attributes)
for _title, (_name, _attributes) in WIRES.items():
    globals()[f"Test_{_title}"] = suite_for(f"Test_{_title}", _name, _attributes)
