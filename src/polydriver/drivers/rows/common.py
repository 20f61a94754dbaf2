"""What a row says of a compatible service."""

from __future__ import annotations

from typing import Literal

import msgspec

from ...config import Setting
from ...contract import OperationPart
from ...data.models import Capabilities
from ...wires.chat_completions import ChatCompletions
from ...wires.operations import Embeddings
from ...wires.responses import Responses
from ..traits import ErrorTable

__all__ = ["TEXT_ONLY", "CompatibleChat", "Row"]


TEXT_ONLY = Capabilities(
    streaming=True, function_calling=True, parallel_function_calling=True, supported_formats=("text", "json")
)
"""For services without models that read images."""


class CompatibleChat(ChatCompletions, kw_only=True, eq=False):
    """Chat Completions as most compatible services speak it."""

    developer_role: bool = False


class Row(msgspec.Struct, kw_only=True, frozen=True, eq=False):
    """One compatible service: where it is, how it is spoken to, and what it does differently.

    - `title`: as people write it; `base_url`, which may have fields such as `{region}` that `settings` fill.
    - `wire`: how it speaks Chat Completions; `responses`: whether it speaks the Responses API as well, or how.
    - `operations`: what it does beyond chat.
    - `model_list`: "private" where the list of models needs a key, and so proves that it is good; "public" where
      anybody can read it; "none" where there is no list; `models_path`: where it is.
    - The others are those of `Driver`; `None` is as usual for a service of this name.
    """

    title: str
    base_url: str
    wire: ChatCompletions = msgspec.field(default_factory=CompatibleChat)
    responses: Responses | bool = False
    operations: tuple[OperationPart, ...] = msgspec.field(default_factory=lambda: (Embeddings(),))
    capabilities: Capabilities | None = None
    errors: ErrorTable | None = None
    settings: tuple[Setting, ...] = ()
    key_variables: tuple[str, ...] | None = None
    requires_key: bool = True
    default_model: str | None = None
    origin: str | None = None
    catalog_name: str | None = None
    model_list: Literal["private", "public", "none"] = "private"
    models_path: str = "models"
