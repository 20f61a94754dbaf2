"""Whether a target can do what a call needs, as far as that is known: what is unknown stands against nobody."""

from __future__ import annotations

from ..contract import DriverHooks
from ..data.prompt import Prompt
from ..prices.catalog import ModelEntry, find
from .billing import estimate_input
from .connection import Connection

__all__ = ["find_misfit", "find_shortness", "find_window", "takes_prefill"]


def find_window(connection: Connection, model: str) -> int | None:
    """How many tokens a model reads, by the provider's list if it was read, else by the catalog or the driver."""
    for listed in connection.models.models or ():
        if listed.id == model and listed.context_length is not None:
            return listed.context_length
    entry = _entry(connection.driver, model)
    if entry is not None and entry.context_window is not None:
        return entry.context_window
    return connection.driver.capabilities.max_context_length


def takes_prefill(driver: DriverHooks, prompt: Prompt) -> bool:
    """Whether a prompt ends with the start of its answer, and the model goes on from there."""
    last = prompt.messages[-1]
    return last.role == "assistant" and not last.tool_calls and driver.wire.takes_prefill(prompt.model)


def find_misfit(
    connection: Connection, prompt: Prompt, *, exceeded: int | None, prefill: bool, is_first: bool
) -> str | None:
    """Why a target cannot do what a prompt needs, in words; `None` where nothing is known to stand against it.

    `exceeded` is the context that was too short already, in tokens (0 where it is unknown): then one that is known to
    be larger is needed. `prefill` says that the model has to go on from the start of its answer. The first target of a
    call (`is_first`) is asked as without fallbacks where only estimates, or what is the caller's choice, stand against
    it.
    """
    driver, able = connection.driver, connection.driver.capabilities
    entry = _entry(driver, prompt.model)
    if prompt.stream and not able.streaming:
        return "it does not stream"
    if prompt.tools and (not able.function_calling or (entry is not None and entry.tools is False)):
        return "it does not support tools"
    if prompt.response_format is not None and (
        "json" not in able.supported_formats or (entry is not None and entry.structured_output is False)
    ):
        return "it does not support structured output"
    if is_first:
        return None
    if prefill and not driver.wire.takes_prefill(prompt.model):
        return "it does not go on from the start of an answer"
    return find_shortness(connection, prompt.model, exceeded) or _too_short(connection, prompt)


def find_shortness(connection: Connection, model: str, exceeded: int | None) -> str | None:
    """Why a model does not read more than one whose context of `exceeded` tokens was too short."""
    window = find_window(connection, model)
    if exceeded is None or (window is not None and window > exceeded):
        return None
    known = "is not known" if window is None else f"has {window} tokens"
    return f"its context {known}, and a larger one is needed"


def _too_short(connection: Connection, prompt: Prompt) -> str | None:
    window = find_window(connection, prompt.model)
    if window is not None:
        needed = estimate_input(prompt) + (prompt.max_tokens or 0)
        if needed > window:
            return f"its context has {window} tokens, and about {needed} are needed"
    return None


def _entry(driver: DriverHooks, model: str) -> ModelEntry | None:
    """What the catalog says of a model, which says nothing of a server of one's own."""
    return None if driver.has_own_address() else find(driver.catalog_name or driver.name, model)
