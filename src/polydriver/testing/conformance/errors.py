"""Checks of how failures are mapped onto the tree."""

from __future__ import annotations

from ... import errors as tree
from ...data.http import Reply
from ...errors import AIError, ProviderError, error_branch
from .base import ConformanceBase, only_our_errors
from .mutations import HOSTILE_BODIES

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
        """The fixtures' errors are of the classes that they name."""
        self.needs_chat()
        for status, body, name in self.replies.error_replies:
            error = self._map(status, body)
            assert isinstance(error, getattr(tree, name)), (
                f"HTTP {status} with {body!r} is {type(error).__name__}, not {name}"
            )

    def test_strange_errors_are_mapped(self) -> None:
        """Error bodies of any kind are mapped."""
        for status in (302, 400, 500):
            for body in HOSTILE_BODIES:
                only_our_errors("map_error", lambda: self._check(status, body), body)  # noqa: B023

    def _check(self, status: int, body: bytes) -> None:
        error = self._map(status, body)
        assert isinstance(error, AIError), f"map_error gives a {type(error).__name__}"
        str(error)

    def _map(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> ProviderError:
        return self.subject.map_error(Reply(status=status, headers=headers or {}, body=body))
