"""The call log: one line for each event that matters, without secrets, with content only when asked for."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any

import pytest

from polydriver.config import LoggingConfig, Redactor
from polydriver.data.cost import Cost
from polydriver.data.messages import AIMessage, ToolCall
from polydriver.data.responses import AIResponse
from polydriver.data.usage import TokenUsage
from polydriver.errors import ServerError
from polydriver.events import (
    Event,
    EventBus,
    MessageSent,
    RequestFailed,
    RequestHedged,
    RequestRetried,
    ResponseGenerated,
    StreamAbandoned,
    ToolFailed,
)
from polydriver.logs import log_calls

KEY = "topsecret-0123456789"
ABOUT: dict[str, Any] = {"provider": "work", "model": "gpt-small", "request_id": "req-1"}
ANSWER = AIResponse.from_text(
    f"Hello\nthe key is {KEY}",
    usage=TokenUsage(12, 34),
    cost=Cost(Decimal("0.0012")),
    response_time=1.25,
)


def lines(caplog: pytest.LogCaptureFixture, config: LoggingConfig, *events: Event) -> list[tuple[str, str]]:
    caplog.set_level(logging.DEBUG, logger=config.channel)
    bus = EventBus()
    end = log_calls(bus, config, Redactor([KEY]))
    for event in events:
        bus.emit_blocking(event)
    end()
    assert not bus.wants(ResponseGenerated)
    assert all(record.name == config.channel for record in caplog.records)
    assert KEY not in caplog.text
    assert all(KEY not in str(vars(record)) for record in caplog.records)
    return [(record.levelname, record.getMessage()) for record in caplog.records]


def test_one_line_for_each(caplog: pytest.LogCaptureFixture) -> None:
    error = ServerError(f"down {KEY}\nforged line", provider="work", status=503)
    written = lines(
        caplog,
        LoggingConfig(channel="calls"),
        MessageSent(**ABOUT, messages=[AIMessage("Hi")]),
        ResponseGenerated(**ABOUT, response=ANSWER),
        ResponseGenerated(provider="work", response=AIResponse()),
        RequestRetried(**ABOUT, attempt=1, delay=0.5, error=error),
        RequestFailed(**ABOUT, attempts=3, error=error),
        RequestFailed(**ABOUT, attempts=1, error=KeyboardInterrupt()),
        StreamAbandoned(**ABOUT, response=AIResponse.from_text("half"), reason="closed"),
        ToolFailed(**ABOUT, call=ToolCall("1", "weather"), error=KeyError("city"), seconds=0.5),
        RequestHedged(**ABOUT, attempt=1, delay=2.0),
    )
    levels = ["INFO", "INFO", "WARNING", "ERROR", "INFO", "INFO", "WARNING", "INFO"]
    assert [level for level, _ in written] == levels
    texts = [text for _, text in written]
    assert texts[0] == "work/gpt-small answered: 12 + 34 tokens, cost $0.0012, finish stop, 1.250 s"
    assert texts[1] == "work answered: no details"
    assert texts[2].startswith("work/gpt-small attempt 1 failed, next in 0.5 s: ServerError: down *** forged line")
    assert texts[3].startswith("work/gpt-small failed after 3 attempts: ServerError: ")
    assert texts[4].startswith("work/gpt-small was cancelled after 1 attempts: KeyboardInterrupt")
    assert texts[5] == "work/gpt-small its stream was left (closed) after 4 characters"
    assert texts[7] == "work/gpt-small attempt 1 has no content after 2 s: it is sent a second time"
    assert texts[6] == "work/gpt-small tool weather failed after 0.500 s: KeyError: 'city'"
    assert all("\n" not in text for text in texts)


def test_facts_for_structured_logs(caplog: pytest.LogCaptureFixture) -> None:
    lines(caplog, LoggingConfig(), ResponseGenerated(**ABOUT, response=ANSWER, stream=True))
    assert vars(caplog.records[0])["ai"] == {
        "event": "ResponseGenerated",
        **ABOUT,
        "finish_reason": "stop",
        "input_tokens": 12,
        "output_tokens": 34,
        "cost": "$0.0012",
        "seconds": 1.25,
        "stream": True,
    }


def test_content_only_when_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    events: list[Event] = [
        MessageSent(**ABOUT, messages=[AIMessage.system("Be brief"), AIMessage(f"Hi\n{KEY}")]),
        ResponseGenerated(**ABOUT, response=ANSWER),
    ]
    written = lines(caplog, LoggingConfig(include_content=True, level="debug"), *events)
    assert written == [
        ("DEBUG", "work/gpt-small is sent system: 'Be brief', user: 'Hi\\n***'"),
        (
            "DEBUG",
            "work/gpt-small answered: 12 + 34 tokens, cost $0.0012, finish stop, 1.250 s: 'Hello\\nthe key is ***'",
        ),
    ]


def test_the_level_of_the_logger_counts(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="quiet")
    bus = EventBus()
    log_calls(bus, LoggingConfig(channel="quiet"))
    bus.emit_blocking(ResponseGenerated(**ABOUT, response=ANSWER))
    assert not caplog.records


def test_logging_can_be_off() -> None:
    bus = EventBus()
    log_calls(bus, LoggingConfig(enabled=False))()
    assert not bus.wants(ResponseGenerated)
    assert not bus.wants(RequestFailed)
