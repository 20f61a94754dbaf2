"""The mock driver: answers offline, by a script, over the same contract and pipeline as every other driver.

::

    mock = MockDriver(replies=["Hello!", tool_call("get_weather", city="Paris"), RateLimitError("slow down")])
    mock.when("weather", "It is sunny.").fail("timeout")
    mock.send_message("Hi").content  # "Hello!"
    mock.assert_sent("Hi")

In a configuration: `{"driver": "mock", "replies": ["Hello!", {"error": "rate_limit", "retry_after": 2}],
"chunk_size": 5}`.
"""

from __future__ import annotations

from .driver import MockDriver
from .failures import FAILURES, Failure
from .log import CallLog, MockCall
from .replies import Answer, tool_call
from .script import Script, UnscriptedCallError

__all__ = [
    "FAILURES",
    "Answer",
    "CallLog",
    "Failure",
    "MockCall",
    "MockDriver",
    "Script",
    "UnscriptedCallError",
    "tool_call",
]
