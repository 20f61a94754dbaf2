"""Which API a request speaks, and who answers it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

import msgspec

from ...data.http import Request, Simulated
from ...drivers.mock import MockDriver
from ...drivers.mock.forms import ID_HEADER, ReplyForm
from . import anthropic, gemini, openai
from .asking import Answered, Ask, RefusedError, Route
from .generate_content import GENERATE_CONTENT
from .messages import MESSAGES
from .responses import RESPONSES
from .store import Store

__all__ = ["Backend", "service_of"]

_SERVICES: Mapping[str, tuple[ReplyForm, tuple[Route, ...]]] = {
    "anthropic": (MESSAGES, anthropic.ROUTES),
    "gemini": (GENERATE_CONTENT, gemini.ROUTES),
    "openai": (RESPONSES, openai.ROUTES),
}
_OTHERS = re.compile(r"^/xai/|^/v1/accounts/|^/(upload/)?storage/|/batchPredictionJobs(/|:|$)")
"""Where services have something of their own whose addresses look like Google's, and what is only Vertex AI's."""


def service_of(request: Request) -> str:
    """Whose API a request speaks, by its path and headers: "anthropic", "gemini", "cohere", "bedrock" or "openai"."""
    path = urlsplit(request.url).path
    if _OTHERS.search(path):
        return "openai"
    if "anthropic-version" in request.headers or path.endswith(("/messages", "/messages/count_tokens")):
        return "anthropic"
    if "x-goog-api-key" in request.headers or re.search(r"/v1(beta|alpha)\d*/|:[a-z]\w+$", path):
        return "gemini"
    ways = {"/v2/chat": "cohere", "/converse": "bedrock"}
    return next((service for end, service in ways.items() if path.endswith(end)), "openai")


class Backend:
    """Answers requests of every API that the server speaks. What no route names, the mock driver answers itself."""

    def __init__(self, driver: MockDriver) -> None:
        self._driver = driver
        self._store = Store()

    def answer(self, request: Request) -> Answered:
        """The answer to a request. Raises what `MockDriver.simulate` raises."""
        form, routes = _SERVICES.get(name := service_of(request), _SERVICES["openai"])
        path = unquote(urlsplit(request.url).path).rstrip("/")
        for method, pattern, handle in routes:
            found = re.fullmatch(f".*{pattern}", path) if method == request.method else None
            if found is not None:
                try:
                    asked = Ask(request, found.groups(), form, self._driver.service, self._store, self.answer)
                    return _named_as(form.id_header, handle(asked))
                except RefusedError as error:
                    return form.refuse(error.status, str(error))
        if name in ("anthropic", "gemini"):
            return form.refuse(404, f"the mock has nothing at {request.method} {path or '/'}")
        return self._driver.simulate(request)


def _named_as(header: str, answered: Answered) -> Answered:
    """The reply with the request's id under the service's own name."""
    if header == ID_HEADER or not isinstance(answered, Simulated) or ID_HEADER not in answered.headers:
        return answered
    headers = {header if name == ID_HEADER else name: value for name, value in answered.headers.items()}
    return msgspec.structs.replace(answered, headers=headers)
