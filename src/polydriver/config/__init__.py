"""Configuration: read from everywhere, checked all at once and offline, and masked wherever it is shown."""

from __future__ import annotations

from ..data.http import TransportConfig
from .cache import CacheConfig
from .checking import DriverClass
from .circuit import CircuitConfig
from .files import AISettings, load_settings
from .hedging import HedgingConfig
from .limits import LimitNumbers, RateLimitConfig
from .reading import ConnectionSettings, read_config
from .redacting import Redactor
from .secrets import Secret, looks_secret, mask
from .values import Config, LoggingConfig, Setting, TelemetryConfig

__all__ = [
    "AISettings",
    "CacheConfig",
    "CircuitConfig",
    "Config",
    "ConnectionSettings",
    "DriverClass",
    "HedgingConfig",
    "LimitNumbers",
    "LoggingConfig",
    "RateLimitConfig",
    "Redactor",
    "Secret",
    "Setting",
    "TelemetryConfig",
    "TransportConfig",
    "load_settings",
    "looks_secret",
    "mask",
    "read_config",
]
