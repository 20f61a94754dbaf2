"""AWS's credentials, in the places that they are kept in.

Environment and profiles are part of the configuration, as `polydriver.toml` is: they are read once, when the driver
is made, and problems with them are `ConfigurationError`s. Keys that take a request (of the machine, a container, a
role, single sign-on) are fetched later, by `keys.fetch_keys`.

https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from ...config import Config
from ...data.json import as_dict, as_int, as_str
from ...errors import ConfigurationError
from .signing import Keys
from .sources import (
    MACHINE_HOST,
    AssumedRole,
    Container,
    ForeignCredentials,
    Machine,
    SingleSignOn,
    Source,
    WebIdentity,
)

__all__ = ["Profiles", "find_credentials", "load_profiles"]

_CONTAINER_HOST = "http://169.254.170.2"
_MACHINE_VARIABLE = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
_EC2_MARKS = (("/sys/class/dmi/id/sys_vendor", "amazon ec2"), ("/sys/hypervisor/uuid", "ec2"))
"""Where Linux says that it runs on EC2: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html"""


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


def load_profiles(profile: str | None, env: Mapping[str, str]) -> Profiles:
    """Read the files. Raises `ConfigurationError` for a profile that they don't have, and when botocore is missing."""
    try:
        from botocore.exceptions import BotoCoreError
        from botocore.session import Session
    except ImportError as error:
        raise ConfigurationError(
            "profiles and signatures need botocore: pip install 'polydriver[bedrock]', or give api_key and region",
            provider="bedrock",
        ) from error
    name = profile or env.get("AWS_PROFILE") or env.get("AWS_DEFAULT_PROFILE")
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


def find_credentials(config: Config, region: str, env: Mapping[str, str]) -> Source:
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
    if profile is None and (found := _from_environment(region, env)):
        return found
    profiles = load_profiles(profile, env)
    return _from_profile(profiles, profiles.name, region, env, ()) or _from_host(env)


def _from_object(given: Any) -> Source:
    if hasattr(given, "get_credentials"):  # a session
        given = given.get_credentials()
    if not hasattr(given, "get_frozen_credentials"):
        raise ConfigurationError(
            f"credentials: an object of boto3's or botocore's was expected, not {type(given).__name__}",
            provider="bedrock",
        )
    return ForeignCredentials(given)


def _from_environment(region: str, env: Mapping[str, str]) -> Source | None:
    access, secret = env.get("AWS_ACCESS_KEY_ID"), env.get("AWS_SECRET_ACCESS_KEY")
    if access and secret:
        return Keys(access, secret, env.get("AWS_SESSION_TOKEN") or env.get("AWS_SECURITY_TOKEN"))
    role, file = env.get("AWS_ROLE_ARN"), env.get("AWS_WEB_IDENTITY_TOKEN_FILE")
    if role and file:
        name = env.get("AWS_ROLE_SESSION_NAME") or "polydriver"
        return WebIdentity(role=role, session_name=name, region=region, token_file=Path(file))
    return None


def _from_profile(
    profiles: Profiles, name: str, region: str, env: Mapping[str, str], trail: tuple[str, ...]
) -> Source | None:
    """The source that a profile describes; `None` for an absent one, or one without credentials."""
    record = profiles.profiles.get(name, {})
    region = as_str(record.get("region")) or region
    if (role := as_str(record.get("role_arn"))) and name not in trail:
        return _from_role(profiles, name, role, region, env, (*trail, name))
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


def _from_role(
    profiles: Profiles, name: str, role: str, region: str, env: Mapping[str, str], trail: tuple[str, ...]
) -> Source:
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
    source = _from_profile(profiles, parent, region, env, trail) if parent else _from_named(kind, region, env)
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


def _from_named(kind: str | None, region: str, env: Mapping[str, str]) -> Source | None:
    """The source that a profile names by `credential_source`."""
    if kind == "Environment":
        return _from_environment(region, env)
    return _machine(env) if kind == "Ec2InstanceMetadata" else _from_host(env)


def _from_sso(profiles: Profiles, name: str) -> Source:
    record = profiles.profiles[name]
    session = as_str(record.get("sso_session"))
    shared = as_dict(profiles.sso_sessions.get(session or "")) or record
    start, region = as_str(session) or as_str(record.get("sso_start_url")), as_str(shared.get("sso_region"))
    if start is None or region is None:
        raise ConfigurationError(f"the profile {name!r} lacks sso_start_url or sso_region", provider="bedrock")
    return SingleSignOn(session=start, region=region, account=record["sso_account_id"], role=record["sso_role_name"])


def _from_host(env: Mapping[str, str]) -> Source:
    """The role of the container, else that of the machine. Raises `ConfigurationError` when there is neither."""
    path, url = env.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"), env.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if path or url:
        file = env.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
        return Container(
            url=_CONTAINER_HOST + path if path else url or "",
            token=env.get("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
            token_file=Path(file) if file else None,
        )
    if not _is_on_ec2(env):
        raise ConfigurationError(
            "bedrock: there are no credentials; give api_key (or AWS_BEARER_TOKEN_BEDROCK), access_key and secret_key "
            "(or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), or a profile",
            provider="bedrock",
        )
    return _machine(env)


def _machine(env: Mapping[str, str]) -> Machine:
    return Machine(host=(env.get(_MACHINE_VARIABLE) or MACHINE_HOST).rstrip("/"))


def _is_on_ec2(env: Mapping[str, str]) -> bool:
    """Whether the machine is one of EC2. Elsewhere nobody answers at its address, which takes long to find out."""
    if (env.get("AWS_EC2_METADATA_DISABLED") or "").lower() == "true":
        return False
    return bool(env.get(_MACHINE_VARIABLE)) or any(_begins_with(file, mark) for file, mark in _EC2_MARKS)


def _begins_with(file: str, mark: str) -> bool:
    try:
        return Path(file).read_text(encoding="latin-1").lower().startswith(mark)
    except OSError:
        return False
