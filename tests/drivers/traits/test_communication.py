"""Headers that come from the settings, and the ones of every request."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from tests.faults.server import READ, Server, reply

from polydriver.config import Setting
from polydriver.drivers.openai import OpenAIDriver
from polydriver.drivers.openrouter import OpenRouterDriver

KEY = "sk-0123456789abcdef"
ANSWER = (
    b'{"id": "x", "model": "m", "choices": [{"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}]}'
)


class Guarded(OpenAIDriver):
    """A service that wants a second secret in a header."""

    name = "guarded"
    settings = (*OpenAIDriver.settings, Setting("gate", secret=True))
    setting_headers: ClassVar[dict[str, str]] = {**OpenAIDriver.setting_headers, "gate": "x-gate"}


def test_settings_go_out_as_headers_where_they_are_set() -> None:
    given = {"openai-organization": "org-1", "authorization": f"Bearer {KEY}"}
    assert OpenAIDriver({"api_key": KEY}, organization="org-1").headers() == given
    assert OpenAIDriver({"api_key": KEY}).headers() == {"authorization": f"Bearer {KEY}"}
    names = OpenRouterDriver({"api_key": KEY}, referer="https://me.example", app_title="Mine").headers()
    assert (names["http-referer"], names["x-title"]) == ("https://me.example", "Mine")


def test_a_secret_setting_goes_out_and_does_not_show() -> None:
    driver = Guarded({"api_key": KEY}, gate="gate-0123456789")
    headers = driver.headers()
    assert headers["x-gate"] == "gate-0123456789"
    assert "gate-0123456789" not in f"{headers!r} {vars(driver)!r}"
    headers["x-gate"] = "changed"
    assert driver.headers()["x-gate"] == "gate-0123456789", "who changes them changes one request"


@pytest.mark.parametrize(("headers", "agent"), [({}, "polydriver/"), ({"User-Agent": "mine/1"}, "mine/1")])
def test_the_user_agent_is_ours_or_the_one_of_the_settings(headers: dict[str, Any], agent: str) -> None:
    with Server([READ, reply(ANSWER, headers={"content-type": "application/json"})]) as server:
        settings = {"api_key": KEY, "base_url": f"{server.url}/v1", "headers": headers}
        with OpenAIDriver(settings) as driver:
            driver.send_message("Hi", model="gpt-4o-mini")
        assert server.requests[0].headers["user-agent"].startswith(agent)
