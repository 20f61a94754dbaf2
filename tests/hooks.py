"""Where a driver's hooks are: on itself, on its wire or one of its wires, or on one of its operations."""

from __future__ import annotations

from typing import Any

from polydriver.contract import DriverHooks, Wire

__all__ = ["hook"]


def hook(driver: DriverHooks, name: str) -> Any:
    """The hook of that name."""
    wire = driver.wire
    inner = [found for field in wire.__struct_fields__ if isinstance(found := getattr(wire, field), Wire)]
    for part in (*driver.operations, wire, *inner, driver):
        if hasattr(part, name):
            return getattr(part, name)
    raise AttributeError(f"{type(driver).__name__} has no hook {name} anywhere")
