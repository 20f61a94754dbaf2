"""Which providers are tried, each with a cheap model of its own."""

from __future__ import annotations

import os
from typing import Any

import pytest

from polydriver import AIModel, Provider
from polydriver.drivers import driver_class

# Local servers have no model of which one could be sure: they are asked for their first.
CHEAP_MODELS: dict[str, str | None] = {
    "anthropic": "claude-haiku-4-5",
    "cerebras": "gpt-oss-120b",
    "cohere": "command-r7b-12-2024",
    "deepseek": "deepseek-chat",
    "fireworks": "accounts/fireworks/models/gpt-oss-20b",
    "gemini": "gemini-2.5-flash-lite",
    "groq": "openai/gpt-oss-20b",
    "llamacpp": None,
    "lmstudio": None,
    "mistral": "mistral-small-latest",
    "ollama": None,
    "openai": "gpt-4o-mini",
    "openrouter": "openai/gpt-4o-mini",
    "perplexity": "sonar",
    "together": "meta-llama/Llama-3.3-70B-Instruct-Turbo",
    "vllm": None,
    "xai": "grok-3-mini",
}

LOCAL = [name for name, model in CHEAP_MODELS.items() if model is None]
ALL = [pytest.param(name, id=name, marks=pytest.mark.e2e(provider=name)) for name in CHEAP_MODELS]


def make(name: str, **settings: Any) -> Provider:
    """A provider with the settings of the environment, but a short temper."""
    return driver_class(name)({"timeout": 60, "deadline": 90, **settings})


def bad_key(name: str) -> str:
    """A key in the provider's form that opens nothing."""
    return f"{driver_class(name).key_prefix or ''}polydriver-e2e-{'0' * 24}"


def model_for(provider: Provider) -> str:
    """The model to ask: the one that the environment names, the cheap one, or the first of a local server."""
    chosen = os.environ.get("POLYDRIVER_E2E_MODEL") or CHEAP_MODELS[provider.get_name()]
    return chosen or first_chat_model(provider.get_available_models()).id


def first_chat_model(models: list[AIModel]) -> AIModel:
    """The first model that can be talked to. Skips the test when there is none."""
    for model in models:
        if model.type in (None, "chat"):
            return model
    pytest.skip("this server has no model to talk to: load one first")
