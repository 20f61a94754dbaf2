"""Authentication at Azure OpenAI: a key, or a token of Microsoft Entra.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from ...data.http import Reply, Request
from ...data.json import as_dict, as_int, as_str, decode_json
from ...data.sealed import SealedBytes, SealedText, seal
from ...errors import AIError, InvalidCredentialsError, error_branch
from ..traits.base import TraitBase

__all__ = ["AuthenticatesWithEntra"]

_RENEWAL_SECONDS = 120.0
"""How long before its end a token is renewed, in seconds."""
_LIFETIME = 3600


class _Token(msgspec.Struct, frozen=True):
    value: str
    expires: float

    def __post_init__(self) -> None:
        seal(self, "value")

    def __repr__(self) -> str:
        return "<Token>"


class AuthenticatesWithEntra(TraitBase):
    """Puts the key or a token on each request: one that is given, one from a function, or one for an app.

    The function goes before the token, the token before the key, and the key before the app. An app's token is kept on
    the driver. Two calls that find none at the same time each fetch one; the later one stays.
    """

    _token: _Token | None = None

    def headers(self) -> dict[str, str]:
        """The key, or the token that was given."""
        token, key = self.config.setting("token"), self.config.api_key
        if self.config.setting("token_provider") is not None:
            return {}
        if token:
            return {"authorization": f"Bearer {token.reveal()}"}
        return {"api-key": key.reveal()} if key else {}

    def authenticate(self, request: Request, now: float) -> Generator[Request, Reply, Request] | None:
        """The request with a token; yields the request that a new one takes. `None` with a key or a given token."""
        provider = self.config.setting("token_provider")
        if provider is not None:
            return self._ask(provider, request)
        is_known = self.config.api_key or self.config.setting("token") or "authorization" in self.config.headers
        return None if is_known or not self.config.setting("client_secret") else self._fetch(request, now)

    def _ask(self, provider: Callable[[], Any], request: Request) -> Generator[Request, Reply, Request]:
        yield from ()
        token = provider()
        token = token if isinstance(token, str) else getattr(token, "token", None)
        if not isinstance(token, str) or not token:
            raise self._refused(None, "token_provider returned none")
        request.headers["authorization"] = f"Bearer {token}"
        return request

    def _fetch(self, request: Request, now: float) -> Generator[Request, Reply, Request]:
        token = self._token
        if token is None or token.expires - _RENEWAL_SECONDS <= now:
            reply = yield self._build_token_request()
            token = self._token = self._read_token(reply, now)
        request.headers["authorization"] = f"Bearer {token.value}"
        return request

    def _build_token_request(self) -> Request:
        setting = self.config.setting
        tenant = quote(setting("tenant_id"), safe="")
        fields = {
            "grant_type": "client_credentials",
            "client_id": setting("client_id"),
            "client_secret": SealedText(setting("client_secret").reveal()),
            "scope": setting("scope"),
        }
        return Request(
            method="POST",
            url=f"{setting('authority').rstrip('/')}/{tenant}/oauth2/v2.0/token",
            headers={"content-type": "application/x-www-form-urlencoded"},
            body=SealedBytes(urlencode(fields).encode()),
        )

    def _read_token(self, reply: Reply, now: float) -> _Token:
        try:
            payload = as_dict(decode_json(reply.body))
        except ValueError:
            payload = {}
        value = as_str(payload.get("access_token"))
        if not reply.ok or value is None:
            reason = as_str(payload.get("error_description")) or as_str(payload.get("error")) or "no reason was given"
            raise self._refused(reply, reason.splitlines()[0])
        seconds = payload.get("expires_in")
        lifetime = int(seconds) if isinstance(seconds, str) and seconds.isdecimal() else as_int(seconds)
        return _Token(value, now + (lifetime or _LIFETIME))

    def _refused(self, reply: Reply | None, reason: str) -> AIError:
        """The error for a token that was refused."""
        if reply is not None and (reply.status == 429 or reply.status >= 500):
            return self.map_error(reply)
        kind = error_branch(self.error_prefix)[InvalidCredentialsError]
        return kind(
            f"Entra gave no token: {reason}", provider=self.name, status=reply.status if reply is not None else None
        )
