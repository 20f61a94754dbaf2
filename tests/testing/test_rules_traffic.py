"""No rule is broken by recorded requests that the providers accepted: one that is, is false."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.wires.replay import records

from polydriver.testing.rules import judge
from polydriver.testing.rules.judging import model_in_path

TRAFFIC = Path(__file__).parent.parent / "traffic"
APIS = (
    "openai-chat",
    "openai-responses",
    "anthropic-messages",
    "gemini-generate",
    "bedrock-converse",
    "bedrock-invoke",
    "cohere-chat-v2",
    "ollama-chat",
)
PROVIDERS = {"openai-chat": "openai", "openai-responses": "openai"}


def accepted() -> list[Any]:
    found = []
    for record in records(TRAFFIC, *APIS):
        request, status = record["request"] or {}, record["response"]["status"] or 0
        whole = isinstance(request.get("body"), dict) and "request_base64_elided" not in record.get("flags", ())
        if whole and 200 <= status < 300 and "in_stream_error" not in record["kind"]:
            found.append(pytest.param(record, id=f"{record['provider']}-{record['id']}"))
    return found


@pytest.mark.parametrize("record", accepted())
def test_accepted_requests_break_no_rule(record: dict[str, Any]) -> None:
    request = record["request"]
    url = urlsplit(request["url"])
    provider = PROVIDERS.get(record["provider"], record["provider"])
    model = model_in_path(url.path) or str(request["body"].get("model") or "")
    headers = {name: str(value) for name, value in (request.get("headers") or {}).items()}
    found = judge(provider, model, f"{url.path}?{url.query}", headers, request["body"])
    assert not found, "\n".join(map(str, found)) + "\n" + json.dumps(request["body"])[:3000]
