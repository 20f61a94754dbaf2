"""AWS's credentials, in the forms and places that they are kept in.

Environment and profiles are part of the configuration, as `polydriver.toml` is: they are read once, when the driver
is made, and problems with them are `ConfigurationError`s. Keys that take a request (of the machine, a container, a
role, single sign-on) are fetched later, by `keys.fetch_keys`.

https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from ...config import Config
from ...data.json import as_dict, as_int, as_str
from ...errors import ConfigurationError
from .signing import Keys

__all__ = [
    "AssumedRole",
    "Container",
    "ForeignCredentials",
    "Machine",
    "Profiles",
    "SingleSignOn",
    "Source",
    "WebIdentity",
    "find_credentials",
    "load_profiles",
]

_CONTAINER_HOST = "http://169.254.170.2"
_MACHINE_HOST = "http://169.254.169.254"


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

    def __repr__(self) -> str:
        return f"<Container {self.url}>"


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The role of an EC2 instance (IMDSv2)."""

    host: str = _MACHINE_HOST


class ForeignCredentials(msgspec.Struct, frozen=True):
    """An object of botocore's or boto3's, which fetches its keys itself when it is asked for them."""

    source: Any

    def __repr__(self) -> str:
        return "<ForeignCredentials>"


Source = Keys | AssumedRole | WebIdentity | SingleSignOn | Container | Machine | ForeignCredentials


class Profiles(msgspec.Struct, frozen=True, kw_only=True):
    """What `~/.aws/config` and `~/.aws/credentials` say; `name` is the profile in use."""

    name: str
    profiles: dict[str, dict[str, Any]] = {}
    sso_sessions: dict[str, dict[str, Any]] = {}

    def __repr__(self) -> str:
        return f"<Profiles, {self.name} in use>"

    @property
    def current(self) -> dict[str, Any]:
        """The profile in use, empty if there is none."""
        return self.profiles.get(self.name, {})


def load_profiles(profile: str | None) -> Profiles:
    """Read the files. Raises `ConfigurationError` for a profile that they don't have, and when botocore is missing."""
    try:
        from botocore.exceptions import BotoCoreError
        from botocore.session import Session
    except ImportError as error:
        raise ConfigurationError(
            "profiles and signatures need botocore: pip install 'polydriver[bedrock]', or give api_key and region",
            provider="bedrock",
        ) from error
    name = profile or os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE")
    try:
        found = Session().full_config
    except BotoCoreError as error:
        raise ConfigurationError(f"AWS's configuration files cannot be read: {error}", provider="bedrock") from None
    profiles = as_dict(found.get("profiles"))
    if name and name not in profiles:
        raise ConfigurationError(
            f"profile: there is no {name!r} in AWS's configuration files; known: {', '.join(profiles) or 'none'}",
            provider="bedrock",
        )
    return Profiles(
        name=name or "default",
        profiles=profiles,
        sso_sessions=as_dict(found.get("sso_sessions")),
    )


def find_credentials(config: Config, region: str) -> Source:
    """The source of keys, in AWS's order: settings, environment, profile, container, machine.

    Environment variables count only as long as no profile was asked for by a setting. Raises `ConfigurationError`.
    """
    given = config.setting("credentials")
    if given is not None:
        return _from_object(given)
    access, secret, token = (config.setting(name) for name in ("access_key", "secret_key", "session_token"))
    if access and secret:
        return Keys(access.reveal(), secret.reveal(), token.reveal() if token else None)
    if access or secret:
        raise ConfigurationError(f"{config.name}: access_key and secret_key belong together", provider="bedrock")
    profile = config.setting("profile")
    if profile is None and (found := _from_environment(region)):
        return found
    profiles = load_profiles(profile)
    return _from_profile(profiles, profiles.name, region, ()) or _from_surroundings()


def _from_object(given: Any) -> Source:
    if hasattr(given, "get_credentials"):  # a session
        given = given.get_credentials()
    if not hasattr(given, "get_frozen_credentials"):
        raise ConfigurationError(
            f"credentials: an object of boto3's or botocore's was expected, not {type(given).__name__}",
            provider="bedrock",
        )
    return ForeignCredentials(given)


