"""From a call and its fallbacks to a route: each target with a prompt of its own, built from what the caller gave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from .. import errors as _errors
from ..contract import DriverHooks
from ..data.messages import AIMessage, Media
from ..data.prompt import Prompt, ProviderTool
from ..engine.calls import Call
from ..errors import AIError, ConfigurationError, UnsupportedFeatureError
from ..prompting import CALL_LIMITS, CHAT_LIMITS, build_prompt, make_messages
from .answers import UNSET, Answers

if TYPE_CHECKING:
    from ..engine.routes import Leg, Route

__all__ = [
    "FallbackTarget",
    "FallbackTargets",
    "Group",
    "PoolMember",
    "as_list",
    "error_class",
    "find_target",
    "is_kept_file",
    "prepare_call",
    "refer_to_files",
]

FallbackTarget: TypeAlias = str | Answers | tuple[str | Answers, str]
"""Who may answer instead: a connection by name ("openai", or "openai/gpt-5-mini" with a model), a provider of either
colour, or one of these with a model."""

Group: TypeAlias = "list[tuple[Any, str | None]]"
"""A provider and its model, or the members of a pool."""

FallbackTargets: TypeAlias = FallbackTarget | Sequence[FallbackTarget]

_ROUTING = ("model", "fallback", "fallback_on", "continue_with")
_RAW = ("extra", "extra_headers")
_KEPT_THERE = ("previous_response_id", "conversation", "prompt")
_KEPT = (*_KEPT_THERE, "background", "store")


class PoolMember(NamedTuple):
    """One of the providers that a call may go to, and its share."""

    provider: Any
    weight: float = 1.0


def prepare_call(
    provider: Any,
    messages: object,
    options: Mapping[str, Any],
    response_format: object = UNSET,
    *,
    stream: bool = False,
) -> tuple[Prompt, Call]:
    """The prompt of a call, and the call with its route where there is more than one target.

    Raises what `build_prompt` does, and `ConfigurationError` for fallbacks that cannot be.
    """
    if response_format is not UNSET:
        options = {**options, "response_format": response_format}
    connection = provider.connection
    if provider._is_single:
        members, driver = [PoolMember(provider)], connection.driver
    else:
        messages = make_messages(messages)
        members = provider._members(keeps=_is_kept_there(messages, options))
        driver = members[0].provider.driver
    config = driver.config
    given = {**config.options, **options} if config.options else options
    wanted = given.get("fallback")
    targets = config.fallback if wanted is None else as_list(wanted)
    going_on = given.get("continue_with")
    later = (config.continue_with if going_on is None else as_list(going_on)) if stream else ()
    if not targets and not later and len(members) == 1:
        prompt, limits = build_prompt(driver, messages, options, stream=stream)
        return prompt, connection.call(limits)
    asked = given.get("fallback_on")
    return _Routing(provider, make_messages(messages), options, stream=stream).route(
        [[(member.provider, None) for member in members], *(find_target(provider, target) for target in targets)],
        config.fallback_on if asked is None else as_list(asked),
        [find_target(provider, target) for target in later],
    )


def _is_kept_there(messages: object, options: Mapping[str, Any]) -> bool:
    """Whether a call uses what is kept at one provider, or has it keep something that is asked for later."""
    if not options.keys().isdisjoint(_KEPT) and any(options.get(name) for name in _KEPT):
        return True
    return isinstance(messages, list) and refer_to_files(messages)


def refer_to_files(messages: list[Any]) -> bool:
    """Whether messages, those of them that were read, have parts that are files which one provider keeps."""
    return any(
        is_kept_file(part)
        for message in messages
        if isinstance(message, AIMessage) and not isinstance(message.content, str)
        for part in message.content
    )


def is_kept_file(part: object) -> bool:
    """Whether a part is a file that one provider keeps."""
    return isinstance(part, Media) and part.file_id is not None


class _Routing:
    """One call on its way to a route."""

    def __init__(self, provider: Any, messages: list[AIMessage], options: Mapping[str, Any], *, stream: bool) -> None:
        self.provider = provider
        self.messages = messages
        self.options = options
        self.stream = stream

    def route(self, groups: list[Group], asked: Sequence[Any], later: list[Group]) -> tuple[Prompt, Call]:
        """The prompt and the call.

        `groups` are the targets in order, those of one pool together; `later` are those that go on from what came.
        """
        from ..engine.routes import Route

        home = groups[0][0][0].driver
        route = Route(
            self.legs(groups, home), {}, [error_class(kind) for kind in asked], self.legs(later, home, is_own=False)
        )
        prompt, route.limits = self.first(route)
        call = self.provider.connection.call(route.limits)
        call.route = route
        return prompt, call

    def legs(self, groups: list[Group], home: Any, *, is_own: bool = True) -> list[Leg]:
        """The targets of `groups`, of which the first is asked as the caller says (`is_own`)."""
        from ..engine.routes import Leg

        legs: list[Leg] = []
        for group in groups:
            for provider, named in group:
                model = named or (self.options.get("model") if is_own and group is groups[0] else None)
                _check_model(provider, model)
                make = partial(self.build, provider.driver, model, home if legs or not is_own else None)
                leg = Leg(provider._pipeline.target, model or provider.driver.config.default_model, make)
                leg.repeats = provider is group[-1][0]
                legs.append(leg)
        return legs

    def first(self, route: Route) -> tuple[Prompt, dict[str, Any]]:
        """The prompt of the first target, and the limits that were given with the call.

        Where that target does not read the media of the call, it is the prompt of the first one that does.
        """
        leg = route.leg
        driver = leg.target.driver
        try:
            leg.prompt, limits = build_prompt(driver, self.messages, self.options, stream=self.stream)
        except UnsupportedFeatureError as refusal:
            if not route.skip(refusal):
                raise
            given = {**driver.config.options, **self.options}
            limits = {name: given[name] for name in (CALL_LIMITS | CHAT_LIMITS) & given.keys()}
        assert route.leg.prompt is not None
        return route.leg.prompt, limits

    def build(self, driver: Any, model: str | None, home: Any, came: str = "") -> Prompt:
        """The prompt for another target, which goes on from what came.

        Raises `UnsupportedFeatureError` where what it needs is kept at the first.
        """
        options = {name: value for name, value in self.options.items() if name not in _ROUTING}
        is_other = home is not None and type(driver) is not type(home)
        if home is not None and any(options.get(name) for name in _KEPT_THERE):
            raise UnsupportedFeatureError(f"what the call goes on from is kept by {home.config.name}")
        left_out: list[str] = []
        if is_other:
            left_out += [name for name in _RAW if options.pop(name, None)]
        options["model"] = model
        messages = self.messages
        if came:
            from ..engine.continuing import messages_to_go_on

            goes_on = driver.wire.takes_prefill(model or driver.config.default_model)
            messages = [*messages, *messages_to_go_on(came, takes_prefill=goes_on)]
        prompt, _ = build_prompt(driver, messages, options, stream=self.stream, left_out=left_out)
        if is_other and any(isinstance(tool, ProviderTool) for tool in prompt.tools):
            raise UnsupportedFeatureError(f"a tool of the call is {home.config.name}'s own")
        for name in left_out:
            prompt.warn(f"{driver.config.name} does not know the option {name!r}; it was left out.")
        return prompt


def as_list(value: Any) -> list[Any]:
    """A list of targets or classes; a single one may stand for itself, and so may a pair of a target and a model."""
    if isinstance(value, list | frozenset | set):
        return list(value)
    if isinstance(value, tuple) and not (len(value) == 2 and _is_pair(value)):
        return list(value)
    return [value]


def _is_pair(value: tuple[Any, Any]) -> bool:
    return isinstance(value[1], str) and not isinstance(value[0], str | type)


def find_target(
    provider: Any, target: Any, *, able: Callable[[DriverHooks], bool] | None = None, keeps: bool = False
) -> Group:
    """The provider and the model of a target; of a pool, all members in their order (see `Provider._members`).

    Raises `ConfigurationError` for what is none.
    """
    place, model = target if isinstance(target, tuple) and len(target) == 2 else (target, None)
    if model is not None and not isinstance(model, str):
        raise ConfigurationError(f"the model of a fallback is the id of a model as text, not {model!r}")
    if isinstance(place, str):
        if provider._finder is None:
            raise ConfigurationError(
                f"the fallback {place!r} is the name of a connection, and only a manager knows those: give a provider "
                "instead, or take this one from ai.provider(...)"
            )
        found, named = provider._finder(place)
        place, model = found, model or named
    if not hasattr(place, "_twin") or not hasattr(place, "driver"):
        raise ConfigurationError(
            f"a fallback is the name of a connection, a provider, or a pair of one and a model, not {target!r}"
        )
    return [(member.provider, model) for member in provider._twin(place)._members(able, keeps=keeps)]


def _check_model(provider: Any, model: str | None) -> None:
    config = provider.driver.config
    if not model and not config.default_model:
        raise ConfigurationError(
            f"no model is given for {config.name}: name one with the fallback, ({config.name!r}, model), or set "
            "default_model for the connection"
        )


def error_class(kind: Any) -> type[AIError]:
    """A class of errors, or the one of this name."""
    found = getattr(_errors, kind, None) if isinstance(kind, str) else kind
    if not (isinstance(found, type) and issubclass(found, AIError)):
        raise ConfigurationError(f"fallback_on takes classes of errors, or their names, not {kind!r}")
    return found
