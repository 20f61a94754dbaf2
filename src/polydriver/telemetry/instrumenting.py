"""Having a manager, a provider or a connection watched."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from ..engine.connection import Connection

__all__ = ["instrument", "instrument_connection"]


class _Connections(Protocol):
    def attach(self, act: Callable[[Connection], None]) -> Callable[[], None]: ...


class _Manager(Protocol):
    @property
    def connections(self) -> _Connections: ...


class _Provider(Protocol):
    @property
    def connection(self) -> Connection: ...


def instrument(
    target: _Manager | _Provider,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    *,
    content: bool = False,
) -> Callable[[], None]:
    """Have OpenTelemetry told of all calls of a manager, or of one provider, from now on. Both colours are watched.

    The global providers are taken where none is given. `content` has prompts, answers, and what tools are given and
    return recorded on the spans; secrets are removed. Connections that the manager makes later are watched as well.
    Returns a function that ends it; calls that have begun are watched to their end. What is watched already is watched
    anew. Raises `ConfigurationError` where the extra `otel` is not installed.
    """
    watched: list[tuple[Connection, object]] = []

    def watch(connection: Connection) -> None:
        instrument_connection(connection, tracer_provider, meter_provider, content=content)
        watched.append((connection, connection.observer))

    connections: Any = getattr(target, "connections", None)
    connection: Any = getattr(target, "connection", None)
    if connections is not None:
        _require_api()
        detach = connections.attach(watch)
    elif connection is not None:
        detach = None
        watch(connection)
    else:
        raise ConfigurationError(
            f"instrument() takes a manager or a provider that has a connection, not {type(target).__name__}"
        )

    def end() -> None:
        if detach is not None:
            detach()
        for known, observer in watched:
            if known.observer is observer:
                known.observer = None

    return end


def instrument_connection(
    connection: Connection,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    *,
    content: bool = False,
) -> None:
    """Have OpenTelemetry told of all calls of one connection. See `instrument`."""
    _require_api()
    from opentelemetry.metrics import get_meter_provider
    from opentelemetry.trace import get_tracer_provider

    from .observer import Telemetry

    tracers, meters = tracer_provider or get_tracer_provider(), meter_provider or get_meter_provider()
    connection.observer = Telemetry(connection, tracers, meters, content=content)


def _require_api() -> None:
    try:
        import opentelemetry.metrics
        import opentelemetry.trace  # noqa: F401
    except ImportError as error:
        raise ConfigurationError(
            "telemetry needs OpenTelemetry's API: pip install 'polydriver[otel]', and an SDK that exports it"
        ) from error