def _from_environment(region: str) -> Source | None:
    env = os.environ
    access, secret = env.get("AWS_ACCESS_KEY_ID"), env.get("AWS_SECRET_ACCESS_KEY")
    if access and secret:
        return Keys(access, secret, env.get("AWS_SESSION_TOKEN") or env.get("AWS_SECURITY_TOKEN"))
    role, file = env.get("AWS_ROLE_ARN"), env.get("AWS_WEB_IDENTITY_TOKEN_FILE")
    if role and file:
        name = env.get("AWS_ROLE_SESSION_NAME") or "polydriver"
        return WebIdentity(role=role, session_name=name, region=region, token_file=Path(file))
    return None


def _from_profile(profiles: Profiles, name: str, region: str, trail: tuple[str, ...]) -> Source | None:
    """The source that a profile describes; `None` for an absent one, or one without credentials."""
    record = profiles.profiles.get(name, {})
    region = as_str(record.get("region")) or region
    if (role := as_str(record.get("role_arn"))) and name not in trail:
        return _from_role(profiles, name, role, region, (*trail, name))
    if as_str(record.get("sso_account_id")) and as_str(record.get("sso_role_name")):
        return _from_sso(profiles, name)
    access, secret = as_str(record.get("aws_access_key_id")), as_str(record.get("aws_secret_access_key"))
    if access and secret:
        return Keys(access, secret, as_str(record.get("aws_session_token")))
    if record.get("credential_process") or record.get("login_session"):
        raise ConfigurationError(
            f"the profile {name!r} gets its keys from another program, which polydriver doesn't run; "
            "give credentials=boto3.Session().get_credentials() instead",
            provider="bedrock",
        )
    return None


def _from_role(profiles: Profiles, name: str, role: str, region: str, trail: tuple[str, ...]) -> Source:
    """A role: of a web identity, of another profile, or of the surroundings."""
    record = profiles.profiles[name]
    session_name = as_str(record.get("role_session_name")) or "polydriver"
    if file := as_str(record.get("web_identity_token_file")):
        token_file = Path(file).expanduser()
        return WebIdentity(role=role, session_name=session_name, region=region, token_file=token_file)
    if record.get("mfa_serial"):
        raise ConfigurationError(
            f"the profile {name!r} asks for a code of a second factor; give credentials=... instead", provider="bedrock"
        )
    kind, parent = as_str(record.get("credential_source")), as_str(record.get("source_profile"))
    source: Source | None
    if parent:
        source = _from_profile(profiles, parent, region, trail)
    else:
        source = _from_environment(region) if kind == "Environment" else _from_surroundings()
    if source is None:
        raise ConfigurationError(
            f"the profile {name!r} takes on a role from {parent or kind!r}, which has no credentials",
            provider="bedrock",
        )
    duration = as_str(record.get("duration_seconds")) or ""
    return AssumedRole(
        source=source,
        role=role,
        session_name=session_name,
        region=region,
        external_id=as_str(record.get("external_id")),
        duration=as_int(int(duration)) if duration.isdecimal() else None,
    )


def _from_sso(profiles: Profiles, name: str) -> Source:
    record = profiles.profiles[name]
    session = as_str(record.get("sso_session"))
    shared = as_dict(profiles.sso_sessions.get(session or "")) or record
    start, region = as_str(session) or as_str(record.get("sso_start_url")), as_str(shared.get("sso_region"))
    if start is None or region is None:
        raise ConfigurationError(f"the profile {name!r} lacks sso_start_url or sso_region", provider="bedrock")
    return SingleSignOn(session=start, region=region, account=record["sso_account_id"], role=record["sso_role_name"])


def _from_surroundings() -> Source:
    """The role of the container, else that of the machine. Raises `ConfigurationError` when there can be neither."""
    env = os.environ
    path, url = env.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"), env.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if path or url:
        file = env.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
        return Container(
            url=_CONTAINER_HOST + path if path else url or "",
            token=env.get("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
            token_file=Path(file) if file else None,
        )
    if (env.get("AWS_EC2_METADATA_DISABLED") or "").lower() == "true":
        raise ConfigurationError(
            "bedrock: there are no credentials; give api_key (or AWS_BEARER_TOKEN_BEDROCK), access_key and secret_key "
            "(or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), or a profile",
            provider="bedrock",
        )
    return Machine(host=(env.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or _MACHINE_HOST).rstrip("/"))
