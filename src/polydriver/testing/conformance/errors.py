"""Checks of how failures are mapped onto the tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import errors as tree
from ...data.http import Reply, Simulated
from ...data.json import decode_json
from ...errors import AIError, ProviderError, error_branch
from .base import JSON_HEADERS, STREAM_HEADERS, ConformanceBase, only_our_errors
from .mutations import HOSTILE_BODIES, json_leaves

__all__ = ["ErrorChecks"]

_STATUSES: dict[int, str] = {
    400: "InvalidRequestError",
    401: "InvalidCredentialsError",
    403: "InvalidCredentialsError",
    404: "InvalidRequestError",
    408: "APITimeoutError",
    413: "InvalidRequestError",
    422: "InvalidRequestError",
    429: "RateLimitError",
    500: "ServerError",
    502: "ServerError",
    503: "ServerError",
    529: "ServerError",
}
_RETRYABLE = frozenset({408, 429, 500, 502, 503, 529})
_PLAIN_BODIES: tuple[bytes, ...] = (
    b"",
    b"no",
    b'"no"',
    b"{}",
    b"[]",
    b'{"error": {"message": "no"}}',
    b'{"detail": "no"}',
)
_HTML = b"<html><head><title>No</title></head><body>no</body></html>"


class ErrorChecks(ConformanceBase):
    """Whether each failure becomes the right class, in the driver's own branch."""

    def test_statuses_are_mapped(self) -> None:
        """Each HTTP status is of the right class, whatever the body, and retried if that helps."""
        table = getattr(self.driver, "errors", None)
        own = {**(dict(table.statuses) if table is not None else {}), **self.expected_statuses}
        for status, name in _STATUSES.items():
            wanted = getattr(tree, self.expected_statuses.get(status, name))
            if status in own and status not in self.expected_statuses:
                continue
            for body in (*_PLAIN_BODIES, _HTML):
                error = self._map(status, body)
                assert isinstance(error, wanted), (
                    f"HTTP {status} with {body!r} is {type(error).__name__}, not {wanted.__name__}"
                )
                if status not in own:
                    retried = status in _RETRYABLE
                    assert error.retryable == retried, f"HTTP {status} must {'' if retried else 'not '}be retried"

    def test_errors_are_complete(self) -> None:
        """Errors are in the driver's branch and carry status, provider, request id and message."""
        branch = error_branch(self.subject.error_prefix)
        for status in _STATUSES:
            error = self._map(status, b'{"error": {"message": "conformance message"}}', {"x-request-id": "req-1"})
            assert isinstance(error, branch[ProviderError]), f"{type(error).__name__} is not in the driver's branch"
            assert error.status == status, f"the error for HTTP {status} has status {error.status}"
            assert error.provider, "the error names no provider"
            assert error.request_id == "req-1", "the error does not carry the request's id"
            assert "conformance message" in str(error), f"the provider's own words are lost: {error}"

    def test_known_errors_are_mapped(self) -> None:
        """The fixtures' errors are of the classes that they name, for callers of whole answers and of streams."""
        self.needs_chat()
        for status, body, name, *facts in self.replies.error_replies:
            if status >= 300:
                self._check_facts(f"HTTP {status} with {body!r}", self._map(status, body), name, body, *facts)
            for stream in {False, self.subject.supports_streaming() and status >= 300}:
                for who, got in self.outcomes(
                    Simulated(status=status, headers=JSON_HEADERS, chunks=[body]), stream=stream
                ):
                    self._check_facts(f"HTTP {status} with {body!r}, for {who},", got, name, body, *facts)

    def test_errors_in_streams_are_raised(self) -> None:
        """An error that comes in a stream is raised as the class that the fixtures name."""
        self.needs("streaming")
        self.needs_chat()
        if not self.replies.stream_errors:
            self.skip("the fixtures have no stream_errors")
        for body, name in self.replies.stream_errors:
            for who, got in self.outcomes(Simulated(headers=STREAM_HEADERS, chunks=[body]), stream=True):
                self._check_facts(f"the stream {body!r}, for {who},", got, name, b"")

    def test_an_error_is_never_an_answer(self) -> None:
        """A reply that holds an error, or nothing, is not an answer although its status is 200: whole or streamed."""
        self.needs_chat()
        bodies = [*HOSTILE_BODIES, *(body for _, body, *_ in self.replies.error_replies)]
        for body in bodies:
            for stream in {False, self.subject.supports_streaming()}:
                who, got = next(self.outcomes(Simulated(headers=JSON_HEADERS, chunks=[body]), stream=stream))
                assert isinstance(got, AIError), f"{body[:100]!r} with HTTP 200 is an answer for {who}: {got}"

    def test_strange_errors_are_mapped(self) -> None:
        """Error bodies of any kind are mapped."""
        for status in (302, 400, 500):
            for body in HOSTILE_BODIES:
                only_our_errors("map_error", lambda: self._check(status, body), body)  # noqa: B023

    def _check_facts(
        self, what: str, error: Any, name: str, body: bytes, facts: Mapping[str, Any] | None = None
    ) -> None:
        wanted = getattr(tree, name)
        if isinstance(error, tree.StreamInterruptedError) and wanted is not tree.StreamInterruptedError:
            assert error.partial is not None, f"{what} has lost what came before the error"
            error = error.__cause__  # content had come: the cause says why no more does
        assert isinstance(error, wanted), f"{what} is {type(error).__name__} ({error}), not {name}"
        words = [text for text in _sentences(body) if text in str(error)]
        assert words or not _sentences(body), f"{what} loses what the service says: {error}"
        for attribute, value in (facts or {}).items():
            got = getattr(error, attribute)
            assert got == value, f"{what} has {attribute} {got!r}, not {value!r}"

    def _check(self, status: int, body: bytes) -> None:
        error = self._map(status, body)
        assert isinstance(error, AIError), f"map_error gives a {type(error).__name__}"
        str(error)

    def _map(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> ProviderError:
        return self.subject.map_error(Reply(status=status, headers=headers or {}, body=body))


def _sentences(body: bytes) -> list[str]:
    """The texts in a body that are for people: of several words."""
    try:
        leaves = list(json_leaves(decode_json(body)))
    except ValueError:
        return []
    return [text for _, text in leaves if isinstance(text, str) and " " in text.strip() and text.isascii()]
