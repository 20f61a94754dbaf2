"""Made-up settings, with which any driver can be made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["KEY", "example_config"]

KEY = "conformance-0123456789-abcdef-KEY"
_EXAMPLES: Mapping[str, Any] = {
    "int": 1,
    "float": 1.0,
    "bool": False,
    "seconds": 1.0,
    "json": {},
    "path": "example",
}


def example_config(driver: type[Any]) -> dict[str, Any]:
    """Settings with which the driver can be made: a made-up key, and an example of everything that it
    requires."""
    wanted = set(re.findall(r"\{(\w+)\}", driver.base_url))
    config: dict[str, Any] = {
        setting.name: KEY if setting.secret else _EXAMPLES.get(setting.kind, "example")
        for setting in driver.settings
        if setting.required or setting.name in wanted
    }
    if not driver.base_url:
        config["base_url"] = "https://conformance.invalid/v1"
    return {**config, "api_key": f"{driver.key_prefix or ''}{KEY}"}
