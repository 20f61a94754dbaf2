"""Write docs/providers.md: every driver in the registry, what it speaks, and whether real traffic proved it.

A driver counts as verified when tests/drivers/real_replies.jsonl has a reply of its service, which the tests read.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

from polydriver.contract import Wire
from polydriver.driver import Driver
from polydriver.drivers import driver_class, driver_names

__all__ = ["main", "render"]

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "providers.md"
REAL_REPLIES = ROOT / "tests" / "drivers" / "real_replies.jsonl"

HEAD = """---
hide: [toc]
---

# Providers

Every name here can be the `driver` of a connection. A key is read from the first of the variables that is set, a field
`{in braces}` of an address from the setting of that name. `base_url` replaces the address; for a service that is not in
the table, [`openai_compatible`](api/polydriver.drivers.compatible.md) makes a driver.

*Verified* drivers are tested on recorded traffic of the service. The others follow its documentation; tell us what you
see.

| Driver | Service and address | Speaks | Key variables | Beyond chat | Verified |
| --- | --- | --- | --- | --- | --- |
"""


def main() -> int:
    """Write the page, and return 0."""
    PAGE.write_text(render(), encoding="utf-8")
    return 0


def render() -> str:
    """The page as Markdown."""
    verified = {json.loads(line)["driver"] for line in REAL_REPLIES.read_text("utf-8").splitlines()}
    return HEAD + "".join(row(driver_class(name), name in verified) for name in driver_names() if name != "mock")


def row(kind: type[Driver], verified: bool) -> str:
    """One line of the table."""
    keys = ", ".join(f"`{name}`" for name in kind.key_variables) if kind.key_variables else "none"
    if kind.key_variables and not kind.requires_key:
        keys += " (optional)"
    address = f"`{kind.base_url}`" if kind.base_url else "an address of one's own"
    proof = "yes" if verified else "unverified"
    cells = [f"`{kind.name}`", f"{kind.title}<br>{address}", wires_of(kind), keys, operations_of(kind), proof]
    return f"| {' | '.join(cells)} |\n"


def wires_of(kind: type[Driver]) -> str:
    """The titles of a driver's wires."""
    titles = [wire.title or "its own" for wire in kind.wire.members() if type(wire) is not Wire]
    if not titles and kind.build_request is not Driver.build_request:
        titles = ["its own"]
    return ", ".join(dict.fromkeys(titles)) or "operations only"


def operations_of(kind: type[Driver]) -> str:
    """What a driver does beyond chat."""
    records: Any = importlib.import_module("polydriver.operations.kinds")
    offered = {record.method for part in kind.operations for record in part.kinds}
    offered |= {record.method for record in records.OPERATIONS.values() if record.is_offered(kind)}
    missing = {record.capability for record in records.OPERATIONS.values() if record.method not in offered}
    found = {record.capability for record in records.OPERATIONS.values()} - missing
    return ", ".join(sorted(name.replace("_", " ") for name in found))


if __name__ == "__main__":
    sys.exit(main())
