"""`polydriver config`: the settings in force."""

from __future__ import annotations

import os
import re
from typing import Any

import click

from ..options import common_options, examples, json_option
from ..output import print_json, print_table, say
from ..session import Session, driver_classes, key_variables

__all__ = ["command"]


@click.command(
    "config",
    short_help="Show the settings in force, with secrets masked.",
    epilog=examples("polydriver config", "polydriver --config work.toml config --json"),
)
@json_option
@common_options
@click.pass_obj
def command(session: Session, as_json: bool) -> None:
    """Show which file was read, which environment variables count, and every connection's settings.

    Secrets are masked. Settings that are as by default are shown with --json only.
    """
    settings = session.ai.settings
    variables = _variables(list(settings.providers))
    connections = {name: _settings(session, name) for name in session.connections()}
    if as_json:
        path = None if settings.path is None else str(settings.path)
        print_json({"file": path, "default": settings.default, "environment": variables, "connections": connections})
        return
    say(f"file      {settings.path or '(none found)'}")
    say(f"default   {settings.default or '(none)'}")
    say("\nenvironment", bold=True)
    print_table(("variable", "value"), variables.items()) if variables else say("  (no variable of ours is set)")
    for name, values in connections.items():
        say(f"\nconnection {name}", bold=True)
        print_table(("setting", "value"), [(key, value) for key, value in _flat(values) if value not in (None, "")])
    if not connections:
        say("\nno connection is configured: `polydriver providers` lists the keys that can be set")


def _variables(connections: list[str]) -> dict[str, str]:
    """The variables in the environment that settings are read from, with secrets masked."""
    from ...config import Redactor, looks_secret, mask
    from ...config.fields import FIELDS

    names = {field.variable for field in FIELDS.values()} | {"AI_DEFAULT_PROVIDER"}
    suffixes = {field.suffix for field in FIELDS.values() if field.suffix}
    prefixes = {re.sub(r"\W+", "_", name).upper() for name in connections}
    names |= {f"{prefix}_API_KEY" for prefix in prefixes}
    for kind in driver_classes().values():
        prefixes.add(kind.env_prefix)
        names |= set(key_variables(kind))
        for setting in kind.settings:
            names |= {*setting.variables, f"{kind.env_prefix}_{setting.name.upper()}"}
    names |= {f"{prefix}_{suffix}" for prefix in prefixes for suffix in suffixes}
    redactor = Redactor()
    found = {name: os.environ[name] for name in sorted(names) if os.environ.get(name)}
    return {name: mask(value) if looks_secret(name) else redactor.redact(value) for name, value in found.items()}


def _settings(session: Session, name: str) -> dict[str, Any]:
    """A connection's masked settings, or what is wrong with them."""
    from ...errors import AIError

    try:
        return session.ai.provider(name).get_config()
    except AIError as error:
        return {"problem": str(error)}


def _flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """The settings that were changed, nested ones as `http.proxy`."""
    from ...config.values import Config

    defaults = Config(name="", driver="", base_url="")
    rows: list[tuple[str, Any]] = []
    for key, value in values.items():
        default = _lookup(defaults, f"{prefix}{key}")
        if isinstance(value, dict):
            rows.extend(_flat(value, f"{prefix}{key}."))
        elif value != default:
            rows.append((f"{prefix}{key}", value))
    return rows


def _lookup(config: Any, path: str) -> Any:
    """What a path of names leads to; `None` when it leads nowhere."""
    for name in path.split("."):
        config = getattr(config, name, None)
    return config
