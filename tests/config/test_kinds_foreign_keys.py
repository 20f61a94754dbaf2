"""Keys of another service are refused where that cannot be wrong."""

from __future__ import annotations

import pytest

from polydriver import ConfigurationError
from polydriver.config.kinds import _ISSUERS
from polydriver.drivers import driver_class


@pytest.mark.parametrize("driver", sorted(set(_ISSUERS.values())))
@pytest.mark.parametrize("start", sorted(_ISSUERS))
def test_only_its_own(driver: str, start: str) -> None:
    kind, key = driver_class(driver), f"{start}0123456789abcdef"
    if _ISSUERS[start] == driver:
        kind({"api_key": key})
        return
    with pytest.raises(ConfigurationError) as caught:
        kind({"api_key": key})
    assert key not in str(caught.value)
    kind({"api_key": key, "base_url": "http://localhost:4000/v1"})


@pytest.mark.parametrize("driver", ["deepseek", "helicone", "mistral", "litellm"])
def test_who_may_have_any_key_takes_any(driver: str) -> None:
    for start in _ISSUERS:
        driver_class(driver)({"api_key": f"{start}0123456789abcdef"})


def test_the_key_of_anthropic_is_named() -> None:
    with pytest.raises(ConfigurationError, match="begins with 'sk-ant-', so it is a key of anthropic"):
        driver_class("openai")({"api_key": "sk-ant-api03-0123456789abcdef"})
