"""A connection: one driver with its settings, and what all its calls share."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from weakref import ref

from ..config import CircuitConfig, Config
from ..contract import DriverHooks
from ..data.models import AIModel
from ..data.sealed import Headers
from ..events import EventBus
from ..logs import log_calls
from ..version import __version__
from .calls import Call
from .observing import HitLedger, Observer
from .policies import Counter, Gate, Policy
from .policies.circuit import Circuits
from .policies.hedging import Hedging
from .policies.recent import Recent
from .policies.retry import RetryBudget
from .ports import AsyncPort, BlockingPort
from .running import Running
from .transports import transport_for
from .waiting import Stop, current_stop

if TYPE_CHECKING:
    from .policies.limits.over_redis import RedisLimits
    from .policies.limits.policy import Limits

__all__ = ["Connection", "ModelList"]


class ModelList:
    """The models last listed, and when (monotonic seconds); those last synced, when, and by which driver."""

    __slots__ = ("listed_at", "models", "synced", "synced_at")

    def __init__(self) -> None:
        self.models: list[AIModel] | None = None
        self.listed_at = 0.0
        self.synced: dict[str, Any] | None = None
        self.synced_at: tuple[datetime, str] | None = None


class Connection:
    """What the calls of one provider share, blocking and async alike: events, the retry budget, the model list.

    It holds nothing of a single call, so calls may run side by side. `outstanding` has a reference to each attempt
    that lives and has not ended. `model_store`: where `sync_models` keeps what it finds, if not here; `cache` is an
    `engine.caching.cache.ResponseCache` once one is wanted; `hit_ledger` is told of answers that are given again;
    `learner` are the limits that learn from what answers tell; `unhedged` are the policies for calls that are not
    hedged. `headers` go with every request that does not have them.
    """

    __slots__ = (
        "budget", "bus", "cache", "circuits", "config", "counters", "driver", "gates", "headers", "hedging",
        "hit_ledger", "learner", "limits", "model_store", "models", "name", "observer", "outstanding", "policies",
        "recent", "remote", "running", "transport", "unhedged",
    )  # fmt: skip

    def __init__(self, driver: DriverHooks, bus: EventBus | None = None, transport: Any = None) -> None:
        self.driver = driver
        self.transport = transport
        self.config = driver.config
        self.name = driver.config.name
        self.bus = EventBus(parent=bus)
        log_calls(self.bus, self.config.logging, self.config.redactor)
        self.budget = RetryBudget()
        self.circuits = _circuits(self.config)
        self.recent = Recent()
        self.hedging = Hedging(self.name, self.config.hedging)
        self.gates: tuple[Gate, ...] = ()
        self.limits: Limits | RedisLimits | None = None
        self.remote: RedisLimits | None = None
        limits = self._limits(driver.uncounted_input)
        self.learner = limits if self.config.rate_limiting.learn else None
        found: tuple[Policy | None, ...] = (self.circuits, limits)
        self.unhedged: tuple[Policy, ...] = tuple(policy for policy in found if policy is not None)
        self.policies: tuple[Policy, ...] = (self.hedging, *self.unhedged)
        self.counters: tuple[Counter, ...] = (self.recent, self.budget)
        self.observer: Observer | None = None
        self.models = ModelList()
        self.model_store: Any = None
        self.outstanding: set[ref[Any]] = set()
        self.cache: Any = None
        self.hit_ledger: HitLedger | None = None
        self.running = Running(self.name)
        given = {name.lower(): value for name, value in self.config.headers.items()}
        self.headers = Headers({"user-agent": f"polydriver/{__version__}", **given})

    def _limits(self, uncounted: tuple[str, ...]) -> Limits | None:
        """The limits of this process. Those over Redis are a gate; what answers tell of the provider's stays here."""
        config = self.config.rate_limiting
        if not config.limits_anything:
            return None
        from .policies.limits.policy import Limits

        if config.redis_url is None or not config.has_numbers:
            self.limits = limits = Limits.of(self.name, config, uncounted)
            return limits
        from .policies.limits.over_redis import limits_over_redis

        self.limits = self.remote = gate = limits_over_redis(self.name, config, uncounted)
        self.gates = (gate,)
        return Limits.of(self.name, config.without_numbers(), uncounted)

    def rest(self) -> None:
        """Leave nothing open outside of this process, where no call runs; waits for a second at most."""
        if len(self.running):
            return
        if self.remote is not None:
            self.remote.close()
        if self.cache is not None:
            self.cache.store.close()

    def blocking_port(self) -> BlockingPort:
        """A port for blocking callers, over the transport that was given, or that the settings ask for."""
        return BlockingPort(self._transport("blocking"))

    def async_port(self) -> AsyncPort:
        """A port for async callers, over the transport that was given, or that the settings ask for."""
        return AsyncPort(self._transport("async"))

    def _transport(self, kind: Literal["blocking", "async"]) -> Any:
        given = self.transport
        if callable(given):
            return given(kind, self.config.http)
        if given is None and self.driver.simulate is not None:
            from .transports.simulated import AsyncSimulatedTransport, SimulatedTransport

            return (SimulatedTransport if kind == "blocking" else AsyncSimulatedTransport)(self.driver.simulate)
        return given or transport_for(kind, self.config.http)

    def call(self, limits: Mapping[str, Any]) -> Call:
        """A new call, with the connection's limits where `limits` has none: timeout, idle_timeout, deadline, ...

        `None` is as if not given, but for `deadline`: there it means that this call has none.
        """
        config, given = self.config, limits.get
        timeout, idle_timeout, attempts = given("timeout"), given("idle_timeout"), given("retry_attempts")
        first_content, hedging = given("first_content_timeout"), given("hedging")
        return Call(
            id=f"call_{random.getrandbits(64):016x}",
            bus=self.bus,
            provider=self.name,
            timeout=config.timeout if timeout is None else timeout,
            idle_timeout=config.idle_timeout if idle_timeout is None else idle_timeout,
            first_content_timeout=config.first_content_timeout if first_content is None else first_content,
            deadline_seconds=limits.get("deadline", config.deadline),
            retry_attempts=config.retry_attempts if attempts is None else attempts,
            hedging=config.hedging.enabled if hedging is None else hedging,
            metadata=given("metadata") or {},
            conversation_id=given("conversation_id"),
            queue=given("queue") or "interactive",
            stop=current_stop.get() or Stop(),
            running=[self.running],
            observer=self.observer,
            response_cache=given("response_cache"),
        )

    def take_over(self, call: Call, limits: Mapping[str, Any], model: str | None) -> None:
        """Have a call go on here: with this connection's limits where `limits`, those that were given, has none."""
        here = self.call(limits)
        call.provider, call.model = self.name, model
        call.timeout, call.idle_timeout, call.retry_attempts = here.timeout, here.idle_timeout, here.retry_attempts
        call.first_content_timeout, call.hedging = here.first_content_timeout, here.hedging
        call.retry_cost = 0.0


def _circuits(config: Config) -> Circuits | None:
    """The circuits of a connection, which open for as long as retries wait where the settings say nothing else."""
    given = config.circuit
    if not given.enabled:
        return None
    first = given.open_time or max(config.retry_delay, 0.1)
    most = given.max_open_time or max(config.max_retry_delay, first)
    fields = {name: getattr(given, name) for name in given.__struct_fields__}
    return Circuits(config.name, CircuitConfig(**{**fields, "open_time": first, "max_open_time": most}), random.random)
