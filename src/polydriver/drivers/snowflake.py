"""Snowflake Cortex. https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-rest-api"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ..config import Setting
from ..wires.chat_completions import reasoning
from .compatible import CompatibleDriver
from .rows.common import CompatibleChat
from .traits import ErrorTable

__all__ = ["SnowflakeDriver"]


class SnowflakeDriver(CompatibleDriver):
    """The models that Snowflake serves inside an account, over Chat Completions.

    `account` is the account's identifier, the first part of its host's name. The key is a programmatic access token;
    for another kind, say which in `token_type` ("KEYPAIR_JWT", "OAUTH").
    """

    name = "snowflake"
    title = "Snowflake Cortex"
    base_url = "https://{account}.snowflakecomputing.com/api/v2/cortex/v1"
    key_variables = ("SNOWFLAKE_PAT", "SNOWFLAKE_TOKEN")
    settings = (
        Setting("account", env=("SNOWFLAKE_ACCOUNT", "SNOWFLAKE_ACCOUNT_ID"), help="the account's identifier"),
        Setting("token_type", help="the kind of the key (X-Snowflake-Authorization-Token-Type)"),
    )
    setting_headers: ClassVar[Mapping[str, str]] = {"token_type": "x-snowflake-authorization-token-type"}
    errors = ErrorTable(branch="Snowflake")
    model_list = "none"
    wire = CompatibleChat(
        max_tokens_field="max_completion_tokens", details_as_reasoning=True, reasoning=reasoning.reasoning_object
    )
