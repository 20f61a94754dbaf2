"""Checks that the key stays where it belongs."""

from __future__ import annotations

import asyncio
import pickle

from ...data.http import Simulated
from ...data.json import encode_json
from ...errors import AIError
from .base import ConformanceBase

__all__ = ["SecretChecks"]


class SecretChecks(ConformanceBase):
    """Whether the key shows up anywhere but in a header."""

    def test_config_is_masked(self) -> None:
        """`get_config()` masks the key."""
        shown = repr(self.subject.get_config())
        assert self.key not in shown, "get_config() shows the key"
        assert self.subject.get_config()["name"], "get_config() has no name"

    def test_key_is_not_shown(self) -> None:
        """`repr`, `str` and pickles do not show the key."""
        driver = self.subject
        for text in (
            repr(driver),
            str(driver),
            repr(driver.config),
            str(driver.config),
            repr(driver.asynchronous()),
        ):
            assert self.key not in text, f"the key shows in {text[:100]!r}"
        assert self.key.encode() not in pickle.dumps(driver.config), "a pickle of the config holds the key"

    def test_key_is_not_in_requests_but_headers(self) -> None:
        """URL and body of a request do not hold the key."""
        self.needs_chat()
        request = self.subject.build_request(self.prompt())
        assert self.key not in request.url, "the key is in the URL: it belongs in a header"
        assert self.key.encode() not in (request.body or b""), "the key is in the body: it belongs in a header"
        assert self.key not in repr(request), "repr() of the request shows the key"

    def test_errors_do_not_echo_the_key(self) -> None:
        """An error does not show the key, even when the server echoes it."""
        self.needs_chat()
        for status in (400, 401, 500):
            echo = {
                "error": {"message": f"bad key {self.key}", "type": "x", "code": self.key},
                "detail": self.key,
            }
            driver = self.connected(Simulated(status=status, chunks=[encode_json(echo)]))
            for error in (_error_of(driver), _async_error_of(driver)):
                for shown in (str(error), repr(error), repr(error.details)):
                    assert self.key not in shown, (
                        f"the error for HTTP {status} shows the key that the server echoed: {shown[:200]}"
                    )
                assert self.key.encode() not in pickle.dumps(error), (
                    f"a pickle of the error for HTTP {status} holds the key"
                )


def _error_of(driver: object) -> AIError:
    try:
        driver.send_message("Hello", model="m")  # type: ignore[attr-defined]
    except AIError as error:
        return error
    raise AssertionError("an HTTP error was taken for an answer")


def _async_error_of(driver: object) -> AIError:
    async def run() -> AIError:
        provider = driver.asynchronous()  # type: ignore[attr-defined]
        try:
            await provider.send_message("Hello", model="m")
        except AIError as error:
            return error
        finally:
            await provider.aclose()
        raise AssertionError("an HTTP error was taken for an answer")

    return asyncio.run(run())
