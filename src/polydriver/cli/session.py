"""What one run of the command line works with: the settings, the manager, and the connection that is meant."""

from __future__ import annotations

import logging
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .terminal import neutralise

if TYPE_CHECKING:
    from ..driver import Driver
    from ..manager import AI

__all__ = ["Session"]


class Session:
    """The settings file that was named, if any, and what is made of it when it is needed."""

    def __init__(self) -> None:
        self.config: Path | None = None
        self.verbose = False

    @cached_property
    def ai(self) -> AI:
        """The manager. Raises `ConfigurationError` for settings that cannot be read."""
        from ..manager import AI

        return AI(self.config)

    def connections(self) -> list[str]:
        """What can be used as it is: configured connections, and drivers whose key is in the environment.

        A driver that a configured connection uses already is not listed again, and of several drivers that read the
        same variable the one with the shortest name counts.
        """
        settings = self.ai.settings
        names = self.ai.provider_names()
        used = {settings.driver(name) for name in names}
        keys: set[str] = set()
        for name, kind in sorted(driver_classes().items(), key=lambda item: (len(item[0]), item[0])):
            variable = set_key_variable(kind)
            if variable is not None and variable not in keys:
                keys.add(variable)
                if name not in used:
                    names.append(name)
        return sorted(set(names))

    def provider_name(self, name: str | None = None) -> str:
        """The connection that is meant: the named one, the default, or the only one that can be used.

        `claude`, `google`, `OpenAI` and the like are taken for the driver that is meant, or its only connection.

        Raises `ConfigurationError` with what can be done when that is not clear.
        """
        from ..errors import ConfigurationError

        if name is not None:
            return self._known(name)
        if self.ai.settings.default:
            return self.ai.default_provider
        usable = self.connections()
        if len(usable) == 1:
            return usable[0]
        if usable:
            raise ConfigurationError(
                f"several connections can be used ({', '.join(usable)}), and none is the default",
                hint="Name one with -p, or set AI_DEFAULT_PROVIDER.",
            )
        raise ConfigurationError(
            "no connection is configured",
            hint="Set a key such as OPENAI_API_KEY, or write a polydriver.toml; `polydriver providers` lists all keys.",
        )

    def _known(self, name: str) -> str:
        from ..drivers import driver_names, known_as

        configured = self.ai.provider_names()
        if name in configured or name in driver_names() or (meant := known_as(name)) is None:
            return name
        using = [other for other in configured if self.ai.settings.driver(other) == meant]
        return using[0] if len(using) == 1 else meant

    def price_table(self, name: str) -> tuple[str, dict[str, Any]]:
        """Where the prices of a connection are: the name of a table, and the prices that its settings give."""
        from ..drivers import driver_class, driver_names

        settings = self.ai.settings
        driver = settings.driver(name)
        kind = driver_class(driver) if driver in driver_names() else None
        table = (kind.catalog_name or kind.name) if kind is not None else driver
        return table, dict(settings.connection(name).get("prices") or {})

    def close(self) -> None:
        """Close the idle connections of what was used."""
        if "ai" in self.__dict__:
            self.ai.close()

    def log(self, *, verbose: bool) -> None:
        """Log to stderr from DEBUG on, without secrets and control characters; nothing at all unless `verbose`."""
        self.verbose = verbose
        root = logging.getLogger()
        for handler in [handler for handler in root.handlers if isinstance(handler, _TerminalHandler)]:
            root.removeHandler(handler)
        root.addHandler(_TerminalHandler(logging.DEBUG if verbose else logging.CRITICAL + 1))
        if verbose:
            root.setLevel(logging.DEBUG)
            logging.getLogger("asyncio").setLevel(logging.INFO)


class _TerminalHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        import click

        from ..config import Redactor

        try:
            line = Redactor().redact(self.format(record))
            click.secho(neutralise(f"{record.levelname.lower()} {record.name}: {line}"), err=True, dim=True)
        except (OSError, ValueError):
            self.handleError(record)


def driver_classes() -> dict[str, type[Driver]]:
    """All drivers that can be loaded, by name."""
    from ..drivers import driver_class, driver_names
    from ..errors import ConfigurationError

    found: dict[str, type[Driver]] = {}
    for name in driver_names():
        try:
            found[name] = driver_class(name)
        except (ConfigurationError, ImportError):
            continue
    return found


def key_variables(kind: type[Driver]) -> tuple[str, ...]:
    """The environment variables that a driver reads its key from; none when it needs no key."""
    from ..config.checking import key_variables as names

    return names(kind)


def set_key_variable(kind: type[Driver]) -> str | None:
    """The variable that a driver's key is in, if it is set."""
    return next((name for name in key_variables(kind) if os.environ.get(name, "").strip()), None)


def default_model(provider: Any) -> str | None:
    """The model of a connection when a call names none."""
    return getattr(getattr(provider, "config", None), "default_model", None)
