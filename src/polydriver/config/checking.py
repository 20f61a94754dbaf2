"""Checking what was found for a connection, and making the `Config` of it."""

from __future__ import annotations

import re
from typing import Any, Protocol

import msgspec

from ..typed import convert
from .fields import FIELDS, SECTIONS
from .kinds import KINDS, check_key, read_base_url, read_headers
from .layers import Layer
from .problems import Problems
from .secrets import Secret
from .values import Config, Setting

__all__ = ["DriverClass", "check", "key_variables"]


class DriverClass(Protocol):
    """What reading a configuration needs to know of a driver: attributes of its class.

    - `base_url`: the default. It may have fields that settings fill (`https://{region}.host`); empty means
      none is needed.
    - `key_variables`: the environment variables of its key, the first one set counting; `env_prefix`: how its
      others begin.
    - `key_prefix`: how every key of the service begins, if that is certain; not expected of a custom
      `base_url`.
    """

    @property
    def name(self) -> str:
        """The driver's name."""

    @property
    def base_url(self) -> str:
        """The default base URL."""

    @property
    def default_model(self) -> str | None:
        """The model when a call names none."""

    @property
    def key_variables(self) -> tuple[str, ...]:
        """Environment variables of the key."""

    @property
    def requires_key(self) -> bool:
        """Whether nothing works without a key."""

    @property
    def key_prefix(self) -> str | None:
        """How keys begin."""

    @property
    def env_prefix(self) -> str:
        """How the driver's environment variables begin."""

    @property
    def settings(self) -> tuple[Setting, ...]:
        """The driver's own settings."""


def key_variables(driver_class: DriverClass) -> tuple[str, ...]:
    """The environment variables of the key; a driver that names none has `<PREFIX>_API_KEY`."""
    prefix = driver_class.env_prefix
    return driver_class.key_variables or ((f"{prefix}_API_KEY",) if prefix else ())


def check(driver_class: DriverClass, name: str, found: Layer, problems: Problems) -> Config:
    """The `Config` of what was found. What is wrong goes to `problems`; then the result is not to be used."""
    return _Checker(driver_class, name, found, problems).config()


class _Checker:
    def __init__(self, driver_class: DriverClass, name: str, found: Layer, problems: Problems) -> None:
        self._driver = driver_class
        self._name = name
        self._found = found
        self._problems = problems

    def config(self) -> Config:
        settings = self._settings()
        usual_url = self._usual_url(settings) if "base_url" not in self._found else None
        base_url = usual_url or self._read("base_url", read_base_url) or ""
        headers: dict[str, str | Secret] = self._read("headers", read_headers) or {}
        return Config(
            name=self._name,
            driver=self._driver.name,
            api_key=self._key(custom_url=base_url not in (usual_url, self._driver.base_url.rstrip("/"))),
            base_url=base_url,
            headers={key: text.reveal() if isinstance(text, Secret) else text for key, text in headers.items()},
            other_secrets=tuple(text for text in headers.values() if isinstance(text, Secret)),
            settings=settings,
            **self._common(),
        )

    def _read(self, key: str, reader: Any) -> Any:
        """The converted value of `key`, or `None` when it was not found or is wrong (and then dropped)."""
        given = self._found.get(key)
        if given is None:
            return None
        try:
            return reader(given.value)
        except ValueError as error:
            del self._found[key]
            shown = ""
            if isinstance(given.value, str | int | float) and key in FIELDS and key not in _NEVER_SHOWN:
                shown = self._problems.shown(given.value)
                shown = f"{shown!r} " if isinstance(given.value, str) else f"{shown} "
            self._problems.add(given.source, f"{shown}{error}")
            return None

    def _common(self) -> dict[str, Any]:
        """The fields that need no more than a conversion, with their sections."""
        fields: dict[str, Any] = {"default_model": self._driver.default_model}
        sections: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
        for key, field in FIELDS.items():
            if key not in self._found or key in _SPECIAL:
                continue
            section, _, inner = key.rpartition(".")
            value = self._read(key, KINDS[field.kind])
            if value is not None or (field.nullable and key in self._found):
                (sections[section] if section else fields)[inner] = value
        return {**fields, **{section: self._section(section, values) for section, values in sections.items()}}

    def _section(self, section: str, values: dict[str, Any]) -> Any:
        kind = SECTIONS[section]
        if not values:
            return kind()
        try:
            return convert(values, kind)
        except msgspec.ValidationError as error:
            text, _, path = str(error).partition(" - at `$.")
            self._problems.add(f"{section}.{path.rstrip('`')}", f"{text[:1].lower()}{text[1:]}")
            return kind()

    def _settings(self) -> dict[str, Any]:
        """Every setting of the driver's own, absent ones with their defaults."""
        settings: dict[str, Any] = {}
        for setting in self._driver.settings:
            if setting.required and setting.name not in self._found:
                variables = setting.variables or (f"{self._driver.env_prefix}_{setting.name.upper()}",)
                self._problems.add(setting.name, f"is missing; give it, or set {' or '.join(variables)}")
            if setting.name in FIELDS:
                continue
            value = self._read(setting.name, _as_secret if setting.secret else KINDS[setting.kind])
            settings[setting.name] = setting.default if value is None else value
        return settings

    def _usual_url(self, settings: dict[str, Any]) -> str:
        """The driver's base URL with its fields filled in."""

        def fill(match: re.Match[str]) -> str:
            value = settings.get(match[1])
            if isinstance(value, str) and _URL_PIECE.fullmatch(value):
                return value
            wrong = "is missing" if value is None else "cannot stand in a URL"
            self._problems.add(match[1], f"{wrong}; the address of {self._driver.name} needs it, or give base_url")
            return match[0]

        filled = re.sub(r"\{(\w+)\}", fill, self._driver.base_url).rstrip("/")
        if filled and "{" not in filled:
            try:
                return read_base_url(filled)
            except ValueError as error:
                self._problems.add("base_url", f"{error} (it is an attribute of {self._driver.name}'s driver)")
        return filled

    def _key(self, *, custom_url: bool) -> Secret | None:
        driver = self._driver
        given = self._found.get("api_key")
        if given is None:
            if driver.requires_key:
                variables = " or ".join(key_variables(driver))
                self._problems.add("api_key", f"is missing; give it, or set {variables}")
            return None
        text = given.value.reveal() if isinstance(given.value, Secret) and given.value else given.value
        if not isinstance(text, str):
            empty = isinstance(text, Secret)
            self._problems.add(given.source, "is empty" if empty else f"is not text but {type(text).__name__}")
            return None
        prefix, issuer = (None, None) if custom_url else (driver.key_prefix, driver.name)
        if complaint := check_key(text, required=driver.requires_key, prefix=prefix, driver=issuer):
            self._problems.add(given.source, complaint)
        return Secret(text)


_SPECIAL = ("api_key", "base_url", "headers")
_NEVER_SHOWN = (*_SPECIAL, "http.proxy", "rate_limiting.redis_url", "cache.redis_url")
_URL_PIECE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def _as_secret(value: object) -> Secret:
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str) or not value.strip():
        raise ValueError("is not a text, or blank")
    return Secret(value)
