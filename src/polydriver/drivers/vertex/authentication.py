"""Authentication at Vertex AI: an API key, a token that is given, or tokens made from Google Cloud's credentials."""

from __future__ import annotations

from collections.abc import Generator

from ...data.http import Reply, Request
from ...errors import AIError, InvalidCredentialsError, error_branch
from ..traits.base import TraitBase
from .credentials import Credentials
from .tokens import Token, fetch_token

__all__ = ["AuthenticatesWithGoogle"]

_RENEWAL_SECONDS = 120.0
"""How long before its end a token is renewed, in seconds."""


class AuthenticatesWithGoogle(TraitBase):
    """Puts an access token on each request, and makes a new one when the last is about to end.

    The token is kept on the driver. Two calls that find none at the same time each make one; the later one stays.
    """

    credentials: Credentials | None = None
    _token: Token | None = None

    def headers(self) -> dict[str, str]:
        """The key or the token that was given, and the project that is billed."""
        headers = {}
        token, key = self.config.setting("access_token"), self.config.api_key
        if token:
            headers["authorization"] = f"Bearer {token.reveal()}"
        elif key:
            headers["x-goog-api-key"] = key.reveal()
        if project := self.config.setting("quota_project"):
            headers["x-goog-user-project"] = project
        return headers

    def authenticate(self, request: Request, now: float) -> Generator[Request, Reply, Request] | None:
        """The request with a token; yields the requests that a new one takes. `None` with a key or a given token."""
        return self._with_token(request, now) if self.credentials is not None else None

    def _with_token(self, request: Request, now: float) -> Generator[Request, Reply, Request]:
        token = self._token
        if token is None or token.expires - _RENEWAL_SECONDS <= now:
            assert self.credentials is not None
            token = self._token = yield from fetch_token(self.credentials, now, self._refused)
        request.headers["authorization"] = f"Bearer {token.value}"
        return request

    def _refused(self, reply: Reply, reason: str) -> AIError:
        """The error for a token that was refused."""
        if reply.status == 429 or reply.status >= 500:
            return self.map_error(reply)
        kind = error_branch(self.error_prefix)[InvalidCredentialsError]
        return kind(f"Google gave no access token: {reason}", provider=self.name, status=reply.status)
