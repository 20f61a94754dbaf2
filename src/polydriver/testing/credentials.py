"""Whether the environment has what a provider needs, for end-to-end tests."""

from __future__ import annotations

from collections.abc import Mapping

from ..config import read_config
from ..drivers import driver_class
from ..errors import ConfigurationError

__all__ = ["missing_credentials"]


def missing_credentials(provider: str, env: Mapping[str, str]) -> str | None:
    """Why a provider cannot be reached with this environment, or `None` when it can.

    A provider that needs no key, such as a local server, counts as there when its base URL is set.
    """
    try:
        kind = driver_class(provider)
        read_config(kind, env=env)
    except (ConfigurationError, ImportError) as error:
        return f"no credentials for {provider}: {' '.join(str(error).split())}"
    variable = f"{kind.env_prefix}_BASE_URL"
    if not kind.requires_key and not kind.key_variables and not env.get(variable, "").strip():
        return f"{provider} needs no key: set {variable} to say that its server is running"
    if not kind.requires_key and not any(env.get(name) for name in (variable, *kind.key_variables)):
        return f"{provider} may need no key: set {' or '.join((variable, *kind.key_variables))} to run this"
    return None
