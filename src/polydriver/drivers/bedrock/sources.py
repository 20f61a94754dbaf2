"""Where AWS's keys come from: one record for each kind of source.

https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from ...data.sealed import seal
from .signing import Keys

__all__ = [
    "MACHINE_HOST",
    "AssumedRole",
    "Container",
    "ForeignCredentials",
    "Machine",
    "SingleSignOn",
    "Source",
    "WebIdentity",
]

MACHINE_HOST = "http://169.254.169.254"
"""Where an EC2 instance is told about itself."""


class AssumedRole(msgspec.Struct, frozen=True, kw_only=True):
    """A role that `source` may take on (STS AssumeRole). `duration` is in seconds."""

    source: Source
    role: str
    session_name: str
    region: str
    external_id: str | None = None
    duration: int | None = None


class WebIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """A role for whoever holds the token in a file, as on Kubernetes (STS AssumeRoleWithWebIdentity)."""

    role: str
    session_name: str
    region: str
    token_file: Path


class SingleSignOn(msgspec.Struct, frozen=True, kw_only=True):
    """A role of a person who logged in (`aws sso login`); `session` names the token that this left on the disk."""

    session: str
    region: str
    account: str
    role: str


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """The role of a container or pod: `url` gives its keys to who sends the token."""

    url: str
    token: str | None = None
    token_file: Path | None = None

    def __post_init__(self) -> None:
        seal(self, "token")

    def __repr__(self) -> str:
        return f"<Container {self.url}>"


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The role of an EC2 instance (IMDSv2)."""

    host: str = MACHINE_HOST


class ForeignCredentials(msgspec.Struct, frozen=True):
    """An object of botocore's or boto3's, which fetches its keys itself when it is asked for them."""

    source: Any

    def __repr__(self) -> str:
        return "<ForeignCredentials>"


Source = Keys | AssumedRole | WebIdentity | SingleSignOn | Container | Machine | ForeignCredentials
