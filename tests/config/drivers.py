"""Driver classes as far as the configuration knows them."""

from __future__ import annotations

from typing import ClassVar

from polydriver.config import Setting

KEY = "sk-test-0123456789abcdef"


class Hosted:
    name: ClassVar[str] = "openai"
    base_url: ClassVar[str] = "https://api.openai.com/v1"
    default_model: ClassVar[str | None] = "gpt-small"
    key_variables: ClassVar[tuple[str, ...]] = ("OPENAI_API_KEY",)
    requires_key: ClassVar[bool] = True
    key_prefix: ClassVar[str | None] = "sk-"
    env_prefix: ClassVar[str] = "OPENAI"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("organization"),
        Setting("project", env="OPENAI_PROJECT"),
        Setting("admin_key", secret=True),
    )


class Local(Hosted):
    name: ClassVar[str] = "ollama"
    base_url: ClassVar[str] = "http://localhost:11434/v1"
    default_model: ClassVar[str | None] = None
    key_variables: ClassVar[tuple[str, ...]] = ()
    requires_key: ClassVar[bool] = False
    key_prefix: ClassVar[str | None] = None
    env_prefix: ClassVar[str] = "OLLAMA"
    settings: ClassVar[tuple[Setting, ...]] = ()


class Regional(Hosted):
    name: ClassVar[str] = "regional"
    base_url: ClassVar[str] = "https://{region}.host.example/v1/"
    key_variables: ClassVar[tuple[str, ...]] = ()
    key_prefix: ClassVar[str | None] = None
    env_prefix: ClassVar[str] = "REGIONAL"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("region", required=True),
        Setting("base_url", env=("REGIONAL_ENDPOINT",)),
        Setting("pause", kind="seconds", default=1.5),
        Setting("retries_left", kind="int"),
        Setting("ratio", kind="float"),
        Setting("strict", kind="bool"),
        Setting("ca", kind="path"),
        Setting("extra", kind="json"),
    )
