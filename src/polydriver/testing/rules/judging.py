"""Which judge a request is brought before, and how it is read."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from ...data.http import Request
from ...data.json import decode_json
from . import chat_completions, cohere, compatible, converse, generate_content, messages, ollama, responses
from .base import Rule, RuleBook, SentRequest, Violation

__all__ = ["all_rules", "judge", "judge_request", "model_in_path", "rules_for"]

_BOOKS: list[tuple[str, str, RuleBook]] = [
    ("openai", r".*/chat/completions", chat_completions.RULES),
    ("azure", r".*/chat/completions", compatible.AZURE),
    ("mistral", r".*/chat/completions", compatible.MISTRAL),
    ("groq", r".*/chat/completions", compatible.GROQ),
    ("deepseek", r".*/chat/completions", compatible.DEEPSEEK),
    ("xai", r".*/chat/completions", compatible.XAI),
    (".*", r".*/chat/completions", chat_completions.COMMON),
    ("openai", r".*/responses", responses.RULES),
    ("azure", r".*/responses", compatible.AZURE_RESPONSES),
    (".*", r".*/responses", responses.COMMON),
    ("anthropic|bedrock|vertexai", r".*/messages|.*:(stream)?[rR]awPredict|.*anthropic.*/invoke.*", messages.RULES),
    ("bedrock", r".*/converse(-stream)?", converse.RULES),
    ("cohere", r".*/v2/chat", cohere.RULES),
    (".*", r".*/api/chat", ollama.RULES),
    ("gemini|vertexai", r".*:(streamG|g)enerateContent", generate_content.RULES),
]
_IN_PATH = re.compile(r"/(?:models?|deployments)/([^/]+?)(?::\w+|/(?:converse|invoke|chat)[\w/-]{0,100})?$")

EVERY = RuleBook()


@EVERY.rule("json.numbers", "NaN and Infinity are not JSON", "https://www.rfc-editor.org/rfc/rfc8259#section-6")
def _numbers(sent: SentRequest) -> Iterator[str]:
    stack: list[Any] = [sent.body]
    while stack:
        value = stack.pop()
        if isinstance(value, float) and not math.isfinite(value):
            yield str(value)
        elif isinstance(value, Mapping):
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)


@EVERY.rule(
    "json.content-type", "content-type must be application/json", "https://www.rfc-editor.org/rfc/rfc8259#section-11"
)
def _content_type(sent: SentRequest) -> Iterator[str]:
    kind = sent.headers.get("content-type")
    if kind is not None and not kind.lower().startswith("application/json"):
        yield kind


def rules_for(provider: str, path: str) -> RuleBook | None:
    """The rules for a provider's name and the path of a request; `None` where no wire is known for them."""
    plain = unquote(path.partition("?")[0])
    for names, ways, book in _BOOKS:
        if re.fullmatch(names, provider) and re.fullmatch(ways, plain):
            return book
    return None


def judge(provider: str, model: str, path: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> list[Violation]:
    """Every rule that a request breaks, in the order of the rules; none where no wire is known for the path.

    - `provider`: the driver's name ("openai", "bedrock", ...). `model`: the id, as it is asked for.
    - `path`: the path of the URL, with its query if it has one. `headers`: in any case. `body`: the JSON as Python
      data.
    """
    book = rules_for(provider, path)
    if book is None:
        return []
    lowered = {name.lower(): value for name, value in headers.items()}
    sent = SentRequest(provider, model, path, lowered, body)
    return [*EVERY.judge(sent), *book.judge(sent)]


def judge_request(provider: str, request: Request, model: str | None = None) -> list[Violation]:
    """The same for a request that a driver has rendered. The model is found in the body or in the path."""
    try:
        body = decode_json(request.body or b"")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return []
    url = urlsplit(request.url)
    path = f"{url.path}?{url.query}" if url.query else url.path
    if model is None:
        model = model_in_path(url.path) or str(body.get("model") or "")
    return judge(provider, model, path, request.headers, body)


def model_in_path(path: str) -> str | None:
    """The model that a path names, where it does: `/models/ID:generateContent`, `/model/ID/converse`, ..."""
    named = _IN_PATH.search(unquote(path))
    return named[1] if named else None


def all_rules() -> list[Rule]:
    """Every rule of every wire, each once."""
    return list({id(rule): rule for book in (EVERY, *(book for _, _, book in _BOOKS)) for rule in book.rules}.values())
