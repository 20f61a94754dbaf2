"""The conformance suite on every driver of ours. New drivers are picked up from the registry."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from polydriver.drivers import driver_class, driver_names
from polydriver.testing import DriverConformance
from polydriver.testing.wires import generate_content, responses

# What the example configuration cannot guess, by driver: attributes of the suite.
VERTEX_MODELS = b'{"publisherModels":[{"name":"publishers/google/models/m-1"}]}'
PARTICULARS: dict[str, dict[str, Any]] = {
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


for _name in driver_names():
    globals()[f"Test_{_name}"] = suite_for(f"Test_{_name}", _name, PARTICULARS.get(_name, {}))
for _title, (_name, _attributes) in WIRES.items():
    globals()[f"Test_{_title}"] = suite_for(f"Test_{_title}", _name, _attributes)
