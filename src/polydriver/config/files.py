"""The manager's settings: a dict, with `polydriver.toml` or a table of `pyproject.toml` beneath it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from ..errors import ConfigurationError
from .budgets import BudgetConfig, read_budgets
from .fields import FIELDS
from .kinds import KINDS
from .layers import combine, environment_layer, mapping_layers, merge_tables
from .problems import Problems, nearest
from .reading import ConnectionSettings
from .storage import StorageConfig, read_storage
from .values import LoggingConfig

__all__ = ["AISettings", "load_settings"]

_SHARED = ("logging", "telemetry")
_KEYS = ("default", "providers", *_SHARED, "storage", "budgets")


class AISettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a manager is configured with.

    - `default`: the connection that is used when none is named, if one is set.
    - `given` and `file`: the dict and the file as they are, with unchecked connections.
    - `logging`: how the manager itself logs, and each connection that says nothing else.
    - `storage`: the database, if one is used, and what is kept there.
    - `budgets`: how much money may be spent; they are kept in the database.
    - `path`: the file that was read, if there was one.
    """

    default: str | None = None
    given: Mapping[str, Any] = {}
    file: Mapping[str, Any] = {}
    logging: LoggingConfig = LoggingConfig()
    storage: StorageConfig = StorageConfig()
    budgets: tuple[BudgetConfig, ...] = ()
    path: Path | None = None

    @property
    def providers(self) -> dict[str, ConnectionSettings]:
        """The settings of each connection that the dict or the file has, as they were written."""
        layers = [layer.get("providers") or {} for layer in (self.file, self.given)]
        return {name: self.connection(name) for layer in layers for name in layer}

    def connection(self, name: str) -> ConnectionSettings:
        """The settings of one connection, known or not, with the shared logging; for `read_config`."""
        return ConnectionSettings(*(_connection(layer, name) for layer in (self.given, self.file)))

    def driver(self, name: str) -> str:
        """The driver of the connection `name`: what its settings say, else a driver of the same name."""
        return str(self.connection(name).get("driver") or name)

    def __reduce__(self) -> NoReturn:
        raise TypeError("settings cannot be pickled: they hold keys as they were written. Load them in each process.")

    def __repr__(self) -> str:
        return f"<AISettings of {', '.join(self.providers) or 'no connections'}, default {self.default}>"


def load_settings(
    source: Mapping[str, Any] | str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
) -> AISettings:
    """The settings of a manager: a dict (`default`, `providers`, `logging`, `telemetry`) over the environment over
    a file.

    A path as `source` names the file. Otherwise it is `polydriver.toml`, or the `pyproject.toml` with a table
    `[tool.polydriver]`, that comes first on the way up from `cwd` (by default the current directory); it need
    not exist. The connections themselves are checked when they are read. Raises `ConfigurationError` for what
    is wrong with the rest, with the file's name, and the line for a syntax error.
    """
    env = os.environ if env is None else env
    if isinstance(source, str | os.PathLike):
        given: Mapping[str, Any] = {}
        path: Path | None = Path(source)
        table = _read_file(Path(source), must_exist=True) or {}
    else:
        given = source or {}
        path, table = _search(Path(cwd) if cwd is not None else Path.cwd())
    problems = Problems("the settings")
    for layer, place in ((given, ""), (table, f"{path}: ")):
        _check_keys(layer, place, problems)
    problems.raise_if_any()
    settings = AISettings(
        default=_default(given, env, table, problems),
        given=given,
        file=table,
        logging=_logging(given, env, table, problems),
        storage=read_storage(given.get("storage") or {}, table.get("storage") or {}, env, problems),
        budgets=read_budgets(given.get("budgets") or {}, table.get("budgets") or {}, problems),
        path=path,
    )
    if settings.budgets and settings.storage.url is None:
        problems.add("budgets", "need a database: set storage.url (or AI_STORAGE_URL)")
    problems.raise_if_any()
    return settings


def _search(directory: Path) -> tuple[Path | None, dict[str, Any]]:
    for folder in (directory.absolute(), *directory.absolute().parents):
        for path in (folder / "polydriver.toml", folder / "pyproject.toml"):
            if path.is_file() and (table := _read_file(path)) is not None:
                return path, table
    return None, {}


def _read_file(path: Path, *, must_exist: bool = False) -> dict[str, Any] | None:
    """The settings in a TOML file; `None` for a `pyproject.toml` that has none."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigurationError(f"cannot read {path}: {reason}", hint="Check the path and its permissions.") from None
    if path.name == "pyproject.toml" and not must_exist and "polydriver" not in text:
        return None  # most projects' files say nothing of us, and reading TOML takes its time
    document = _parse_toml(path, text)
    tool = document.get("tool")
    table = tool.get("polydriver") if isinstance(tool, dict) else None
    if isinstance(table, dict):
        return table
    return document if must_exist or path.name != "pyproject.toml" else None


def _parse_toml(path: Path, text: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}", hint="Correct the line that is named.") from None
    except RecursionError:
        raise ConfigurationError(f"{path} is nested too deeply", hint="Settings need three levels.") from None


def _check_keys(layer: object, place: str, problems: Problems) -> None:
    if not isinstance(layer, Mapping):
        problems.add("settings", f"are not a dict but {type(layer).__name__}; write {{'providers': {{...}}}}")
        return
    for key, value in layer.items():
        if key not in _KEYS:
            misplaced = isinstance(value, Mapping) and nearest(str(key), _KEYS) is None
            hint = 'connections go under "providers"' if misplaced else None
            problems.unknown(key, _KEYS, hint, place=place)
    providers = layer.get("providers") or {}
    if not isinstance(providers, Mapping):
        problems.add(f"{place}providers", "is not a table (dict) of connections by name")
        return
    for name, values in providers.items():
        if not isinstance(name, str) or not name.strip():
            problems.add(f"{place}providers", "has a connection without a name; use text")
        elif values is not None and not isinstance(values, Mapping):
            problems.add(f"{place}providers.{name}", "is not a table (dict) of settings; write api_key = ... for a key")


def _connection(layer: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The settings of one connection in one source, with what the source's connections share beneath its own."""
    shared = {name: layer[name] for name in _SHARED if layer.get(name)}
    return merge_tables(shared, (layer.get("providers") or {}).get(name) or {})


def _default(
    given: Mapping[str, Any], env: Mapping[str, str], table: Mapping[str, Any], problems: Problems
) -> str | None:
    value = given.get("default") or env.get("AI_DEFAULT_PROVIDER", "").strip() or table.get("default")
    if value is not None and not isinstance(value, str):
        problems.add("default", f"is not the name of a connection but {type(value).__name__}")
        return None
    return value


def _logging(
    given: Mapping[str, Any], env: Mapping[str, str], table: Mapping[str, Any], problems: Problems
) -> LoggingConfig:
    above, below = ({"logging": layer.get("logging")} for layer in (given, table))
    found = combine(
        [
            *mapping_layers(above, (), env, problems),
            environment_layer(env, "", (), explicit=False),
            *mapping_layers(below, (), env, problems),
        ]
    )
    values: dict[str, Any] = {}
    for key, item in found.items():
        section, _, name = key.partition(".")
        if section == "logging":
            try:
                values[name] = KINDS[FIELDS[key].kind](item.value)
            except ValueError as error:
                problems.add(item.source, str(error))
    return LoggingConfig(**values)
