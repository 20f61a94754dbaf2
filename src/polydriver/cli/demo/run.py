"""The demonstration: each step with the replies that the server gives, the code, and what must be true afterwards."""

from __future__ import annotations

import inspect
import json
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...data.cost import Cost
from ...data.responses import AIResponse
from ...manager import AI
from ..output import say
from . import examples, replies
from .narrator import Narrator, source_of
from .server import ScriptedServer

__all__ = ["run_demo"]

_KEY = "sk-demo-5b1f9c7e3d2a4860"
_SETTINGS = """\
default = "openai"

[providers.openai]
api_key = "{key}"
base_url = "{url}"
http = {{ trust_env = false }}
"""
_STORAGE = """
[storage]
url = "sqlite:///{file}"
"""


def run_demo() -> None:
    """Show everything. Raises `DemoError` when something is not as it is shown, `AIError` when a call fails."""
    started = time.monotonic()
    with ScriptedServer() as server, tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "polydriver.toml")
        text = _SETTINGS.format(key=_KEY, url=server.url)
        has_database = find_spec("sqlalchemy") is not None
        if has_database:
            text += _STORAGE.format(file=Path(folder, "demo.db").as_posix())
        settings.write_text(text, encoding="utf-8")
        say("polydriver: the OpenAI driver over real HTTP", bold=True)
        say(f"The server on {server.url} replies by a script; all else is as with api.openai.com.\n")
        say("   polydriver.toml")
        say("".join(f"     {line}\n" for line in settings.read_text(encoding="utf-8").splitlines()))
        say("   ai = AI()")
        demo = _Demo(server, settings)
        for step in (
            demo.chat,
            demo.stream,
            demo.tools,
            demo.retry,
            demo.structured,
            demo.cut_stream,
            demo.costs,
            demo.events,
            demo.side_by_side,
            *((demo.keep, demo.go_on, demo.report) if has_database else ()),
        ):
            step()
        if not has_database:
            say("\nStorage, conversations that are kept and reports of costs: pip install 'polydriver[db]'.")
    say(f"\nAll checked, in {time.monotonic() - started:.1f} s.", bold=True, fg="green")


