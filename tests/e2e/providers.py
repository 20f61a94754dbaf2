"""Which providers are tried: one server that is named by its base URL, or all that the environment has keys for."""

from __future__ import annotations

import os
from typing import Any

import pytest

from polydriver import (
    AIModel,
    CredentialReport,
    InvalidRequestError,
    Provider,
    ServerError,
    UnsupportedFeatureError,
    openai_compatible,
)
from polydriver.drivers import driver_class

BASE_URL = os.environ.get("E2E_BASE_URL", "").strip()
"""The address of the one server to test, with the path that its API has, such as `http://127.0.0.1:8080/v1`."""

PROVIDER = os.environ.get("E2E_PROVIDER", "").strip() or "server"
"""The driver for that server; by default one for any OpenAI-compatible service."""

MAX_TOKENS = int(os.environ.get("E2E_MAX_TOKENS", "").strip() or 2000)
"""The output of each call, in tokens. The default is enough for a model that reasons first."""

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
ALL = (
    [pytest.param(PROVIDER, id=PROVIDER, marks=pytest.mark.e2e)]
    if BASE_URL
    else [pytest.param(name, id=name, marks=pytest.mark.e2e(provider=name)) for name in CHEAP_MODELS]
)


def kind_of(name: str) -> type[Provider]:
    """The driver's class."""
    return openai_compatible("server", BASE_URL, requires_key=False) if name == "server" else driver_class(name)


def make(name: str, **settings: Any) -> Provider:
    """A provider with the settings of the environment, but a short temper."""
    given: dict[str, Any] = {"timeout": 60, "deadline": 90}
    if BASE_URL:
        key = os.environ.get("E2E_API_KEY") or f"{kind_of(name).key_prefix or ''}any-key-will-do"
        given |= {"base_url": BASE_URL, "api_key": key}
    return kind_of(name)({**given, **settings})


def bad_key(name: str) -> str:
    """A key in the provider's form that opens nothing."""
    return f"{kind_of(name).key_prefix or ''}polydriver-e2e-{'0' * 24}"


def model_for(provider: Provider) -> str:
    """The model to ask: the one that the environment names, the cheap one, or the first of a local server."""
    chosen = os.environ.get("E2E_MODEL")
    if not chosen and not BASE_URL:
        chosen = CHEAP_MODELS[provider.get_name()]
    return chosen or first_chat_model(provider.get_available_models()).id


def first_chat_model(models: list[AIModel]) -> AIModel:
    """The first model that can be talked to. Skips the test when there is none."""
    for model in models:
        if model.type in (None, "chat"):
            return model
    pytest.skip("this server has no model to talk to: load one first")


def takes_any_key(name: str) -> bool:
    """Whether a server lets everybody in: a local one, or one that does not refuse a key that opens nothing."""
    if not BASE_URL:
        return name in LOCAL
    with make(name, api_key=bad_key(name)) as provider:
        report = provider.validate_credentials()
        return bool(report) or cannot_be_asked(report)


def cannot_be_asked(report: CredentialReport) -> bool:
    """Whether the one server lacks what keys are checked with, a list of models mostly."""
    return bool(BASE_URL) and (report.error_type or "").endswith("InvalidRequestError")


class may_lack:  # noqa: N801 - reads as a statement: `with may_lack("tools")`
    """Skips a test when the server itself says that it has no such thing; for servers named by a base URL."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        refused = isinstance(error, UnsupportedFeatureError | InvalidRequestError) or (
            isinstance(error, ServerError) and error.status in (500, 501)
        )
        if BASE_URL and refused:
            pytest.skip(f"the server refuses {self.what}: {' '.join(str(error).split())}")
