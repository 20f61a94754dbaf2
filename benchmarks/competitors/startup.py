"""The shortest program with each competitor, in three steps: import it, make a client, ask once.

Each runs in a fresh interpreter, after the constants of `preamble`; the last step leaves the answer in
`text`.
"""

from __future__ import annotations

from textwrap import dedent
from typing import NamedTuple

from . import API_KEY, BARE_ASYNC, BARE_BLOCKING, MODEL, OPENAI, POLYDRIVER, PROMPT

__all__ = ["PROGRAMS", "Program", "preamble"]


class Program(NamedTuple):
    """Source of the three steps."""

    imports: str
    client: str = "pass"
    call: str = "text = 'nothing'"


def preamble(base_url: str) -> str:
    """The constants that the programs use."""
    return dedent(f"""
        URL, KEY, MODEL, PROMPT = {base_url!r}, {API_KEY!r}, {MODEL!r}, {PROMPT!r}
        ENDPOINT = URL + "/chat/completions"
        MESSAGES = [{{"role": "user", "content": PROMPT}}]
        HEADERS = {{"Authorization": "Bearer " + KEY, "Content-Type": "application/json"}}
        CONNECTION = {{"driver": "openai", "api_key": KEY, "base_url": URL}}
        CONFIG = {{"default": "openai", "providers": {{"openai": CONNECTION}}}}
    """)


_BODY = 'msgspec.json.encode({"model": MODEL, "messages": MESSAGES})'
_TEXT = 'text = msgspec.json.decode(body)["choices"][0]["message"]["content"]'
_ASK_OPENAI = "client.chat.completions.create(model=MODEL, messages=MESSAGES)"
_ASK_AIOHTTP = f"""
async def ask():
    async with aiohttp.ClientSession() as session:
        async with session.post(ENDPOINT, data={_BODY}, headers=HEADERS) as reply:
            return await reply.read()
body = asyncio.run(ask())
"""

PROGRAMS = {
    "python alone": Program("pass"),
    BARE_BLOCKING: Program(
        "import urllib3, msgspec",
        "pool = urllib3.PoolManager()",
        f'body = pool.request("POST", ENDPOINT, body={_BODY}, headers=HEADERS).data\n{_TEXT}',
    ),
    BARE_ASYNC: Program("import asyncio, aiohttp, msgspec", call=_ASK_AIOHTTP + _TEXT),
    "httpx2 + msgspec": Program(
        "import httpx2, msgspec",
        "client = httpx2.Client()",
        f"body = client.post(ENDPOINT, content={_BODY}, headers=HEADERS).content\n{_TEXT}",
    ),
    OPENAI: Program(
        "from openai import OpenAI",
        "client = OpenAI(api_key=KEY, base_url=URL)",
        f"text = {_ASK_OPENAI}.choices[0].message.content",
    ),
    f"{OPENAI}, async": Program(
        "import asyncio; from openai import AsyncOpenAI",
        "client = AsyncOpenAI(api_key=KEY, base_url=URL)",
        f"text = asyncio.run({_ASK_OPENAI}).choices[0].message.content",
    ),
    "LiteLLM": Program(
        "import litellm",
        call='to = {"model": "openai/" + MODEL, "api_key": KEY, "api_base": URL}\n'
        "reply = litellm.completion(messages=MESSAGES, **to)\n"
        "text = reply.choices[0].message.content",
    ),
    POLYDRIVER: Program(
        "from polydriver import AI",
        'provider = AI(CONFIG).provider("openai")',
        "text = provider.send_message(PROMPT, model=MODEL).content",
    ),
    f"{POLYDRIVER}, async": Program(
        "import asyncio; from polydriver import AsyncAI",
        'provider = AsyncAI(CONFIG).provider("openai")',
        "text = asyncio.run(provider.send_message(PROMPT, model=MODEL)).content",
    ),
}
