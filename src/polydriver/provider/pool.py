"""A pool: several connections that can do the same (keys, regions, deployments), used as one provider."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..contract import DriverHooks
from ..data.cost import Cost
from ..data.models import Capabilities
from ..data.usage import TokenUsage
from ..engine.connection import Connection
from ..errors import ConfigurationError
from ..events import EventBus
from .blocking import Provider
from .routing import PoolMember

__all__ = ["Pool"]


class Pool(Provider):
    """Several providers of one kind under one name; a manager makes it of the settings `targets` or `api_keys`.

    A call goes to the member with the fewest attempts under way for its weight, then to the one that has had the fewest
    calls for its weight, then to the first. A member that fails as fallbacks know it is followed by the next one at
    once; the last one is asked again by its own settings, and then come the fallbacks. Options, models and costs are
    those of the member that is asked. Operations beyond chat go to the members that have them in the same way, but for
    what is kept at a provider (files, batches, answers), which is the first member's. A call that refers to something
    of that kind begins there. Lists of models are those of the first member that answers; health and credentials are
    those of all.
    """

    _is_single = False

    def __init__(self, name: str, members: Sequence[PoolMember], *, owned: bool = False) -> None:
        """`owned`: whether the members belong to this pool alone, which closes them then."""
        if not members:
            raise ConfigurationError(f"the pool {name!r} has no targets: name at least one connection")
        for member in members:
            if not isinstance(member.weight, int | float) or isinstance(member.weight, bool) or not member.weight > 0:
                raise ConfigurationError(f"a weight in the pool {name!r} is not a number above 0: {member.weight!r}")
        self._name = name
        self._pool = tuple(members)
        self._owned = owned
        self._calls = [0] * len(members)
        self._connection = Connection(self.driver)
        self._connection.name = name
        if owned:
            for member in members:
                member.provider.report_to(self._connection.bus)

    @property
    def driver(self) -> DriverHooks:
        """The driver of the first member."""
        driver: DriverHooks = self._pool[0].provider.driver
        return driver

    @property
    def connection(self) -> Connection:
        """What carries the events of the pool's calls; limits and circuits are those of the members' connections."""
        return self._connection

    @property
    def _main(self) -> Provider:
        main: Provider = self._pool[0].provider
        return main

    @property
    def _pipeline(self) -> Any:
        return self._main._pipeline

    def _members(self, able: Callable[[DriverHooks], bool] | None = None, *, keeps: bool = False) -> list[PoolMember]:
        """The members in the order in which the next call asks them (see `Provider._members`)."""

        def load(place: int) -> tuple[bool, float, float, int]:
            member = self._pool[place]
            open_now = len(member.provider.connection.outstanding)
            is_later = keeps and place > 0
            return is_later, open_now / member.weight, self._calls[place] / member.weight, place

        places = [place for place, member in enumerate(self._pool) if able is None or able(member.provider.driver)]
        order = sorted(places or range(len(self._pool)), key=load)
        self._calls[order[0]] += 1
        return [self._pool[place] for place in order]

    def _others(self) -> list[tuple[str, Provider]]:
        return [(member.provider.connection.name, member.provider) for member in self._pool]

    def report_to(self, bus: EventBus) -> None:
        """See `Provider.report_to`."""
        self._connection.bus.parent = bus

    def calculate_cost(self, usage: TokenUsage | None, model: str) -> Cost | None:
        """By the prices of the first member."""
        cost: Cost | None = self._pool[0].provider.calculate_cost(usage, model)
        return cost

    def get_capabilities(self) -> Capabilities:
        """What the first member does."""
        found: Capabilities = self._pool[0].provider.get_capabilities()
        return found

    def get_config(self) -> dict[str, Any]:
        """The settings of all members by name, with every secret masked."""
        return {
            "name": self._name,
            "targets": [{**member.provider.get_config(), "weight": member.weight} for member in self._pool],
        }

    def get_name(self) -> str:
        """The name of the pool."""
        return self._name

    def close(self, grace: float | None = None) -> None:
        """See `Provider.close`. Members that are connections of their own are closed there."""
        if grace is not None:
            from ..engine.running import close_blocking

            close_blocking([self.connection], grace)
        if self._owned:
            for member in self._pool:
                member.provider.close()
