"""The table of providers in the documentation."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

from polydriver.drivers import driver_class, driver_names
from polydriver.wires import WIRES, wire_class

ROOT = Path(__file__).resolve().parent.parent.parent


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_providers", ROOT / "tools" / "build_providers.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date() -> None:
    module = load()
    assert module.render() == module.PAGE.read_text("utf-8"), "run: python tools/build_providers.py"


def test_every_wire_has_a_name() -> None:
    module = load()
    spoken = {wire for name in driver_names() for wire in module.wires_of(driver_class(name)).split(", ")}
    assert spoken == {*(wire_class(name).title for name in WIRES), "operations only"}
