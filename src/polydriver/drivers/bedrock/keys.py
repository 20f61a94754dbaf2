"""Temporary keys of AWS: each kind of source as a generator that yields requests and returns keys.

The engine sends, within the call's own deadline, blocking or not. https://docs.aws.amazon.com/STS/latest/APIReference/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from datetime import datetime
from hashlib import sha1
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from xml.sax.saxutils import unescape

from ...data.http import Reply, Request
from ...data.json import as_dict, as_str, decode_json
from ...data.sealed import SealedBytes
from ...errors import AIError
from .signing import Keys, sign
from .sources import (
    AssumedRole,
    Container,
    ForeignCredentials,
    SingleSignOn,
    Source,
    WebIdentity,
)

__all__ = ["Refused", "fetch_keys"]

Refused = Callable[[Reply | None, str], AIError]
"""Makes the error for keys that could not be fetched: from the reply, if there was one, and the reason."""

_TOKEN_SECONDS = "21600"
_METADATA = "latest/meta-data/iam/security-credentials/"
_FORM = "application/x-www-form-urlencoded; charset=utf-8"


def fetch_keys(source: Source, now: float, refused: Refused) -> Generator[Request, Reply, Keys]:
    """Yield the requests that keys take and return them. Raises what `refused` makes of an answer without any."""
    if isinstance(source, Keys):
        return source
    if isinstance(source, ForeignCredentials):
        return _read_object(source, refused)
    if isinstance(source, AssumedRole):
        keys = yield from fetch_keys(source.source, now, refused)
        request = _build_role_request(source)
        reply = yield sign(request, keys, region=source.region, service="sts", now=now)
        return _read_xml(reply, refused)
    if isinstance(source, WebIdentity):
        reply = yield _build_sts(source.region, Action="AssumeRoleWithWebIdentity", RoleArn=source.role,
                                 RoleSessionName=source.session_name,
                                 WebIdentityToken=_read_file(source.token_file, refused))  # fmt: skip
        return _read_xml(reply, refused)
    if isinstance(source, SingleSignOn):
        reply = yield _build_sso(source, now, refused)
        return _read_json(reply, refused, "roleCredentials")
    if isinstance(source, Container):
        token = _read_file(source.token_file, refused) if source.token_file else source.token
        headers = {"authorization": token} if token else {}
        reply = yield Request(method="GET", url=source.url, headers=headers)
        return _read_json(reply, refused)
    return (yield from _ask_machine(source.host, refused))


def _ask_machine(host: str, refused: Refused) -> Generator[Request, Reply, Keys]:
    """Three requests: for a session, for the name of the role, for its keys."""
    wanted = {"x-aws-ec2-metadata-token-ttl-seconds": _TOKEN_SECONDS}
    reply = yield Request(method="PUT", url=f"{host}/latest/api/token", headers=wanted)
    session = {"x-aws-ec2-metadata-token": reply.body.decode("latin-1")} if reply.ok else {}
    reply = yield Request(method="GET", url=f"{host}/{_METADATA}", headers=dict(session))
    role = reply.body.decode("utf-8", "replace").strip()
    if not reply.ok or not role:
        raise refused(reply, "the machine has no role, and no other credentials were found")
    reply = yield Request(method="GET", url=f"{host}/{_METADATA}{quote(role, safe='')}", headers=session)
    return _read_json(reply, refused)


def _build_role_request(source: AssumedRole) -> Request:
    fields = {"Action": "AssumeRole", "RoleArn": source.role, "RoleSessionName": source.session_name}
    if source.external_id:
        fields["ExternalId"] = source.external_id
    if source.duration:
        fields["DurationSeconds"] = str(source.duration)
    return _build_sts(source.region, **fields)


def _build_sts(region: str, **fields: str) -> Request:
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return Request(
        method="POST",
        url=f"https://sts.{region}.{suffix}/",
        headers={"content-type": _FORM},
        body=SealedBytes(urlencode({"Version": "2011-06-15", **fields}).encode()),
    )


def _build_sso(source: SingleSignOn, now: float, refused: Refused) -> Request:
    """The request for the keys of a role, with the token that `aws sso login` left on the disk."""
    name = sha1(source.session.encode(), usedforsecurity=False).hexdigest()
    file = Path.home() / ".aws" / "sso" / "cache" / f"{name}.json"
    try:
        cached = as_dict(decode_json(_read_file(file, refused)))
    except ValueError:
        cached = {}
    token, end = as_str(cached.get("accessToken")), _moment(cached.get("expiresAt"))
    if token is None or (end is not None and end <= now):
        raise refused(None, "the single sign-on has ended; run `aws sso login`")
    query = urlencode({"account_id": source.account, "role_name": source.role})
    return Request(
        method="GET",
        url=f"https://portal.sso.{source.region}.amazonaws.com/federation/credentials?{query}",
        headers={"x-amz-sso_bearer_token": token},
    )


def _read_file(path: Path, refused: Refused) -> str:
    """A token that another program renews on the disk, so that it is read each time."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise refused(None, f"the token file {path} cannot be read") from None


def _read_object(source: ForeignCredentials, refused: Refused) -> Keys:
    try:
        frozen = source.source.get_frozen_credentials()
    except Exception as error:
        raise refused(None, f"the credentials object failed: {type(error).__name__}") from error
    return Keys(frozen.access_key, frozen.secret_key, frozen.token, expires=0.0)


def _read_json(reply: Reply, refused: Refused, within: str | None = None) -> Keys:
    """Keys in JSON, whose names have two spellings."""
    try:
        payload = as_dict(decode_json(reply.body))
    except ValueError:
        payload = {}
    found = {name.lower(): value for name, value in (as_dict(payload.get(within)) if within else payload).items()}
    access, secret = as_str(found.get("accesskeyid")), as_str(found.get("secretaccesskey"))
    if not reply.ok or access is None or secret is None:
        raise refused(reply, as_str(payload.get("message")) or as_str(payload.get("Message")) or "no reason was given")
    token = as_str(found.get("sessiontoken")) or as_str(found.get("token"))
    return Keys(access, secret, token, _moment(found.get("expiration")))


def _read_xml(reply: Reply, refused: Refused) -> Keys:
    """Keys in the XML of STS, whose elements hold plain text."""
    text = reply.body.decode("utf-8", "replace")

    def find(name: str) -> str | None:
        found = re.search(rf"<{name}>([^<]+)</{name}>", text)
        return unescape(found[1].strip()) if found else None

    access, secret = find("AccessKeyId"), find("SecretAccessKey")
    if not reply.ok or access is None or secret is None:
        raise refused(reply, find("Message") or "no reason was given")
    return Keys(access, secret, find("SessionToken"), _moment(find("Expiration")))


def _moment(value: Any) -> float | None:
    """Epoch seconds from an ISO 8601 text, or from milliseconds."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value / 1000
    try:
        return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else None
    except ValueError:
        return None
