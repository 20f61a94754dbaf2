"""`polydriver providers`: the drivers there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..options import common_options, examples, json_option
from ..output import print_json, print_table
from ..session import Session, driver_classes, key_variables, set_key_variable

if TYPE_CHECKING:
    from ...driver import Driver

__all__ = ["command"]


@click.command(
    "providers",
    short_help="List the drivers, with the variables of their keys.",
    epilog=examples("polydriver providers"),
)
@json_option
@common_options
@click.pass_obj
def command(session: Session, as_json: bool) -> None:
    """List the drivers that a connection can use, and the environment variables that hold their keys."""
    found = [_describe(name, kind) for name, kind in driver_classes().items()]
    if as_json:
        print_json(found)
        return
    print_table(
        ("name", "title", "key", "set", "address"),
        [
            (row["name"], row["title"], _key(row), "yes" if row["key_set"] else None, row["base_url"] or None)
            for row in found
        ],
    )


def _describe(name: str, kind: type[Driver]) -> dict[str, Any]:
    return {
        "name": name,
        "title": kind.title,
        "key_variables": list(key_variables(kind)),
        "requires_key": kind.requires_key,
        "key_set": set_key_variable(kind) is not None,
        "base_url": kind.base_url,
    }


def _key(row: dict[str, Any]) -> str | None:
    names = " or ".join(row["key_variables"])
    return names if row["requires_key"] or not names else f"{names} (optional)"
