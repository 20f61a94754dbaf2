"""From what a caller writes to a `Prompt`: messages of any form, options by keyword, defaults of the connection."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, get_args, get_type_hints

import msgspec

from .data.fitting import fit_media
from .data.history import mend_history
from .data.json import as_plain
from .data.messages import AIMessage, Media, Part, Role, Text
from .data.openai_messages import read_message, read_part
from .data.origins import own_messages
from .data.prompt import NOTHING_GIVEN, Prompt, ToolSpec, option_values
from .errors import ConfigurationError, UnknownOptionError
from .prices.fitting import fit_options
from .prices.model_rules import find_rules
from .typed import convert

if TYPE_CHECKING:
    from .contract import DriverHooks

__all__ = [
    "CALL_LIMITS",
    "CHAT_LIMITS",
    "PROMPT_OPTIONS",
    "WORK_LIMITS",
    "build_prompt",
    "check_number",
    "fit_prompt",
    "make_messages",
    "unknown_option",
]

CALL_LIMITS = frozenset(
    {"timeout", "idle_timeout", "deadline", "retry_attempts", "queue", "metadata", "conversation_id"}
)
"""Options that steer the call and are not sent: limits in seconds and attempts, and what events are labelled with."""

CHAT_LIMITS = frozenset(
    {"continue_with", "fallback", "fallback_on", "first_content_timeout", "hedging", "response_cache"}
)
"""The same of calls that send a prompt: who else may answer, after which errors, seconds to the first content, whether
a request may be sent twice, and whether an answer may be one that was kept."""

WORK_LIMITS = frozenset({"fallback", "fallback_on"})
"""The same of operations that any account can do."""

PROMPT_OPTIONS = frozenset(Prompt.__struct_fields__) - {"messages", "model", "stream", "options", "warnings"}
"""Options that a prompt has fields for."""

_KEPT_HISTORY = ("previous_response_id", "conversation")
"""Options that continue a history which the provider keeps: the calls that results belong to are there."""

_STORED_INPUT = (*_KEPT_HISTORY, "prompt")
"""Options with which the provider has something to answer already."""

_CONVERTED = frozenset({"tools", "tool_choice", "response_format"})
"""Options that are checked when they are brought into the shape that prompts hold."""

_ALSO_TAKEN: dict[str, Any] = {"logit_bias": dict[str | int, float], "logprobs": bool | int}
"""What some options may be beside the type of the prompt's field: it is written as JSON all the same."""

_LABELS: dict[str, Any] = {
    "metadata": dict[str, Any],
    "conversation_id": str,
    "queue": Literal["interactive", "batch"],
    "response_cache": bool | Literal["refresh"],
    "hedging": bool,
}
"""Options of the call that are not limits."""

_SYSTEM = "put AIMessage.system(...) first among the messages of send_messages(), or call system() of a conversation"
_ADVICE = {
    "stream": "call send_streaming_message(), or stream() of a conversation",
    "system": _SYSTEM,
    "system_prompt": _SYSTEM,
    "system_message": _SYSTEM,
    "system_instruction": _SYSTEM,
    "instructions": _SYSTEM,
    "messages": "give the messages as the first argument of send_messages()",
    "history": "give the earlier messages, too, to send_messages(), or use a conversation",
    "provider": "ask the provider that is meant, ai.provider(name)",
    "api_key": "it is a setting of the connection",
    "base_url": "it is a setting of the connection",
}
"""What to do instead of some options that people look for."""

_OTHER_NAMES = {
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "max_new_tokens": "max_tokens",
    "num_predict": "max_tokens",
    "stop_sequences": "stop",
    "functions": "tools",
    "function_call": "tool_choice",
    "response_model": "response_format",
    "response_schema": "response_format",
    "json_schema": "response_format",
    "schema": "response_format",
    "output_type": "response_format",
    "format": "response_format",
    "thinking_budget": "reasoning_budget",
    "thinking": "reasoning_effort",
    "reasoning": "reasoning_effort",
    "max_retries": "retry_attempts",
    "retries": "retry_attempts",
    "request_timeout": "timeout",
    "headers": "extra_headers",
    "extra_body": "extra",
}
"""What options are called here that have other names elsewhere."""

