"""Google Cloud's credentials, in the forms that they are kept in.

A credentials file is part of the configuration, as `polydriver.toml` is: it is read once, when the driver is made, and
problems with it are `ConfigurationError`s. Afterwards the driver does no I/O.

https://cloud.google.com/docs/authentication/application-default-credentials
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from ...data.json import as_str, decode_json
from ...data.sealed import seal
from ...errors import ConfigurationError

__all__ = [
    "AuthorizedUser",
    "Credentials",
    "FixedToken",
    "Impersonation",
    "MetadataServer",
    "ServiceAccount",
    "find_credentials",
    "read_credentials",
]

TOKEN_URI = "https://oauth2.googleapis.com/token"
METADATA_HOST = "metadata.google.internal"


class ServiceAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A service account: `key` is its private key (PEM), or `signer` an object of google-auth's that signs for it."""

    email: str
    key: str = ""
    key_id: str | None = None
    signer: Any = None
    token_uri: str = TOKEN_URI

    def __post_init__(self) -> None:
        seal(self, "key")

    def __repr__(self) -> str:
        return f"<ServiceAccount {self.email}>"


class AuthorizedUser(msgspec.Struct, frozen=True, kw_only=True):
    """A person who logged in (`gcloud auth application-default login`)."""

    client_id: str
    client_secret: str
    refresh_token: str
    token_uri: str = TOKEN_URI

    def __post_init__(self) -> None:
        seal(self, "client_secret", "refresh_token")

    def __repr__(self) -> str:
        return f"<AuthorizedUser {self.client_id}>"


class Impersonation(msgspec.Struct, frozen=True, kw_only=True):
    """A service account that `source` may act as; `url` is where tokens for it are made."""

    source: Credentials
    url: str
    delegates: list[str] = []


class MetadataServer(msgspec.Struct, frozen=True, kw_only=True):
    """The account of the machine itself, on Google Cloud."""

    host: str = METADATA_HOST


class FixedToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token that someone else renews: `source` is a google-auth object with its `token` and `expiry`."""

    source: Any

    def __repr__(self) -> str:
        return "<FixedToken>"


Credentials = ServiceAccount | AuthorizedUser | Impersonation | MetadataServer | FixedToken


def find_credentials(given: Any, file: Path | None) -> tuple[Credentials, dict[str, Any]]:
    """The credentials to use, and the record that they came from.

    They are `given` (a dict, or an object of google-auth's), else in the file, else in the one that gcloud keeps,
    else the machine's own account.

    Raises `ConfigurationError` for a file that cannot be read, and for kinds that are not supported.
    """
    if given is not None and not isinstance(given, dict):
        return _from_object(given), {"project_id": as_str(getattr(given, "project_id", None))}
    if given is not None:
        return read_credentials(given, "credentials"), given
    path = file or _gcloud_file()
    if path is None:
        return MetadataServer(host=os.environ.get("GCE_METADATA_HOST") or METADATA_HOST), {}
    try:
        record = decode_json(path.read_bytes())
    except (OSError, ValueError) as error:
        problem = error.strerror if isinstance(error, OSError) else "it is not JSON"
        raise ConfigurationError(
            f"credentials_file: {path} cannot be read ({problem}); give the right path, or unset "
            "GOOGLE_APPLICATION_CREDENTIALS"
        ) from None
    return read_credentials(record, str(path)), record


def read_credentials(record: Any, place: str) -> Credentials:
    """The credentials in a decoded record; `place` says where it is from. Raises `ConfigurationError`."""
    kind = record.get("type") if isinstance(record, dict) else None
    try:
        if kind == "service_account":
            return ServiceAccount(
                email=record["client_email"],
                key=record["private_key"],
                key_id=record.get("private_key_id"),
                token_uri=record.get("token_uri") or TOKEN_URI,
            )
        if kind == "authorized_user":
            return AuthorizedUser(
                client_id=record["client_id"],
                client_secret=record["client_secret"],
                refresh_token=record["refresh_token"],
                token_uri=record.get("token_uri") or TOKEN_URI,
            )
        if kind == "impersonated_service_account":
            return Impersonation(
                source=read_credentials(record["source_credentials"], place),
                url=record["service_account_impersonation_url"],
                delegates=record.get("delegates") or [],
            )
    except KeyError as missing:
        raise ConfigurationError(f"{place}: the credentials of type {kind!r} lack {missing}") from None
    raise ConfigurationError(
        f"{place}: credentials of type {kind!r} are not supported; use a service account, an authorized user, "
        "an impersonated service account, or an access_token"
    )


def _from_object(given: Any) -> Credentials:
    """The credentials in an object of google-auth's, by what it has."""
    token_uri = as_str(getattr(given, "_token_uri", None)) or as_str(getattr(given, "token_uri", None)) or TOKEN_URI
    email, signer = getattr(given, "service_account_email", None), getattr(given, "signer", None)
    if isinstance(email, str) and signer is not None:
        return ServiceAccount(email=email, signer=signer, token_uri=token_uri)
    fields = {name: as_str(getattr(given, name, None)) for name in ("client_id", "client_secret", "refresh_token")}
    if all(fields.values()):
        return AuthorizedUser(**{name: value or "" for name, value in fields.items()}, token_uri=token_uri)
    if hasattr(given, "token"):
        return FixedToken(source=given)
    raise ConfigurationError(
        f"credentials: an object of google-auth's or a dict was expected, not {type(given).__name__}"
    )


def expiry_of(source: Any) -> float | None:
    """When the token of a google-auth object ends, in epoch seconds; its `expiry` is in UTC and has no zone."""
    expiry = getattr(source, "expiry", None)
    return expiry.replace(tzinfo=UTC).timestamp() if isinstance(expiry, datetime) else None


def _gcloud_file() -> Path | None:
    """Where gcloud keeps the credentials of `gcloud auth application-default login`, if it does."""
    home = os.environ.get("CLOUDSDK_CONFIG")
    try:
        folder = Path(home) if home else Path.home() / ".config" / "gcloud"
    except RuntimeError:
        return None
    path = folder / "application_default_credentials.json"
    return path if path.is_file() else None
