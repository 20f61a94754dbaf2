"""Signing requests to AWS: Signature Version 4, by botocore.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from ...data.http import Request
from ...data.sealed import seal
from ...errors import ConfigurationError

__all__ = ["HASH_HEADER", "Keys", "sign"]

HASH_HEADER = "x-amz-content-sha256"
"""Where S3 has the hash of a request's content: its requests have one, and no others."""
_SIGNED = ("content-type", "accept")
_SIGNED_PREFIX = "x-amz"


class Keys(msgspec.Struct, frozen=True):
    """An access key with its secret; temporary ones have a session token and an end, in epoch seconds."""

    access_key: str
    secret_key: str
    session_token: str | None = None
    expires: float | None = None

    def __post_init__(self) -> None:
        seal(self, "secret_key", "session_token")

    def __repr__(self) -> str:
        return "<Keys>"


def sign(request: Request, keys: Keys, *, region: str, service: str, now: float) -> Request:
    """Put a signature for this moment (epoch seconds) on the request. One from an earlier attempt is replaced.

    Signed are the method, the URL, the body, the host and those headers that no proxy has a reason to change. Raises
    `ConfigurationError` when botocore is not installed.
    """
    try:
        from botocore.auth import S3SigV4Auth, SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
    except ImportError as error:
        raise ConfigurationError(
            "signing requests for AWS needs botocore: pip install 'polydriver[bedrock]', or give an api_key",
            provider="bedrock",
        ) from error
    headers = request.headers
    headers["x-amz-date"] = stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    headers.pop("x-amz-security-token", None)
    if keys.session_token:
        headers["x-amz-security-token"] = keys.session_token
    signed = {name: value for name, value in headers.items() if name in _SIGNED or name.startswith(_SIGNED_PREFIX)}
    drawn = AWSRequest(method=request.method, url=request.url, data=request.body or b"", headers=signed)
    drawn.context["timestamp"] = stamp
    kind = S3SigV4Auth if service == "s3" else SigV4Auth  # which sign paths as they are, or encoded once more
    signer = kind(Credentials(keys.access_key, keys.secret_key), service, region)
    # SigV4Auth.add_auth does these steps too, but reads the clock itself.
    signature = signer.signature(signer.string_to_sign(drawn, signer.canonical_request(drawn)), drawn)
    names = signer.signed_headers(signer.headers_to_sign(drawn))
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(drawn)}, SignedHeaders={names}, Signature={signature}"
    )
    return request