_ROLES: tuple[str, ...] = get_args(Role)
_NUMBERS: dict[str, tuple[type | tuple[type, ...], float, float]] = {
    "temperature": ((int, float), 0, 10),
    "top_p": ((int, float), 0, 1),
    "presence_penalty": ((int, float), -100, 100),
    "frequency_penalty": ((int, float), -100, 100),
    "max_tokens": (int, 1, 10**9),
    "n": (int, 1, 1000),
    "dimensions": (int, 1, 10**6),
    "top_n": (int, 1, 10**6),
    "limit": (int, 1, 10**9),
    "speed": ((int, float), 0.01, 100),
    "max_messages": (int, 1, 10**9),
    "timeout": ((int, float), 0.001, 10**7),
    "tool_timeout": ((int, float), 0.001, 10**7),
    "idle_timeout": ((int, float), 0.001, 10**7),
    "first_content_timeout": ((int, float), 0.001, 10**7),
    "deadline": ((int, float), 0.001, 10**7),
    "retry_attempts": (int, 1, 1000),
}


def build_prompt(
    driver: DriverHooks,
    messages: object,
    options: Mapping[str, Any],
    *,
    stream: bool = False,
    left_out: list[str] | None = None,
) -> tuple[Prompt, dict[str, Any]]:
    """The prompt for one call, and the call's limits.

    The connection's default options apply where the call gives none. With `left_out` an option that this driver does
    not know is left out, and its name added there. Raises `UnknownOptionError` for an option that nobody knows,
    `ConfigurationError` for messages or values that cannot work, `UnsupportedFeatureError` for media that the driver
    does not read, before anything is sent.
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
                fields[name] = value if name in _NUMBERS or name in _CONVERTED else _typed(name, value)
        elif name in CALL_LIMITS:
            limits[name] = _typed(name, value) if name in _LABELS and value is not None else value
        elif name in driver.option_names:
            own[name] = value
        elif name in CHAT_LIMITS:
            limits[name] = _typed(name, value) if name in _LABELS and value is not None else value
        elif left_out is not None:
            left_out.append(name)
        else:
            known = {*PROMPT_OPTIONS, *CALL_LIMITS, *CHAT_LIMITS, *driver.option_names, "model"}
            raise unknown_option(driver, name, known)
    model = model or config.default_model
    if not model:
        raise ConfigurationError(
            f"no model is given for {config.name}: pass model=..., or set default_model for the connection"
        )
    if not isinstance(model, str):
        raise ConfigurationError(f"model must be the id of a model as text, not {model!r}")
    _convert(fields)
    prompt = Prompt(messages=make_messages(messages), model=model, stream=stream, options=own, **fields)
    fit_prompt(driver, prompt)
    return prompt, limits


def fit_prompt(driver: DriverHooks, prompt: Prompt) -> None:
    """Change a prompt to what the driver and the model are known to take, with a warning for each change.

    Calls and results are paired, options that the model refuses are left out, media that are not read become notes.
    Raises what `build_prompt` does.
    """
    is_plain = all(map(_is_plain, prompt.messages))
    if not is_plain and not any(prompt.options.get(name) for name in _KEPT_HISTORY):
        prompt.messages = mend_history(prompt.messages, prompt.warn)
    provider = driver.catalog_name or driver.name
    rules = find_rules(provider, prompt.model)
    if option_values(prompt) != NOTHING_GIVEN:
        fit_options(prompt, rules)
    if not is_plain:
        prompt.messages = own_messages(prompt.messages, driver.origins)
        prompt.messages = fit_media(
            prompt.messages,
            driver.capabilities,
            prompt.warn,
            driver.unsupported,
            rules.unread,
            driver.wire.image_types,
        )
    if prompt.tools or prompt.tool_choice is not None:
        _check_tool_choice(prompt)
    _check_content(prompt)


def _is_plain(message: AIMessage) -> bool:
    """Whether a message is text alone, which every driver takes."""
    return type(message.content) is str and not message.provider_data


def _check_tool_choice(prompt: Prompt) -> None:
    """Leave out a choice among no tools, with a warning. Raises `ConfigurationError` for a tool that is not offered."""
    choice = prompt.tool_choice
    names = [tool.name for tool in prompt.tools if isinstance(tool, ToolSpec)]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigurationError(f"two tools have the name {twice!r}: give each tool a name of its own")
    if choice in (None, "auto", "none"):
        return
    if not prompt.tools:
        if "prompt" not in prompt.options:  # a stored prompt has tools of its own
            prompt.tool_choice = None
            prompt.warn(f"tool_choice {choice!r} needs tools, and none were given; it was left out.")
    elif choice != "required" and choice not in names and len(names) == len(prompt.tools):
        raise ConfigurationError(
            f"tool_choice is {choice!r}, which is not a tool of this call; it has {', '.join(names)}"
        )


def _check_content(prompt: Prompt) -> None:
    """Raise `ConfigurationError` when no message but the system's says anything."""
    if prompt.options and any(prompt.options.get(name) for name in _STORED_INPUT):
        return
    for message in prompt.messages:
        if message.role in ("system", "developer"):
            continue
        if isinstance(message.content, str):
            if message.content.strip():
                return
        elif any(not isinstance(part, Text) or part.text.strip() for part in message.content):
            return
    raise ConfigurationError(
        "there is nothing to answer: the messages are blank or the system's alone; give a message with text or media"
    )


