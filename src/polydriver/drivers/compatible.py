"""Services that speak a known wire: one row each.

A row says where the service is, which variable holds its key, and what it does differently. `openai_compatible` makes
such a row for any other host.
"""

from __future__ import annotations

from typing import Any

from ..data.models import Capabilities
from ..driver import Driver
from .traits import CalculatesCosts, ErrorTable, HandlesErrors, ValidatesHealth
from .wires.chat_completions import ChatCompletions
from .wires.operations import (
    Batches,
    Embeddings,
    ImageGeneration,
    Reranking,
    Speech,
    Transcription,
    Translation,
)

__all__ = ["ROWS", "CompatibleDriver", "compatible_driver", "openai_compatible"]


class CompatibleDriver(ChatCompletions, HandlesErrors, ValidatesHealth, CalculatesCosts, Driver):
    """The common base of the rows: Chat Completions, with the common error table."""

    capabilities = Capabilities(
        streaming=True,
        function_calling=True,
        parallel_function_calling=True,
        vision=True,
        supported_formats=("text", "image", "json"),
    )
    errors = ErrorTable(branch="Compatible")


def openai_compatible(
    name: str,
    base_url: str,
    *,
    title: str | None = None,
    operations: tuple[type, ...] = (Embeddings,),
    **attributes: Any,
) -> type[CompatibleDriver]:
    """Make a driver class for any service that speaks OpenAI's Chat Completions.

    `name` is what it is called in configuration; its key is read from `NAME_API_KEY` (set `key_variables` for
    another). `operations` is what it does beyond chat, as classes of `polydriver.drivers.wires.operations`. Further
    `attributes` are the class attributes of `Driver` and `ChatCompletions`, such as `requires_key=False` for a local
    server. Raises `ValueError` for an attribute that they do not have.

    ::

        Acme = openai_compatible("acme", "https://llm.acme.example/v1")
        Acme({"api_key": "..."}).send_message("Hi", model="acme-1")
    """
    bases = (*operations, CompatibleDriver)
    unknown = [attribute for attribute in attributes if not any(hasattr(base, attribute) for base in bases)]
    if unknown:
        raise ValueError(f"a compatible driver has no attribute {', '.join(unknown)}")
    title = title or name.replace("_", " ").replace("-", " ").title()
    fields: dict[str, Any] = {
        "__module__": __name__,
        "__doc__": f"{title}, over Chat Completions.",
        "name": name,
        "title": title,
        "base_url": base_url,
        "key_variables": (f"{name.upper().replace('-', '_')}_API_KEY",),
        "errors": ErrorTable(branch="".join(word[:1].upper() + word[1:] for word in title.replace(".", " ").split())),
        **attributes,
    }
    return type(f"{fields['errors'].branch}Driver", bases, fields)


_TEXT_ONLY = Capabilities(
    streaming=True, function_calling=True, parallel_function_calling=True, supported_formats=("text", "json")
)
_LOCAL: dict[str, Any] = {"requires_key": False}

ROWS: dict[str, dict[str, Any]] = {
    "groq": {
        "title": "Groq",
        "base_url": "https://api.groq.com/openai/v1",
        "replay_reasoning": "reasoning",
        "operations": (Batches, Speech, Transcription, Translation),
        "default_purpose": "batch",
    },
    "deepseek": {
        "title": "DeepSeek",
        "base_url": "https://api.deepseek.com",
        "capabilities": _TEXT_ONLY,
        "replay_reasoning": "reasoning_content",
        "operations": (),
    },
    "xai": {"title": "XAI", "base_url": "https://api.x.ai/v1", "operations": (ImageGeneration,)},
    "together": {
        "title": "Together",
        "base_url": "https://api.together.xyz/v1",
        "operations": (Embeddings, ImageGeneration, Reranking, Speech, Transcription, Translation),
    },
    "fireworks": {"title": "Fireworks", "base_url": "https://api.fireworks.ai/inference/v1"},
    "cerebras": {
        "title": "Cerebras",
        "base_url": "https://api.cerebras.ai/v1",
        "max_tokens_field": "max_completion_tokens",
        "capabilities": _TEXT_ONLY,
        "operations": (),
    },
    "perplexity": {"title": "Perplexity", "base_url": "https://api.perplexity.ai", "operations": ()},
    "ollama_openai": {
        "title": "Ollama",
        "base_url": "http://localhost:11434/v1",
        "key_variables": ("OLLAMA_API_KEY",),
        "origin": "ollama",
        **_LOCAL,
    },
    "vllm": {
        "title": "VLLM",
        "base_url": "http://localhost:8000/v1",
        "operations": (Embeddings, Reranking, Transcription, Translation),
        **_LOCAL,
    },
    "lmstudio": {"title": "LM Studio", "base_url": "http://localhost:1234/v1", **_LOCAL},
    "llamacpp": {
        "title": "LlamaCpp",
        "base_url": "http://localhost:8080/v1",
        "operations": (Embeddings, Reranking),
        **_LOCAL,
    },
}
"""Names to what differs from `openai_compatible`'s defaults."""

_made: dict[str, type[CompatibleDriver]] = {}


def compatible_driver(name: str) -> type[CompatibleDriver]:
    """The driver class of a row, made once. Raises `KeyError` for a name without a row."""
    if name not in _made:
        _made[name] = openai_compatible(name, **ROWS[name])
    return _made[name]
