"""From an operation and its fallbacks to a route: each target with work of its own, made from what the caller gave.

These may do it instead, in this order: what the call names as `fallback`; what the settings name for the operation
(`operation_fallback`); of the settings' `fallback`, which is for chats, the connections of the same driver, with the
model of the call. So settings that were made for chats never lead to what another model would do in another way
(vectors, voices, counts).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ..contract import DriverHooks
from ..engine.calls import Call
from ..errors import ConfigurationError, UnsupportedFeatureError
from ..operations.kinds import COUNT_TOKENS, EMBED, OperationKind
from ..operations.work import Work
from ..prompting import CALL_LIMITS, WORK_LIMITS, make_messages
from .preparing import prepare
from .routing import Group, as_list, error_class, find_target, is_kept_file, refer_to_files

if TYPE_CHECKING:
    from ..engine.operations import WorkLeg

__all__ = ["prepare_work"]

_RAW = ("extra", "extra_headers")


def prepare_work(
    provider: Any, kind: OperationKind[Any], fields: dict[str, Any], options: Mapping[str, Any]
) -> tuple[WorkLeg, Call]:
    """The target of an operation, and the call, with its route where there is more than one target.

    Raises what `prepare` does, and `ConfigurationError` for fallbacks that cannot be.
    """
    from ..engine.operations import WorkLeg
    from ..engine.routes import Route

    routing = _Routing(provider, kind, fields, options)
    legs = routing.legs()
    first = legs[0]
    route = Route(legs, {}, routing.asked())
    try:
        first.prepare()
    except UnsupportedFeatureError as refusal:
        if not route.skip(refusal):
            raise
    leg = route.leg
    assert isinstance(leg, WorkLeg)
    assert leg.work is not None
    route.limits = {name: value for name, value in leg.work.limits.items() if name in CALL_LIMITS}
    call: Call = provider.connection.call(route.limits)
    if len(legs) > 1 or provider._main is not provider:
        call.route = route
    return leg, call


class _Routing:
    """One operation on its way to its targets."""

    def __init__(
        self, provider: Any, kind: OperationKind[Any], fields: dict[str, Any], options: Mapping[str, Any]
    ) -> None:
        self.provider = provider
        self.kind = kind
        self.fields = fields
        if "messages" in fields:
            fields["messages"] = make_messages(fields["messages"])
        self.routing = {name: options[name] for name in WORK_LIMITS & options.keys()} if kind.is_stateless else {}
        self.options = {name: value for name, value in options.items() if name not in self.routing}
        self.model: str | None = fields.get("model") or options.get("model")
        self.is_kept = not kind.is_stateless or _refers_to_files(fields)
        own = [provider._main] if not kind.is_stateless else None
        members = own or [member.provider for member in provider._members(self.is_able, keeps=self.is_kept)]
        self.own: Group = [(member, self.model) for member in members]
        self.home: DriverHooks = members[0].driver

    def is_able(self, driver: DriverHooks) -> bool:
        """Whether a driver has the operation."""
        return driver.operation(self.kind) is not None

    def asked(self) -> Sequence[Any]:
        """The classes of errors that lead on beyond the usual."""
        given = self.routing.get("fallback_on")
        return [error_class(kind) for kind in (self.home.config.fallback_on if given is None else as_list(given))]

    def legs(self) -> list[WorkLeg]:
        """All targets in order."""
        from ..engine.operations import WorkLeg

        legs: list[WorkLeg] = []
        for group in [self.own, *self.others()]:
            for provider, model in group:
                make = partial(self.make, provider.driver, model, is_first=not legs)
                leg = WorkLeg(provider._pipeline.target, model, make)
                leg.repeats = provider is group[-1][0]
                legs.append(leg)
        return legs

    def others(self) -> list[Group]:
        """The targets after the provider's own, those of one pool together."""
        if not self.kind.is_stateless:
            return []
        config = self.home.config
        named = self.routing.get("fallback")
        if named is None:
            named = config.operation_fallback.get(self.kind.method)
        if named is not None:
            return [self.with_models(self.find(target)) for target in as_list(named)]
        groups = [self.find(target) for target in config.fallback]
        known = {id(provider.driver) for provider, _ in self.own}
        same = type(self.home)
        alike = [
            [(p, self.model) for p, _ in g if type(p.driver) is same and id(p.driver) not in known] for g in groups
        ]
        return [group for group in alike if group]

    def find(self, target: Any) -> Group:
        """The providers of a target."""
        return find_target(self.provider, target, able=self.is_able, keeps=self.is_kept)

    def with_models(self, group: Group) -> Group:
        """The same with the model of the call where none is named and the driver is the same.

        Raises `ConfigurationError` where a model is needed, and it is another driver's.
        """
        found: Group = []
        for provider, named in group:
            driver = provider.driver
            model = named or (self.model if type(driver) is type(self.home) else None)
            if model is None and self.kind.needs_model:
                name = driver.config.name
                raise ConfigurationError(
                    f"no model is given for {self.kind.title} by {name}: name one with the fallback, ({name!r}, model)"
                )
            found.append((provider, model))
        return found

    def make(self, driver: DriverHooks, model: str | None, *, is_first: bool) -> Work[Any]:
        """The work for a target."""
        if is_first:
            return prepare(driver, self.kind, dict(self.fields), self.options)
        name = self.home.config.name
        if self.is_kept:
            raise UnsupportedFeatureError(f"a file of the call is kept by {name}")
        fields, options, left_out = dict(self.fields), dict(self.options), list[str]()
        if type(driver) is not type(self.home):
            left_out += [raw for raw in _RAW if options.pop(raw, None)]
        if self.kind is COUNT_TOKENS:
            options["model"] = model
        elif "model" in fields:
            fields["model"] = model
        work = prepare(driver, self.kind, fields, options, left_out)
        for option in left_out:
            work.request.warn(f"{driver.config.name} does not know the option {option!r}; it was left out.")
        if self.kind is EMBED and model != self.model:
            work.request.warn(
                f"The vectors are those of {model} ({driver.config.name}): they cannot be compared with those of "
                f"{self.model}."
            )
        return work


def _refers_to_files(fields: Mapping[str, Any]) -> bool:
    """Whether something that is given is a file that one provider keeps."""
    if "messages" in fields:
        return refer_to_files(fields["messages"])
    return any(
        is_kept_file(item)
        for value in fields.values()
        for item in (value if isinstance(value, list | tuple) else [value])
    )
