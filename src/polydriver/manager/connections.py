"""The connections of an application: named settings, resolved to providers once each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ..config import load_settings
from ..config.reading import ConnectionSettings
from ..data.models import HealthReport
from ..drivers import driver_class, driver_names, unknown_name
from ..errors import AIError, ConfigurationError
from ..events import EventBus
from ..forking import own_lock

if TYPE_CHECKING:
    from ..engine.connection import Connection
    from ..provider import Provider
    from ..storage import Storage

__all__ = ["Connections", "Factory", "unusable"]

Factory: TypeAlias = "type[Provider] | Callable[..., Provider]"
"""A driver class, `factory(config)` or `factory(ai, config)`; `config` is the connection's own settings as a dict."""


class Connections:
    """The connections of an application, resolved once each. `AI` and `AsyncAI` give access to them."""

    _lock: Any

    def __init__(
        self, config: Mapping[str, Any] | str | Path | None = None, *, env: Mapping[str, str] | None = None
    ) -> None:
        self.settings = load_settings(config, env=env)
        self.env = env
        self.bus = EventBus()
        self._factories: dict[str, Factory] = {}
        self._resolved: dict[str, Provider] = {}
        self._storage: Storage | None = None
        self._is_closed = False
        self._attached: list[Callable[[Connection], None]] = []
        own_lock(self, threading.RLock)

    def extend(self, name: str, factory: Factory) -> None:
        """Make `factory` the driver of this name, in place of an earlier one; connections that use it are made anew."""
        if not isinstance(name, str) or not name:
            raise ConfigurationError(f"extend() takes the name of a driver as text, not {name!r}")
        from ..provider import Provider  # with the engine: not before a provider is made

        if not callable(factory) or (isinstance(factory, type) and not issubclass(factory, Provider)):
            raise ConfigurationError(f"extend({name!r}) takes a driver class or a factory, not {_named(factory)}")
        with self._lock:
            self._factories[name] = factory
            for connection in [known for known in self._resolved if self._driver_of(known) == name]:
                self._resolved.pop(connection).close()

    def resolve(self, name: str | None, ai: object) -> Provider:
        """The provider of a connection, made at the first call.

        Raises `ConfigurationError` with the names that exist.
        """
        if name is not None and not isinstance(name, str):
            raise ConfigurationError(f"provider() takes the name of a connection, not {name!r}")
        name = name or self.default()
        found = self._resolved.get(name)
        if found is None:
            with self._lock:
                found = self._resolved.get(name)
                if found is None:
                    found = self._make(name, ai)
                    if hasattr(found, "connection"):
                        for act in self._attached:
                            act(found.connection)
                        found.connection.running.is_closed = self._is_closed
                    found._finder = partial(self.find, ai=ai)
                    self._resolved[name] = found
        return found

    def attach(self, act: Callable[[Connection], None]) -> Callable[[], None]:
        """Apply something to every connection: to those that exist, and to each one that is made later.

        Returns a function that ends it; what was done is not undone.
        """
        with self._lock:
            for provider in self._resolved.values():
                if hasattr(provider, "connection"):
                    act(provider.connection)
            self._attached = [*self._attached, act]

        def end() -> None:
            with self._lock:
                self._attached = [other for other in self._attached if other is not act]

        return end

    def find(self, target: str, ai: object) -> tuple[Provider, str | None]:
        """The provider and the model of a target: "connection" or "connection/model"."""
        name, _, model = (target, "", "") if target in self.names() else target.partition("/")
        return self.resolve(name, ai), model or None

    def default(self) -> str:
        """The connection that is used when none is named: `default`, or the only one there is."""
        if self.settings.default:
            return self.settings.default
        names = list(self.settings.providers) or list(self._factories)
        if len(names) == 1:
            return names[0]
        raise ConfigurationError(
            "no default provider is set: name one, set AI_DEFAULT_PROVIDER, or put default = '...' into the settings"
            + (f". Configured: {', '.join(sorted(names))}" if names else "")
        )

    def names(self) -> list[str]:
        """The connections that are configured or were added by `extend`, sorted."""
        return sorted({*self.settings.providers, *self._factories})

    def used(self) -> list[Provider]:
        """The providers that were made so far."""
        return list(self._resolved.values())

    @property
    def storage(self) -> Storage | None:
        """The storage that the settings name, opened at the first use; `None` where they name none."""
        if self._storage is None and self.settings.storage.url is not None:
            with self._lock:
                if self._storage is None:
                    try:
                        from ..storage import Storage
                    except ModuleNotFoundError as error:
                        if (error.name or "").startswith("polydriver"):
                            raise
                        raise ConfigurationError("storage needs the extra db: pip install 'polydriver[db]'") from error

                    self._storage = Storage(self.settings.storage, self.settings.budgets)
        return self._storage

    def refuse(self) -> list[Connection]:
        """Refuse all calls from now on, also of providers that are made later; returns the connections."""
        with self._lock:
            self._is_closed = True
            made = list(self._resolved.values())
        return [provider.connection for provider in made if hasattr(provider, "connection")]

    def close(self) -> None:
        """Close the idle connections of all providers, and write what storage still has to write."""
        for provider in list(self._resolved.values()):
            provider.close()
        self.flush()

    def flush(self) -> None:
        """Write what storage still has to write; where all calls are refused, leave no thread and no connection."""
        if self._storage is not None:
            if self._is_closed:
                self._storage.rest()
            else:
                self._storage.flush()

    @property
    def has_open_storage(self) -> bool:
        """Whether a database was opened."""
        return self._storage is not None

    def _driver_of(self, name: str) -> str:
        return self.settings.driver(name)

    def _make(self, name: str, ai: object) -> Provider:
        values = self.settings.connection(name)
        if "targets" in values or "api_keys" in values:
            return self._make_pool(name, values, ai)
        return self._make_one(name, values, ai)

    def _make_pool(self, name: str, values: ConnectionSettings, ai: object) -> Provider:
        """The pool of a connection with `targets`, other connections, or with `api_keys`, several keys of one."""
        from ..provider.pool import Pool
        from ..provider.routing import PoolMember

        targets, keys = values.pop("targets", None), values.pop("api_keys", None)
        driver = values.get("driver") or name
        if keys is not None:
            if targets is not None or not isinstance(keys, list | tuple) or "api_key" in values:
                raise ConfigurationError(f"{name!r} takes a list of api_keys, without api_key and targets beside it")
            members = []
            for number, key in enumerate(keys, 1):
                settings = ConnectionSettings({**values, "api_key": key, "driver": driver}, {})
                members.append(PoolMember(self._make_one(f"{name}#{number}", settings, ai)))
            pool = Pool(name, members, owned=True)
        else:
            if not isinstance(targets, list | tuple):
                raise ConfigurationError(f"the targets of {name!r} are not a list of connections: {targets!r:.100}")
            pool = Pool(name, [self._member(name, target, ai) for target in targets])
        pool.report_to(self.bus)
        return pool

    def _member(self, name: str, target: object, ai: object) -> Any:
        from ..provider.routing import PoolMember

        given: Mapping[str, Any] = target if isinstance(target, Mapping) else {"connection": target}
        connection = given.get("connection")
        if not isinstance(connection, str) or connection == name or set(given) - {"connection", "weight"}:
            raise ConfigurationError(
                f"a target of {name!r} is the name of another connection, or a table with connection and weight, "
                f"not {target!r:.100}"
            )
        provider = self.resolve(connection, ai)
        if len(provider._members()) > 1:
            raise ConfigurationError(f"the target {connection!r} of {name!r} is a pool itself: name its members")
        return PoolMember(provider, given.get("weight", 1.0))

    def _make_one(self, name: str, values: ConnectionSettings, ai: object) -> Provider:
        driver_name = str(values.pop("driver", None) or name)
        factory = self._factories.get(driver_name)
        if factory is not None and not isinstance(factory, type):
            provider = _call_factory(factory, ai, values)
        elif (
            factory is None and not values and name not in self.settings.providers and driver_name not in driver_names()
        ):
            raise unknown_name("provider", name, sorted({*self.names(), *driver_names()}))
        else:
            made: Any = factory or driver_class(driver_name)
            provider = made(values, name=name, env=self.env)
        from ..provider import Provider

        if not isinstance(provider, Provider):
            raise ConfigurationError(
                f"the driver {driver_name!r} made a {type(provider).__name__}, which is not a Provider"
            )
        provider.report_to(self.bus)
        if self.storage is not None and hasattr(provider, "connection"):
            self.storage.attach(provider.connection)
        if hasattr(provider, "connection") and provider.connection.config.cache.store != "memory":
            from ..engine.caching.cache import cache_of

            cache_of(provider.connection)  # raises where its store is not there
        return provider


def _named(value: object) -> str:
    return value.__name__ if isinstance(value, type) else type(value).__name__


def _call_factory(factory: Callable[..., Provider], ai: object, values: dict[str, Any]) -> Provider:
    """Call `factory(config)`, or `factory(ai, config)` when it takes two positional arguments."""
    import inspect

    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    signature = inspect.signature(factory)
    required = [
        parameter
        for parameter in signature.parameters.values()
        if parameter.kind in kinds and parameter.default is inspect.Parameter.empty
    ]
    arguments = (ai, values) if len(required) >= 2 else (values,)
    try:
        signature.bind(*arguments)
    except TypeError as error:
        raise ConfigurationError(f"the factory {factory!r} must take (config) or (ai, config): {error}") from error
    return factory(*arguments)


def unusable(error: AIError) -> HealthReport:
    """The health of a connection that cannot be made."""
    return HealthReport(status="unhealthy", message=str(error))
