"""From what a caller writes to a `Prompt`: messages of any form, options by keyword, defaults of the connection."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .data.fitting import fit_media
from .data.history import mend_history
from .data.messages import AIMessage
from .data.prompt import Prompt
from .errors import ConfigurationError, UnknownOptionError

if TYPE_CHECKING:
    from .driver import Driver

__all__ = ["CALL_LIMITS", "PROMPT_OPTIONS", "build_prompt", "check_number", "make_messages", "unknown_option"]

CALL_LIMITS = frozenset({"timeout", "idle_timeout", "deadline", "retry_attempts", "metadata", "conversation_id"})
"""Options that steer the call and are not sent: limits in seconds and attempts, and what events are labelled with."""

PROMPT_OPTIONS = frozenset(Prompt.__struct_fields__) - {"messages", "model", "stream", "options", "warnings", "wire"}
"""Options that a prompt has fields for."""

_KEPT_HISTORY = ("previous_response_id", "conversation")
"""Options that continue a history which the provider keeps: the calls that results belong to are there."""

_ROLES = ("system", "developer", "user", "assistant", "tool")
_NUMBERS: dict[str, tuple[type | tuple[type, ...], float, float]] = {
    "temperature": ((int, float), 0, 10),
    "top_p": ((int, float), 0, 1),
    "max_tokens": (int, 1, 10**9),
    "n": (int, 1, 1000),
    "dimensions": (int, 1, 10**6),
    "top_n": (int, 1, 10**6),
    "limit": (int, 1, 10**9),
    "speed": ((int, float), 0.01, 100),
    "timeout": ((int, float), 0.001, 10**7),
    "idle_timeout": ((int, float), 0.001, 10**7),
    "deadline": ((int, float), 0.001, 10**7),
    "retry_attempts": (int, 1, 1000),
}


def build_prompt(
    driver: Driver, messages: object, options: Mapping[str, Any], *, stream: bool = False
) -> tuple[Prompt, dict[str, Any]]:
    """The prompt for one call, and the call's limits.

    The connection's default options apply where the call gives none. Raises `UnknownOptionError` for an option that
    nobody knows, `ConfigurationError` for messages or values that cannot work, `UnsupportedFeatureError` for media that
    the driver does not read, before anything is sent.
    """
    config = driver.config
    merged = {**config.options, **options} if config.options else options
    limits: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    own: dict[str, Any] = {}
    model: Any = None
    for name, value in merged.items():
        if name in _NUMBERS and value is not None:
            check_number(name, value)
        if name == "model":
            model = value
        elif name in PROMPT_OPTIONS:
            if value is not None:
                fields[name] = value
        elif name in CALL_LIMITS:
            limits[name] = value
        elif name in driver.option_names:
            own[name] = value
        else:
            raise unknown_option(driver, name, {*PROMPT_OPTIONS, *CALL_LIMITS, *driver.option_names, "model"})
    model = model or config.default_model
    if not model or not isinstance(model, str):
        raise ConfigurationError(
            f"no model is given for {config.name}: pass model=..., or set default_model for the connection"
        )
    _convert(fields)
    prompt = Prompt(messages=make_messages(messages), model=model, stream=stream, options=own, **fields)
    if not any(own.get(name) for name in _KEPT_HISTORY):
        prompt.messages = mend_history(prompt.messages, prompt.warn)
    prompt.messages = fit_media(prompt.messages, driver.capabilities, prompt.warn, driver.unsupported)
    return prompt, limits


def make_messages(messages: object) -> list[AIMessage]:
    """Messages from a string, a message, a dict with role and content, or a sequence of these.

    Raises `ConfigurationError` for anything else, and for no message at all.
    """
    if isinstance(messages, str | AIMessage | Mapping):
        return [_message(messages)]
    if not isinstance(messages, Iterable):
        raise ConfigurationError(
            f"messages must be a string, an AIMessage or a list of them, not {type(messages).__name__}"
        )
    made = [_message(message) for message in messages]
    if not made:
        raise ConfigurationError("there is no message to send: give at least one")
    return made


def _message(message: object) -> AIMessage:
    if isinstance(message, AIMessage):
        return message
    if isinstance(message, str):
        return AIMessage(message)
    if (
        isinstance(message, Mapping)
        and message.get("role") in _ROLES
        and isinstance(message.get("content"), str | list)
    ):
        return AIMessage(message["content"], message["role"], message.get("name"))
    raise ConfigurationError(
        f"a message must be a string, an AIMessage, or a dict with 'role' ({', '.join(_ROLES)}) and 'content', "
        f"not {type(message).__name__}"
    )


def _convert(fields: dict[str, Any]) -> None:
    """Bring stop words, tools and the wanted form into the shapes that prompts hold."""
    stop = fields.get("stop")
    if isinstance(stop, str):
        fields["stop"] = [stop]
    if "tools" in fields:
        from .tools import make_tools

        fields["tools"] = make_tools(fields["tools"])
    if "tool_choice" in fields:
        fields["tool_choice"] = _tool_choice(fields["tool_choice"])
    if "response_format" in fields:
        from .structured import make_output

        fields["response_format"] = make_output(fields["response_format"])


def _tool_choice(choice: Any) -> str:
    """A word or a tool's name, from a string, a tool or function, or OpenAI's dict."""
    if isinstance(choice, str):
        return {"any": "required"}.get(choice, choice)
    if isinstance(choice, Mapping):
        function = choice.get("function")
        named = function.get("name") if isinstance(function, Mapping) else choice.get("name")
        if isinstance(named, str):
            return named
        if choice.get("type") in ("auto", "none", "required", "any"):
            return _tool_choice(choice["type"])
    name = getattr(choice, "name", None) or getattr(choice, "__name__", None)
    if isinstance(name, str):
        return name
    raise ConfigurationError(f"tool_choice must be 'auto', 'none', 'required' or a tool's name, not {choice!r}")


def check_number(name: str, value: object) -> None:
    """Check an option that is a number. Raises `ConfigurationError` when it is none, or out of range."""
    kinds, low, high = _NUMBERS[name]
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:  # type: ignore[operator]
        kind = "a whole number" if kinds is int else "a number"
        raise ConfigurationError(f"{name} must be {kind} from {low:g} to {high:g}, not {value!r}")


def unknown_option(driver: Driver, name: str, known: Iterable[str]) -> UnknownOptionError:
    """The error for an option that is not among the known ones, with the nearest of them."""
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    return UnknownOptionError(
        f"{driver.config.name} knows no option {name!r}.{meant} "
        "Options that only the provider knows go into extra={...}"
    )