class _Demo:
    def __init__(self, server: ScriptedServer, settings: Path) -> None:
        self.server = server
        self.settings = settings
        self.narrator = Narrator()
        self.attempts = 0

    def ai(self) -> AI:
        """A fresh manager, so that listeners of one step do not hear the next. Only the file counts."""
        return AI(self.settings, env={})

    def chat(self) -> None:
        """A whole answer."""
        self.server.script(replies.answer("The capital of France is Paris."))
        response: AIResponse = self._show(examples.chat, "A chat", "One message, one answer; the blocking client.")
        [request] = self.server.requests
        check = self.narrator.check
        check(request.path == "/v1/chat/completions", "one POST to /v1/chat/completions was made")
        check(request.headers["authorization"] == f"Bearer {_KEY}", "it carried the key")
        check(response.content == "The capital of France is Paris.", "the answer is what the server sent")
        check(_KEY not in repr(self.ai().provider().get_config()), "get_config() shows the key as ***4860")

    def stream(self) -> None:
        """A streamed answer."""
        text = "A river never hurries, and yet it is always early to the sea."
        self.server.script(replies.stream(text))
        pieces, response = self._show(examples.stream, "A stream", "Text comes as it is written.")
        self.narrator.check(len([piece for piece in pieces if piece]) == 13, "13 pieces came, one for each word")
        self.narrator.check("".join(pieces) == response.content == text, "together they are the whole answer")
        self.narrator.check(response.usage.output_tokens == len(text) // 4, "the last chunk brought the usage")

    def tools(self) -> None:
        """Two tools at once."""
        lisbon = {"city": "Lisbon"}
        self.server.script(
            replies.calls(("get_weather", lisbon), ("get_time", {**lisbon, "seconds": True})),
            replies.answer("In Lisbon it is 14:05, clear, and 18 °C."),
        )
        told = "Plain functions are tools. Two calls in one turn run side by side; their results go back."
        chat = self._show(examples.conversation_with_tools, "A tool loop", told)
        first, second = self.server.requests
        offered = {tool["function"]["name"]: tool["function"] for tool in first.body["tools"]}
        sent = [message["content"] for message in second.body["messages"] if message["role"] == "tool"]
        check = self.narrator.check
        check(offered["get_weather"]["parameters"]["required"] == ["city"], "schemas were made from the signatures")
        check(sent == ["18 °C and clear in Lisbon", "14:05:30"], "both results went back, in the order of the calls")
        check([m.role for m in chat.history] == ["user", "assistant", "tool", "assistant"], "the history has all turns")

    def retry(self) -> None:
        """A retry that obeys the server."""
        self.server.script(replies.rate_limited(1), replies.answer("I am, and ready."))
        self._show(examples.retry, "A retry", "The server says 429 and `Retry-After: 1` to the first request.")
        first, second = self.server.requests
        self.narrator.check(second.at - first.at >= 1.0, "the second request came a second later, not earlier")
        self.narrator.check(first.body == second.body, "both asked the same")

    def structured(self) -> None:
        """An answer in the form of a dataclass."""
        lyon = examples.City("Lyon", "France", 522_250, ["Rhône", "Saône"])
        self.server.script(replies.answer(json.dumps(asdict(lyon), ensure_ascii=False)))
        told = "The form is a dataclass; its JSON schema is sent, and the answer is checked against it."
        city = self._show(examples.structured, "A structured answer", told, inspect.getsource(examples.City))
        form = self.server.requests[0].body["response_format"]
        self.narrator.check(city == lyon, "the answer is a City, validated")
        self.narrator.check(form["json_schema"]["strict"] is True, "its JSON schema was sent, in strict mode")

    def cut_stream(self) -> None:
        """A stream that breaks."""
        self.server.script(replies.stream("Once upon a time there was a lighthouse that", until=6))
        told = "The connection breaks in the middle. That is never taken for an end, and never silently repeated."
        stream = self._show(examples.cut_stream, "A cut stream", told)
        self.narrator.check("OpenAIStreamInterruptedError" in self.narrator.printed, "the error is one of ours")
        partial = stream.response
        self.narrator.check(partial.content == "Once upon a time there was", "what came is kept")
        self.narrator.check(partial.finish_reason is None, "nobody made up a finish reason")
        self.narrator.check(len(self.server.requests) == 1, "no second request was made after the first words")

    def costs(self) -> None:
        """What a call cost, exactly."""
        self.server.script(replies.answer("It is about rivers, mostly.", prompt_tokens=3072, cached=2048))
        told = "3,072 tokens were read, 2,048 of them from the prompt cache. Prices are dated and have a source."
        cost: Cost = self._show(examples.costs, "Costs", told).cost
        check = self.narrator.check
        check(isinstance(cost.total, Decimal), "the total is a Decimal")
        check(sum(cost.items.values()) == cost.total, "the items add up to it, to the last digit")
        cheaper = cost.items["cached_input"] / 2048 < cost.items["input"] / 1024
        check(cheaper, "no token is billed twice, and a cached one costs less")

    def events(self) -> None:
        """What a listener hears."""
        self.server.script(replies.stream("Hello to you!", pause=0.0))
        seen = self._show(examples.events, "Events", "Each step of a call is an event; a listener hears them in order.")
        names = ["MessageSent", "AttemptFinished", "ResponseGenerated", "CostCalculated", "ConversationUpdated"]
        self.narrator.check([event.name for event in seen] == names, "each came once, in this order")
        self.narrator.check(len({event.request_id for event in seen[:4]}) == 1, "one request id joins them")

    def side_by_side(self) -> None:
        """Many calls at once."""
        gate = threading.Barrier(5)
        self.server.script(*(replies.answer(f"Answer {number}", gate=gate) for number in range(1, 6)))
        told = "The same names, awaited. The server answers nobody before all five requests are there."
        responses = self._show(examples.side_by_side, "Async, side by side", told)
        self.narrator.check(len(responses) == 5 and not gate.broken, "five requests were in flight at once")
        self.narrator.check(all(response.cost is not None for response in responses), "each answer knows its cost")

    def keep(self) -> None:
        """A conversation in a file."""
        self.server.script(replies.answer("Begin in Alfama, on foot, before the sun is high."))
        told = "With a database, conversations are kept as they go: the question before it is sent, then the answer."
        self._show(examples.keep, "A conversation that is kept", told)
        self.narrator.check((self.settings.parent / "demo.db").stat().st_size > 0, "it is in a file of SQLite")

    def go_on(self) -> None:
        """The same, in another manager."""
        self.server.script(replies.answer("By train to Sintra, and back along the coast."))
        chat = self._show(examples.go_on, "Found, and gone on with", "As in another process, on another day.")
        sent = [message["role"] for message in self.server.requests[0].body["messages"]]
        self.narrator.check(sent == ["user", "assistant", "user"], "the model was told what was said before")
        roles = ["user", "assistant", "user", "assistant"]
        self.narrator.check([message.role for message in chat.history] == roles, "the history has all turns")

    def report(self) -> None:
        """What the demonstration cost."""
        self.server.script()
        told = "Every attempt is a row in the ledger: the refused one and the one that broke, too."
        lines = self._show(examples.report, "What all this cost", told)
        check = self.narrator.check
        check(sum(line.attempts for line in lines) == self.attempts, f"all {self.attempts} requests are in it")
        check(sum(line.failed for line in lines) == 2, "two of them failed: the refused one and the cut one")
        check(all(line.cost > 0 and line.unpriced == 0 for line in lines), "each has its price")

    def _show(self, function: Callable[[AI], Any], title: str, told: str, above: str = "") -> Any:
        self.narrator.step(title, told, f"{above}\n{source_of(function)}".lstrip("\n"))
        with self.ai() as ai:
            result = self.narrator.run(function, ai)
        self.attempts += len(self.server.requests)
        return result
