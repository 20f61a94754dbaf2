"""An application without logging set up sees nothing of the package on stderr; one with it sees all."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import logging
{setup}
from polydriver import AI, AIError, ResponseGenerated

ai = AI.fake(retry_attempts=2, retry_delay=0.001, logging={{"channel": {channel!r}}})
ai.fail(503).reply("Hi").fail(400).reply("Bye")

@ai.on(ResponseGenerated)
def broken(event):
    raise RuntimeError("a listener's own fault")

provider = ai.provider("openai")
print(provider.send_message("Hello", model="m").content)
try:
    provider.send_message("Hello", model="m")
except AIError:
    print("failed")
with provider.send_streaming_message("Hello", model="m"):
    pass
"""


def run(channel: str, setup: str = "") -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(channel=channel, setup=setup)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)


@pytest.mark.parametrize("channel", ["polydriver", "polydriver.calls", "mine"])
def test_nothing_is_seen(channel: str) -> None:
    done = run(channel)
    assert (done.stdout, done.stderr) == ("Hi\nfailed\n", "")


@pytest.mark.parametrize("channel", ["polydriver", "mine"])
def test_with_logging_all_is_seen(channel: str) -> None:
    said = run(channel, "logging.basicConfig(level='INFO')").stderr
    for piece in (
        f"WARNING:{channel}:openai/m attempt 1 failed",
        f"INFO:{channel}:openai/m answered",
        "broken failed on",
    ):
        assert piece in said
