"""Which driver a name stands for: modules of our own, rows of compatible services, and entry points of other
packages."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from ..driver import Driver

__all__ = ["ALIASES", "driver_class", "driver_names", "known_as", "unknown_name"]

ENTRY_POINTS = "polydriver.drivers"

_MODULES = {
    "anthropic": "anthropic:AnthropicDriver",
    "azure": "azure:AzureOpenAIDriver",
    "bedrock": "bedrock:BedrockDriver",
    "cohere": "cohere:CohereDriver",
    "jina": "jina:JinaDriver",
    "ollama": "ollama:OllamaDriver",
    "voyage": "voyage:VoyageDriver",
    "openai": "openai:OpenAIDriver",
    "gemini": "gemini:GeminiDriver",
    "mistral": "mistral:MistralDriver",
    "mock": "mock:MockDriver",
    "openrouter": "openrouter:OpenRouterDriver",
    "perplexity": "perplexity:PerplexityDriver",
    "snowflake": "snowflake:SnowflakeDriver",
    "vertexai": "vertex:VertexAIDriver",
}


ALIASES = {
    "ai_studio": "gemini",
    "amazon": "bedrock",
    "amazon_bedrock": "bedrock",
    "aws": "bedrock",
    "aws_bedrock": "bedrock",
    "azure_ai": "azure",
    "azure_openai": "azure",
    "chatgpt": "openai",
    "claude": "anthropic",
    "dashscope": "alibaba",
    "fireworks_ai": "fireworks",
    "glm": "zai",
    "google": "gemini",
    "google_ai": "gemini",
    "google_gemini": "gemini",
    "google_genai": "gemini",
    "google_vertex": "vertexai",
    "gpt": "openai",
    "grok": "xai",
    "hf": "huggingface",
    "kimi": "moonshot",
    "llama_cpp": "llamacpp",
    "lm_studio": "lmstudio",
    "mistralai": "mistral",
    "nvidia_nim": "nvidia",
    "qwen": "alibaba",
    "together_ai": "together",
    "vertex": "vertexai",
    "vertex_ai": "vertexai",
    "voyageai": "voyage",
}
"""What people call some drivers, and their names here."""


def known_as(name: str) -> str | None:
    """The driver that is meant by another spelling of its name (`OpenAI`, `open-router`) or an alias, if any is."""
    meant = {_plain(driver): driver for driver in driver_names()}
    meant = {**{_plain(alias): driver for alias, driver in ALIASES.items()}, **meant}
    return meant.get(_plain(name))


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))


def driver_class(name: str) -> type[Driver]:
    """The driver class of a name: ours, then a row's, then that of another package's entry point.

    No package can take the place of a driver of ours behind one's back; `AI.extend` can. Raises `ConfigurationError`
    with the names that exist.
    """
    if home := _MODULES.get(name):
        module, _, attribute = home.partition(":")
        return getattr(import_module(f"{__name__}.{module}"), attribute)  # type: ignore[no-any-return]
    from .rows import ROWS

    if name in ROWS:
        from .compatible import compatible_driver

        return compatible_driver(name)
    found = _from_entry_point(name)
    if found is None:
        raise unknown_name("driver", name, driver_names())
    return found  # type: ignore[no-any-return]


def driver_names() -> list[str]:
    """All names that a connection can use as its driver, sorted."""
    from .rows import ROWS

    return sorted({*_MODULES, *ROWS, *_entry_points()})


def unknown_name(what: str, name: str, known: list[str]) -> ConfigurationError:
    """The error for a name that stands for no driver or provider, with the nearest one that does."""
    alias = known_as(name) if isinstance(name, str) else None
    from difflib import get_close_matches  # for this error alone

    near = [alias] if alias in known else get_close_matches(name, known, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    return ConfigurationError(
        f"there is no {what} {name!r}.{meant} Known: {', '.join(known)}",
        hint=f"A driver of another package is there once that is installed; its pyproject.toml names it under "
        f"[project.entry-points.{ENTRY_POINTS!r}]. One of your own modules: ai.extend(name, driver).",
    )


_found: dict[str, Any] | None = None


def _entry_points() -> dict[str, Any]:
    global _found
    if _found is None:
        from importlib.metadata import entry_points

        _found = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    return _found


def _from_entry_point(name: str) -> Any:
    point = _entry_points().get(name)
    if point is None:
        return None
    try:
        return point.load()
    except Exception as error:
        raise ConfigurationError(f"the driver {name!r} of {point.value} cannot be loaded: {error}") from error
