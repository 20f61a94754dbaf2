"""People write a base URL with or without the version of the API: both mean the same, and nothing is doubled."""

from __future__ import annotations

from typing import Any

import pytest

from polydriver.data.messages import AIMessage
from polydriver.data.prompt import Prompt
from polydriver.drivers import driver_class, driver_names
from polydriver.drivers.compatible import openai_compatible
from polydriver.errors import ConfigurationError
from polydriver.testing.conformance.base import example_config

HOST = "https://gateway.example"
GEMINI = "models/gemini-2.5-flash:generateContent"
VERTEX = f"v1/projects/p/locations/global/publishers/google/{GEMINI}"
DATED = {"api_version": "2024-10-21", "deployment": "d"}


@pytest.mark.parametrize(
    ("name", "ending", "path"),
    [
        ("openai", "/v1", "v1/chat/completions"),
        ("openai", "/v1/", "v1/chat/completions"),
        ("mistral", "/v1", "v1/chat/completions"),
        ("anthropic", "", "v1/messages"),
        ("anthropic", "/proxy/v1", "proxy/v1/messages"),
        ("cohere", "", "v2/chat"),
        ("cohere", "/v1", "v2/chat"),
        ("cohere", "/v2/", "v2/chat"),
        ("gemini", "", f"v1beta/{GEMINI}"),
        ("gemini", "/v1", f"v1/{GEMINI}"),
        ("gemini", "/proxy/v1beta", f"proxy/v1beta/{GEMINI}"),
        ("ollama", "", "api/chat"),
        ("ollama", "/api", "api/chat"),
        ("ollama", "/v1", "api/chat"),
        ("azure", "", "openai/v1/chat/completions"),
        ("azure", "/openai/v1", "openai/v1/chat/completions"),
        ("vertexai", "", VERTEX),
        ("vertexai", "/v1", VERTEX),
        ("vertexai", "/v1beta1", VERTEX),
        ("bedrock", "", "model/gemini-2.5-flash/converse"),
    ],
)
def test_where_a_prompt_goes(name: str, ending: str, path: str) -> None:
    assert url_of(name, ending) == f"{HOST}/{path}"


@pytest.mark.parametrize("ending", ["", "/openai"])
def test_azure_by_date_has_the_deployment_in_its_path(ending: str) -> None:
    url = url_of("azure", ending, **DATED)
    assert url == f"{HOST}/openai/deployments/d/chat/completions?api-version=2024-10-21"


def url_of(name: str, ending: str, **settings: Any) -> str:
    """The address of a prompt's request, with this ending of the base URL."""
    needed = {"vertexai": {"project": "p"}, "bedrock": {"region": "eu-west-1"}}.get(name, {})
    driver = driver_class(name)({"api_key": "sk-test-1234567890", "base_url": HOST + ending, **needed, **settings})
    return driver.build_request(Prompt(messages=[AIMessage("Hi")], model="gemini-2.5-flash", max_tokens=5)).url


@pytest.mark.parametrize(
    "url",
    [
        "https://user:hunter2@host/v1",
        "https://hunter2@host/v1",
        "https://host/v1?key=hunter2",
        "https://host/v1#hunter2",
        "ftp://host/hunter2",
        "https://host:99999/hunter2",
        "https://ho st/hunter2",
        "host/hunter2",
    ],
)
def test_base_urls_are_checked_wherever_they_are_given(url: str) -> None:
    attribute = type("Own", (driver_class("openai"),), {"name": "own", "base_url": url, "key_prefix": None})
    for make in (
        lambda: openai_compatible("acme", url),
        lambda: attribute({"api_key": "0123456789"}),
        lambda: driver_class("openai")({"api_key": "0123456789", "base_url": url}),
        lambda: openai_compatible("acme", "https://host/v1")({"api_key": "0123456789", "base_url": url}),
    ):
        with pytest.raises(ConfigurationError, match="base_url") as caught:
            make()
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(driver_names()))
@pytest.mark.parametrize("url", ["https://user:hunter2@host", "https://host/?key=hunter2", "ftp://hunter2"])
def test_every_setting_that_is_an_address_is_checked(name: str, url: str) -> None:
    kind = driver_class(name)
    for setting in kind.settings:
        if setting.kind == "url" or setting.name.endswith(("url", "endpoint", "authority")):
            with pytest.raises(ConfigurationError, match=setting.name) as caught:
                kind({**example_config(kind), setting.name: url})
            assert "hunter2" not in str(caught.value)
