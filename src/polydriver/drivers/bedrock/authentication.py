"""Authentication at Bedrock: an API key as a bearer token, or a signature made with AWS's keys."""

from __future__ import annotations

from collections.abc import Generator

from ...data.http import Reply, Request
from ...errors import AIError, InvalidCredentialsError, error_branch
from ..traits.base import TraitBase
from .address import region_of
from .keys import fetch_keys
from .signing import HASH_HEADER, Keys, sign
from .sources import Source

__all__ = ["AuthenticatesWithAWS"]

_RENEWAL_SECONDS = 300.0
"""How long before their end temporary keys are renewed, in seconds."""


class AuthenticatesWithAWS(TraitBase):
    """Signs each attempt anew, and fetches temporary keys when the last are about to end.

    The keys are kept on the driver. Two calls that find none at the same time each fetch some; the later ones stay.
    """

    credentials: Source | None = None
    region: str = ""
    _keys: Keys | None = None

    def headers(self) -> dict[str, str]:
        """The API key, where there is one."""
        key = self.config.api_key
        return {"authorization": f"Bearer {key.reveal()}"} if key and self.credentials is None else {}

    def authenticate(self, request: Request, now: float) -> Generator[Request, Reply, Request] | None:
        """The request with a signature; yields the requests that new keys take. `None` with an API key."""
        return self._signed(request, now) if self.credentials is not None else None

    def _signed(self, request: Request, now: float) -> Generator[Request, Reply, Request]:
        keys = self._keys
        if keys is None or (keys.expires is not None and keys.expires - _RENEWAL_SECONDS <= now):
            assert self.credentials is not None
            keys = self._keys = yield from fetch_keys(self.credentials, now, self._refused)
        region = region_of(request.url) or self.region
        service = "s3" if HASH_HEADER in request.headers else "bedrock"
        return sign(request, keys, region=region, service=service, now=now)

    def _refused(self, reply: Reply | None, reason: str) -> AIError:
        """The error for keys that could not be fetched."""
        if reply is not None and (reply.status == 429 or reply.status >= 500):
            return self.map_error(reply)
        kind = error_branch(self.error_prefix)[InvalidCredentialsError]
        return kind(
            f"AWS gave no keys: {reason}", provider=self.name, status=reply.status if reply is not None else None
        )
