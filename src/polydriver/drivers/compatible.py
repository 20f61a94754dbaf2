"""Services that speak OpenAI's Chat Completions: what their drivers have in common.

A row of `polydriver.drivers.rows` says where a service is, which variable holds its key, and what it does differently.
`openai_compatible` makes a driver from such facts, for any other host too.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

from ..config import Setting
from ..data.http import Request
from ..data.models import Capabilities
from ..driver import Driver
from ..wires.chat_completions import ChatCompletions
from ..wires.chat_or_responses import ChatOrResponses
from ..wires.operations import Embeddings
from .rows import ROWS
from .traits import CalculatesCosts, ErrorTable, HandlesErrors, ValidatesHealth
from .traits.base import TraitBase

__all__ = [
    "CompatibleDriver",
    "CompatibleResponsesDriver",
    "WithoutModelList",
    "compatible_driver",
    "openai_compatible",
]


class CompatibleDriver(ChatCompletions, HandlesErrors, ValidatesHealth, CalculatesCosts, Driver):
    """The common base of the rows: Chat Completions, with the common error table.

    `model_list`: "private" where the list of models needs a key, and so proves that it is good; "public" where anybody
    can read it; "none" where there is no list (see `WithoutModelList`).
    """

    capabilities = Capabilities(
        streaming=True,
        function_calling=True,
        parallel_function_calling=True,
        vision=True,
        supported_formats=("text", "image", "json"),
    )
    errors = ErrorTable(branch="Compatible")
    developer_role = False
    model_list: ClassVar[Literal["private", "public", "none"]] = "private"

    def probe_request(self) -> Request | None:
        """A prompt without anything in it, where the model list tells nothing of the key."""
        return None if self.model_list == "private" else self.build_post(self.chat_path, {"messages": []})


class WithoutModelList(TraitBase):
    """Goes in front of `CompatibleDriver` for services that list no models."""

    model_list: ClassVar[Literal["private", "public", "none"]] = "none"
    models_request = Driver.models_request
    parse_models = Driver.parse_models
    next_page = Driver.next_page


class CompatibleResponsesDriver(ChatOrResponses, CompatibleDriver):
    """The base of the rows that speak the Responses API too: with `api="responses"`, as a setting or for one call."""

    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(
            "api", default="chat", help='which API is spoken: "chat", "responses", or "auto" (what the call needs)'
        ),
    )


def openai_compatible(
    name: str,
    base_url: str,
    *,
    title: str | None = None,
    operations: tuple[type, ...] = (Embeddings,),
    responses: bool = False,
    **attributes: Any,
) -> type[CompatibleDriver]:
    """Make a driver class for any service that speaks OpenAI's Chat Completions.

    `name` is what it is called in configuration; its key is read from `NAME_API_KEY` (set `key_variables` for
    another). `base_url` may have fields such as `{region}`, which settings of the same name fill. `operations` is what
    it does beyond chat, as classes of `polydriver.wires.operations`; `responses` says that it also speaks the
    Responses API, for calls with `api="responses"`. Further `attributes` are the class attributes of `Driver`,
    `CompatibleDriver` and `ChatCompletions`, such as `requires_key=False` for a local server. Raises `ValueError` for
    an attribute that they do not have.

    ::

        Acme = openai_compatible("acme", "https://llm.acme.example/v1")
        Acme({"api_key": "..."}).send_message("Hi", model="acme-1")
    """
    base = CompatibleResponsesDriver if responses else CompatibleDriver
    listing = (WithoutModelList,) if attributes.get("model_list") == "none" else ()
    bases = (*operations, *listing, base)
    unknown = [attribute for attribute in attributes if not any(hasattr(kind, attribute) for kind in bases)]
    if unknown:
        raise ValueError(f"a compatible driver has no attribute {', '.join(unknown)}")
    title = title or name.replace("_", " ").replace("-", " ").title()
    fields: dict[str, Any] = {
        "__module__": __name__,
        "__doc__": f"{title}, over Chat Completions{' or the Responses API' if responses else ''}.",
        "name": name,
        "title": title,
        "base_url": base_url,
        "key_variables": (f"{name.upper().replace('-', '_')}_API_KEY",),
        "errors": ErrorTable(branch="".join(word[:1].upper() + word[1:] for word in re.findall(r"[^\W_]+", title))),
        **attributes,
    }
    if responses:  # the attributes complete what both APIs need
        fields["settings"] = (*base.settings, *attributes.get("settings", ()))
        fields["option_names"] = base.option_names | attributes.get("option_names", frozenset())
    return type(f"{fields['errors'].branch}Driver", bases, fields)


_made: dict[str, type[CompatibleDriver]] = {}


def compatible_driver(name: str) -> type[CompatibleDriver]:
    """The driver class of a row, made once. Raises `KeyError` for a name without a row."""
    if name not in _made:
        _made[name] = openai_compatible(name, **ROWS[name])
    return _made[name]