def make_messages(messages: object) -> list[AIMessage]:
    """Messages from a string, a message, a dict as OpenAI writes them, or a sequence of these.

    Raises `ConfigurationError` for anything else, and for no message at all.
    """
    if isinstance(messages, str | AIMessage | Mapping):
        return [_message(messages)]
    if isinstance(messages, bytes | bytearray | set | frozenset) or not isinstance(messages, Iterable):
        raise _no_message(messages)
    made = [_message(message) for message in messages]
    if not made:
        raise ConfigurationError("there is no message to send: give at least one")
    return made


def _message(message: object) -> AIMessage:
    if isinstance(message, str):
        return AIMessage(message)
    try:
        if isinstance(message, AIMessage):
            return _checked(message)
        if isinstance(message, Mapping):
            return read_message(message)
    except ValueError as error:
        raise ConfigurationError(f"a message cannot be read: {error}") from error
    raise _no_message(message)


def _checked(message: AIMessage) -> AIMessage:
    """The same message, with a list of parts for any other sequence of parts and texts."""
    content: object = message.content
    if message.role not in _ROLES:
        raise ValueError(f"its role must be one of {', '.join(_ROLES)}, not {message.role!r}")
    if isinstance(content, str):
        return message
    if not isinstance(content, list | tuple):
        raise ValueError(f"its content must be text or a list of parts, not {type(content).__name__}")
    if type(content) is list and all(isinstance(part, Part) for part in content):
        return message
    return msgspec.structs.replace(message, content=[read_part(part) for part in content])


def _no_message(given: object) -> ConfigurationError:
    advice = ""
    if isinstance(given, Media):
        advice = ": put it beside the text, AIMessage.user(['What is this?', image])"
    elif hasattr(given, "to_message"):
        advice = ": give what its to_message() returns"
    elif isinstance(given, bytes | bytearray):
        advice = ": decode it first, or make an Image, Audio or Document of it"
    return ConfigurationError(
        "a message must be a string, an AIMessage, or a dict with 'role' and 'content' "
        f"(messages: a list of these), not {type(given).__name__}{advice}"
    )


@functools.cache
def _types() -> dict[str, Any]:
    return {**get_type_hints(Prompt), **_ALSO_TAKEN, **_LABELS}


def _shown(value: Any) -> str:
    try:
        return f"{value!r:.200}"
    except RecursionError:
        return f"a {type(value).__name__} nested so deeply"


def _typed(name: str, value: Any) -> Any:
    """The value of an option, if it has the type of the prompt's field. Raises `ConfigurationError` otherwise."""
    if name == "stop" and isinstance(value, str):
        value = [value]
    kind = _types()[name]
    try:
        converted = convert(value, kind)
    except msgspec.ValidationError:
        try:
            value = converted = convert(msgspec.to_builtins(value, enc_hook=as_plain), kind)
        except (msgspec.ValidationError, TypeError) as error:
            problem = str(error).partition(" - ")[0].replace("Expected", "expected")
            raise ConfigurationError(f"{name} cannot be {_shown(value)}: {problem}") from error
    return value if isinstance(value, int | float | dict) else converted


def _convert(fields: dict[str, Any]) -> None:
    """Bring tools and the wanted form into the shapes that prompts hold."""
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


def unknown_option(driver: DriverHooks, name: str, known: Iterable[str]) -> UnknownOptionError:
    """The error for an option that is not among the known ones, with the nearest of them."""
    from difflib import get_close_matches  # for this error alone

    known = sorted(known)
    if name in _ADVICE and "model" in known:
        return UnknownOptionError(f"{name} is not an option: {_ADVICE[name]}")
    near = [_OTHER_NAMES[name]] if _OTHER_NAMES.get(name) in known else []
    near = near or get_close_matches(name, known, n=1, cutoff=0.6)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    return UnknownOptionError(
        f"{driver.config.name} does not know the option {name!r}.{meant} "
        "Options that only the provider knows go into extra={...}"
    )
