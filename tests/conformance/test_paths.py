"""Names and ids in paths: none leads to another path than that of its operation, on any wire and any operation."""

from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from polydriver import AIError, AIMessage, ConfigurationError
from polydriver.data.http import Request
from polydriver.data.prompt import Prompt
from polydriver.drivers import driver_class, driver_names
from polydriver.engine.transports.address import locate
from polydriver.testing.conformance.base import example_config

_NAMES = (
    "..",
    ".",
    "../x",
    "a/../b",
    "a/./b",
    "%2e%2e",
    "..%2fx",
    "..\\x",
    "x?y=1",
    "x#y",
    "a\nb",
    "arn:aws:x/../../y",
)


@pytest.mark.parametrize("extra", [{}, {"api": "chat"}, {"api": "responses"}, {"api_version": "2024-10-21"}])
@pytest.mark.parametrize("name", sorted(driver_names()))
def test_names_of_models(name: str, extra: dict[str, Any]) -> None:
    kind = driver_class(name)
    if not {setting.name for setting in kind.settings} >= extra.keys():
        extra = {}
    driver = kind({**example_config(kind), **extra})
    for model in _NAMES:
        for stream in (False, True):
            prompt = Prompt(messages=[AIMessage.user("Hi")], model=model, stream=stream)
            with contextlib.suppress(AIError):
                _check(driver.build_request(prompt))


def _check(request: Request) -> None:
    parts = urlsplit(request.url)
    segments = unquote(parts.path).replace("\\", "/").split("/")
    assert not {".", ".."} & set(segments), request.url
    assert "y=1" not in parts.query
    assert not parts.fragment
    assert "\n" not in request.url


@pytest.mark.parametrize("path", ["a/../b", "..", "./a", "%2e%2E/a", "a/%2e", "..%2Fa", "a\\..\\b"])
def test_no_transport_sends_such_a_path(path: str) -> None:
    with pytest.raises(ConfigurationError, match="segment"):
        locate(f"https://host/v1/{path}?x=1")


@pytest.mark.parametrize("path", ["a.b", "...", ".a", "a..", "v1.5/%2Fmodels", "a?x=/../", "a%3A..b"])
def test_other_dots_are_names(path: str) -> None:
    assert locate(f"https://host/{path}").origin.host == "host"
