"""Services that speak OpenAI's Chat Completions: what their drivers have in common.

A row of `polydriver.drivers.rows` says where a service is, which variable holds its key, and what it does differently.
`openai_compatible` makes a driver from such facts, for any other host too.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

import msgspec

from ..config import Setting
from ..config.kinds import read_base_url
from ..contract import Wire
from ..data.http import Request
from ..data.models import Capabilities
from ..driver import Driver
from ..errors import ConfigurationError
from ..wires.chat_completions import ChatCompletions
from ..wires.either import EitherWire
from ..wires.openai import CHAT_OPTIONS
from ..wires.responses import Responses
from .rows import ROWS, Row
from .rows.common import CompatibleChat
from .traits import CalculatesCosts, ErrorTable, HandlesApiCommunication, HandlesErrors, ValidatesHealth

__all__ = ["API_SETTING", "CompatibleDriver", "either", "openai_compatible", "compatible_driver"]

API_SETTING = Setting(
    "api", default="chat", help='which API is spoken: "chat", "responses", or "auto" (what the call needs)'
)
"""For services that speak the Responses API too: with `api="responses"`, as a setting or for one call."""


class CompatibleDriver(HandlesApiCommunication, HandlesErrors, ValidatesHealth, CalculatesCosts, Driver):
    """The common base of the rows: Chat Completions, with the common error table.

    `model_list`: "private" where the list of models needs a key, and so proves that it is good; "public" where anybody
    can read it; "none" where there is no list.
    """

    wire: Wire = CompatibleChat()
    capabilities = Capabilities(
        streaming=True,
        function_calling=True,
        parallel_function_calling=True,
        vision=True,
        supported_formats=("text", "image", "json"),
    )
    errors = ErrorTable(branch="Compatible")
    model_list: ClassVar[Literal["private", "public", "none"]] = "private"

    def models_request(self) -> Request:
        """The request for the first page of the model list, where there is one."""
        if self.model_list == "none":
            raise self.unsupported("listing models")
        return super().models_request()

    def probe_request(self) -> Request | None:
        """An empty prompt, where the model list does not show whether the key is good."""
        if self.model_list == "private":
            return None
        chat = self.wire.chat if isinstance(self.wire, EitherWire) else self.wire
        assert isinstance(chat, ChatCompletions)
        return self.build_post(chat.path, {"messages": []})


def either(chat: ChatCompletions, responses: Responses | None = None) -> EitherWire:
    """Both of OpenAI's wires, with their options, for a compatible service."""
    own = msgspec.structs.replace(chat, option_names=chat.option_names | CHAT_OPTIONS)
    spoken = responses if responses is not None else Responses()
    spoken = msgspec.structs.replace(
        spoken,
        option_names=spoken.option_names | chat.option_names,
        formats=msgspec.structs.replace(chat.formats, says_json=False),
        service_tiers=spoken.service_tiers or chat.service_tiers,
    )
    return EitherWire(chat=own, responses=spoken)


def openai_compatible(name: str, base_url: str, **attributes: Any) -> type[CompatibleDriver]:
    """Make a driver class for any service that speaks OpenAI's Chat Completions.

    `name` is what it is called in configuration; its key is read from `NAME_API_KEY` (set `key_variables` for
    another). `base_url` may have fields such as `{region}`, which settings of the same name fill. Further `attributes`
    are the fields of `Row`: `operations` is what it does beyond chat, objects or classes of
    `polydriver.wires.operations`; `responses=True` says that it also speaks the Responses API, for calls with
    `api="responses"`; `wire` is a `ChatCompletions` with what it does differently, whose fields may also be given by
    themselves; `requires_key=False` is for a local server.

    Raises `ValueError` for an attribute that does not exist, and `ConfigurationError` for a `base_url` that is not one,
    or has credentials, a query or a fragment in it.

    ::

        Acme = openai_compatible("acme", "https://llm.acme.example/v1")
        Acme({"api_key": "..."}).send_message("Hi", model="acme-1")
    """
    of_wire = {key: value for key, value in attributes.items() if key in ChatCompletions.__struct_fields__}
    of_row = {key: value for key, value in attributes.items() if key not in of_wire}
    unknown = [key for key in of_row if key not in Row.__struct_fields__]
    if unknown:
        raise ValueError(f"a compatible driver has no attribute {', '.join(unknown)}")
    try:
        read_base_url(re.sub(r"\{\w+\}", "x", base_url))
    except ValueError as error:
        raise ConfigurationError(f"base_url {error}") from None
    wire = of_row.pop("wire", CompatibleChat())
    if "operations" in of_row:
        of_row["operations"] = tuple(part() if isinstance(part, type) else part for part in of_row["operations"])
    title = of_row.pop("title", None) or name.replace("_", " ").replace("-", " ").title()
    row = Row(title=title, base_url=base_url, wire=msgspec.structs.replace(wire, **of_wire), **of_row)
    return _make(name, row)


def _make(name: str, row: Row) -> type[CompatibleDriver]:
    branch = "".join(word[:1].upper() + word[1:] for word in re.findall(r"[^\W_]+", row.title))
    speaks_both = row.responses is not False
    fields: dict[str, Any] = {
        "__module__": __name__,
        "__doc__": f"{row.title}, over Chat Completions{' or the Responses API' if speaks_both else ''}.",
        "name": name,
        "title": row.title,
        "base_url": row.base_url,
        "key_variables": row.key_variables or (f"{name.upper().replace('-', '_')}_API_KEY",),
        "errors": row.errors or ErrorTable(branch=branch),
        "settings": (API_SETTING, *row.settings) if speaks_both else row.settings,
        "operations": row.operations,
        "requires_key": row.requires_key,
        "default_model": row.default_model,
        "model_list": row.model_list,
        "models_path": row.models_path,
        "catalog_name": row.catalog_name,
        "wire": row.wire,
    }
    if speaks_both:
        fields["wire"] = either(row.wire, row.responses if isinstance(row.responses, Responses) else None)
    if row.capabilities is not None:
        fields["capabilities"] = row.capabilities
    if row.origin is not None:
        fields["origin"] = row.origin
    return type(f"{fields['errors'].branch}Driver", (CompatibleDriver,), fields)


_made: dict[str, type[CompatibleDriver]] = {}


def compatible_driver(name: str) -> type[CompatibleDriver]:
    """The driver class of a row, made once. Raises `KeyError` for a name without a row."""
    if name not in _made:
        _made[name] = _make(name, ROWS[name])
    return _made[name]
