"""Checks that the key stays where it belongs."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
from collections.abc import Iterator
from typing import Any

from ...data.http import Request, Simulated
from ...data.json import encode_json
from ...errors import AIError
from ...operations.kinds import OPERATIONS
from .base import JSON_HEADERS, ConformanceBase
from .operations import EXAMPLES

__all__ = ["SecretChecks"]

_MOMENT = 1_767_225_600.0


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

    def test_every_request_is_authenticated(self) -> None:
        """Each request that goes out, of chat, streams, models, their pages and operations, carries the same
        credentials as a chat request, and the key in no other place."""
        prove: set[str] | None = None
        for what, request in self._all_requests():
            assert self.key not in request.url, f"{what}: the key is in the URL: it belongs in a header"
            assert self.key.encode() not in (request.body or b""), f"{what}: the key is in the body"
            proofs = self._proofs(request)
            if prove is None:
                prove = proofs
            missing = prove - proofs
            assert not missing, (
                f"{what}: the request lacks {', '.join(sorted(missing))}, with which the others say who asks"
            )

    def test_a_secret_that_signs_is_not_sent(self) -> None:
        """A key that makes signatures is in no request; signing is repeatable and changes nothing that it is given."""
        self.needs_chat()
        plain = self.subject.build_request(self.prompt())
        if any(self.key in value for value in plain.headers.values()):
            self.skip(f"{self.driver.name} sends its key")
        before = Request(method=plain.method, url=plain.url, headers=dict(plain.headers), body=plain.body)
        first, second = (self.subject.sign(plain, _MOMENT) for _ in range(2))
        assert first == second, "sign() gives another signature for the same request at the same time"
        assert (plain.headers, plain.body, plain.url) == (before.headers, before.body, before.url), (
            "sign() changes the request that it is given: it is signed anew for each attempt"
        )
        if first == plain:
            self.skip(f"{self.driver.name} does not sign")
        shown = [first.url, (first.body or b"").decode("utf-8", "replace"), *first.headers.values()]
        assert not any(self.key in text for text in shown), "the secret that makes the signature is sent along with it"
        assert (first.body, first.url) == (plain.body, plain.url), "sign() changes what it signs"
        others = {
            "the body": self.subject.sign(self.subject.build_request(self.prompt("Another text")), _MOMENT),
            "the time": self.subject.sign(plain, _MOMENT + 3600),
        }
        for what, other in others.items():
            assert self._proof_values(other) != self._proof_values(first), f"the signature does not depend on {what}"

    def _all_requests(self) -> Iterator[tuple[str, Request]]:
        """One request of each kind, as it goes out."""
        answers = Simulated(status=200, headers=JSON_HEADERS, chunks=[b"{}"])
        if self.has("build_request"):
            yield from self._sent(
                "chat", answers, lambda driver: driver.send_message("Hello", model=self.model, **self.options)
            )
            if self.subject.supports_streaming():
                yield from self._sent("streams", answers, self._stream_once)
        if self.lists_models():
            fixtures = self.fixtures_or_none()
            pages = [body for body in (fixtures.models_reply, *fixtures.models_pages) if body] if fixtures else []
            replies = [Simulated(headers=JSON_HEADERS, chunks=[body]) for body in pages] or [answers]
            yield from self._sent("models", *replies, run=lambda driver: driver.get_available_models())
        for kind in OPERATIONS.values():
            if self.subject.operation(kind) is not None and (example := EXAMPLES.get(kind.method)) is not None:
                yield from self._sent(
                    kind.method,
                    answers,
                    run=lambda driver: example.call(driver, kind.method, self.model),  # noqa: B023
                )

    def _stream_once(self, driver: Any) -> None:
        with driver.send_streaming_message("Hello", model=self.model, **self.options) as answer:
            answer.until_done()

    def _sent(self, what: str, *replies: Any, run: Any = None) -> Iterator[tuple[str, Request]]:
        if run is None:
            *replies, run = replies  # type: ignore[assignment]
        driver = self.connected(*replies)
        with contextlib.suppress(AIError):
            run(driver)
        for request in self.sent:
            yield what, request

    def _proofs(self, request: Request) -> set[str]:
        """The headers with the credentials: those with the key in them, and those that signing adds or changes."""
        found = {name for name, value in request.headers.items() if self.key in value}
        bare = Request(method=request.method, url=request.url, body=request.body)
        return found | {name for name in self.subject.sign(bare, _MOMENT).headers if name in request.headers}

    def _proof_values(self, request: Request) -> dict[str, str]:
        bare = Request(method=request.method, url=request.url, body=request.body)
        return {
            name: request.headers[name]
            for name in self.subject.sign(bare, _MOMENT).headers
            if "time" not in name and "date" not in name
        }

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
