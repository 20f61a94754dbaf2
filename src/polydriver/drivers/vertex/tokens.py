"""Access tokens for Google Cloud: each kind of credentials as a generator that yields requests and returns a token.

google-auth (the extra `vertex`) signs; the engine sends. https://developers.google.com/identity/protocols/oauth2/service-account
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import msgspec

from ...data.http import Reply, Request
from ...data.json import as_dict, as_int, as_str, decode_json, encode_json
from ...data.sealed import SealedBytes, SealedText, seal
from ...errors import AIError, ConfigurationError
from .credentials import (
    AuthorizedUser,
    Credentials,
    FixedToken,
    Impersonation,
    MetadataServer,
    ServiceAccount,
    expiry_of,
)

__all__ = ["SCOPE", "Refused", "Token", "fetch_token"]

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_LIFETIME = 3600
_FORM = {"content-type": "application/x-www-form-urlencoded"}

Refused = Callable[[Reply, str], AIError]
"""Makes the error for a reply without a token, which says what it was asked for."""


class Token(msgspec.Struct, frozen=True):
    """An access token and when it ends, in epoch seconds."""

    value: str
    expires: float

    def __post_init__(self) -> None:
        seal(self, "value")

    def __repr__(self) -> str:
        return "<Token>"


def fetch_token(credentials: Credentials, now: float, refused: Refused) -> Generator[Request, Reply, Token]:
    """Yield the requests that a new token takes and return it. Raises what `refused` makes of a reply without one."""
    if isinstance(credentials, FixedToken):
        return _read_object(credentials, now)
    if isinstance(credentials, Impersonation):
        source = yield from fetch_token(credentials.source, now, refused)
        reply = yield _impersonate(credentials, source)
        return _read_impersonated(reply, refused)
    if isinstance(credentials, ServiceAccount):
        request = _post_form(
            credentials.token_uri,
            grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer",
            assertion=_sign(credentials, now),
        )
    elif isinstance(credentials, AuthorizedUser):
        request = _post_form(
            credentials.token_uri,
            grant_type="refresh_token",
            client_id=credentials.client_id,
            client_secret=credentials.client_secret,
            refresh_token=credentials.refresh_token,
        )
    else:
        request = _ask_machine(credentials)
    reply = yield request
    return _read_token(reply, now, refused)


def _sign(account: ServiceAccount, now: float) -> str:
    """The signed claim of a service account. Raises `ConfigurationError` without google-auth, and for a broken key."""
    try:
        from google.auth import crypt, jwt
    except ImportError as error:
        raise ConfigurationError(
            "service accounts need google-auth: pip install 'polydriver[vertex]'", provider="vertexai"
        ) from error
    claim = {
        "iss": account.email,
        "scope": SCOPE,
        "aud": account.token_uri,
        "iat": int(now),
        "exp": int(now) + _LIFETIME,
    }
    try:
        signer = account.signer or crypt.RSASigner.from_string(account.key, account.key_id)  # type: ignore[no-untyped-call]
        signed: Any = jwt.encode(signer, claim)  # type: ignore[no-untyped-call]
    except ValueError:
        raise ConfigurationError(f"the private key of {account.email} cannot be used: no RSA key in PEM form") from None
    return SealedText(signed.decode() if isinstance(signed, bytes) else str(signed))


def _post_form(url: str, **fields: str) -> Request:
    return Request(method="POST", url=url, headers=dict(_FORM), body=SealedBytes(urlencode(fields).encode()))


def _ask_machine(server: MetadataServer) -> Request:
    path = "computeMetadata/v1/instance/service-accounts/default/token"
    return Request(method="GET", url=f"http://{server.host}/{path}", headers={"metadata-flavor": "Google"})


def _impersonate(credentials: Impersonation, source: Token) -> Request:
    body: dict[str, Any] = {"scope": [SCOPE], "lifetime": f"{_LIFETIME}s"}
    if credentials.delegates:
        body["delegates"] = credentials.delegates
    headers = {"authorization": f"Bearer {source.value}", "content-type": "application/json"}
    return Request(method="POST", url=credentials.url, headers=headers, body=encode_json(body))


def _read_token(reply: Reply, now: float, refused: Refused) -> Token:
    payload = _payload(reply)
    value = as_str(payload.get("access_token"))
    if not reply.ok or value is None:
        reason = ": ".join(text for name in ("error", "error_description") if (text := as_str(payload.get(name))))
        raise refused(reply, reason or "no reason was given")
    return Token(value, now + (as_int(payload.get("expires_in")) or _LIFETIME))


def _read_impersonated(reply: Reply, refused: Refused) -> Token:
    payload = _payload(reply)
    value, end = as_str(payload.get("accessToken")), as_str(payload.get("expireTime"))
    try:
        expires = datetime.fromisoformat(end or "").timestamp()
    except ValueError:
        value, expires = None, 0.0
    if not reply.ok or value is None:
        raise refused(reply, as_str(as_dict(payload.get("error")).get("message")) or "no reason was given")
    return Token(value, expires)


def _read_object(credentials: FixedToken, now: float) -> Token:
    value = as_str(getattr(credentials.source, "token", None))
    expires = expiry_of(credentials.source) or now + _LIFETIME
    if value is None or expires <= now:
        raise ConfigurationError(
            "credentials: the google-auth object has no valid token, and is of a kind that polydriver cannot renew; "
            "call its refresh() first, or give a service account or an access_token",
            provider="vertexai",
        )
    return Token(value, expires)


def _payload(reply: Reply) -> dict[str, Any]:
    try:
        return as_dict(decode_json(reply.body))
    except ValueError:
        return {}
