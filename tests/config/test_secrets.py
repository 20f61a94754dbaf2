"""`Secret` and `Redactor`: nothing that is secret is ever seen."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import traceback
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydriver.config import Redactor, Secret, looks_secret, mask
from polydriver.errors import ConfigurationError

KEY = "sk-test/0123+45=6789 é"


def test_a_secret_shows_nothing() -> None:
    secret = Secret("0123456789abcdef")
    assert secret.reveal() == "0123456789abcdef"
    assert f"{secret} {secret!r} {secret!s:>5}" == "*** ***   ***"
    assert secret.masked() == "***cdef"
    assert Secret("0123456789a").masked() == "***"
    assert [secret] == [Secret("0123456789abcdef")]
    assert secret != "0123456789abcdef"
    assert len({secret, Secret("0123456789abcdef"), Secret("other")}) == 2
    assert bool(secret)
    assert not Secret("")


def test_pickles_never_hold_a_secret_and_copies_do() -> None:
    secret = Secret("0123456789abcdef")
    assert b"0123" not in pickle.dumps(secret)
    restored = pickle.loads(pickle.dumps({"key": secret}))["key"]
    assert str(restored) == "***"
    assert not restored
    with pytest.raises(ConfigurationError, match="empty"):
        restored.reveal()
    assert copy.copy(secret) is secret
    assert copy.deepcopy({"key": secret}) == {"key": secret}


def test_a_traceback_shows_nothing() -> None:
    secret = Secret("0123456789abcdef")
    try:
        raise ValueError(f"cannot use {secret}")
    except ValueError as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "0123456789abcdef" not in shown.replace('Secret("0123456789abcdef")', "")


@pytest.mark.parametrize(
    ("text", "masked"), [("", "***"), ("short", "***"), ("x" * 11, "***"), ("a" * 8 + "tail", "***tail")]
)
def test_mask(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    "name",
    ["api_key", "apiKey", "API-KEY", "x-api-key", "Authorization", "accessToken", "client_secret", "password", "Cookie",
     "aws_secret_access_key", "x-goog-api-key", "session_token", "credentials"],
)  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name",
    ["max_tokens", "tokens_per_minute", "prompt_cache_key", "monkey", "keepalive", "author", "model", "", 5, None],
)
def test_names_of_other_things(name: object) -> None:
    assert not looks_secret(name)


def forms(secret: str) -> list[str]:
    raw = secret.encode()
    return [
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret),
        json.dumps(secret, ensure_ascii=False),
        repr(secret),
        base64.b64encode(raw).decode(),
        base64.b64encode(b"user:" + raw).decode(),
        base64.b64encode(b"me:" + raw + b"!").decode(),
        base64.urlsafe_b64encode(b"x:" + raw).decode(),
    ]


@given(st.text(min_size=8), st.text(alphabet="abc <>", max_size=8))
def test_a_known_secret_is_found_in_every_form(secret: str, around: str) -> None:
    redactor = Redactor([secret, Secret("another-one")], patterns=False)
    try:
        echoes = forms(secret)
    except UnicodeEncodeError:
        echoes = [secret]
    for echo in echoes:
        assert "***" in redactor.redact(f"{around}{echo}{around}")
    if "*" not in secret:
        assert secret not in redactor.redact(f"{around}{secret}{around}")


def test_a_secret_with_line_breaks() -> None:
    redactor = Redactor(["first-half-01\r\nsecond-half-02"])
    for text in (
        "first-half-01second-half-02",
        "see first-half-01",
        "second-half-02 here",
        r"first-half-01\r\nsecond-half-02",
    ):
        assert "half" not in redactor.redact(text)


def test_short_secrets_only_count_alone_and_stand_ins_never() -> None:
    assert Redactor(["abcd"]).redact("abcd abcde 'abcd'") == "*** abcde '***'"
    assert Redactor(["abc", "ollama", "EMPTY", ""]).redact("abc ollama EMPTY") == "abc ollama EMPTY"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Incorrect API key provided: sk-proj-ab***********wxyz. You can", "Incorrect API key provided: ***. You can"),
        ("key gsk_0123456789abcdef, xai-0123456789, AIzaSyA0123456789-abc", "key ***, ***, ***"),
        ("Authorization: Bearer abc123def456", "Authorization: Bearer ***"),
        ("'authorization': b'Basic dXNlcjpwYXNz1234'", "'authorization': b'Basic ***'"),
        ("sent Bearer abcdefghijklmnopqrstuvwx", "sent Bearer ***"),
        ("https://host/v1?key=hunter2&alt=sse", "https://host/v1?key=***&alt=sse"),
        ("GET /m?alt=sse&access_token=hunter2#x", "GET /m?alt=sse&access_token=***#x"),
        ("x-api-key: hunter2hunter2", "x-api-key: ***"),
        ('{"api_key": "hunter2hunter2"}', '{"api_key": "***"}'),
        (r"{\"x-goog-api-key\": \"hunter2hunter2\"}", r"{\"x-goog-api-key\": \"***\"}"),
        ("http://joe:secret99@proxy:3128", "http://***@proxy:3128"),
        ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "token ***"),
        ("ya29.a0AfH6SMBx_y and AKIA0123456789ABCDEF", "*** and ***"),
    ],
)
def test_what_looks_like_a_key(text: str, redacted: str) -> None:
    assert Redactor().redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "Missing bearer authentication in header",
        "invalid x-api-key",
        "a risk-based, task-oriented and disk-bound process",
        "max_tokens=5000 is too large: https://host/docs#errors",
        "write to help@example.com about basic access",
        "the api_key is missing",
        "",
    ],
)
def test_prose_stays(text: str) -> None:
    assert Redactor(["something-else"]).redact(text) == text


def test_nested_values() -> None:
    value = {
        "authorization": "hunter2",
        "list": ["the key is topsecret99", ("x", 1, None, 2.5, True)],
        "tokens": 5,
        "key": {"inner": Secret("abc")},
        "raw": b"topsecret99!",
        "topsecret99": 1,
    }
    assert Redactor([Secret("topsecret99")]).redact_value(value) == {
        "authorization": "***",
        "list": ["the key is ***", ["x", 1, None, 2.5, True]],
        "tokens": 5,
        "key": {"inner": "***"},
        "raw": "***!",
        "***": 1,
    }


def test_a_redactor_shows_and_pickles_nothing() -> None:
    redactor = Redactor(["topsecret99"])
    redactor.redact("x")
    assert "topsecret99" not in repr(redactor)
    assert b"topsecret99" not in pickle.dumps(redactor)
    assert copy.deepcopy(redactor).redact("topsecret99") == "***"
    assert pickle.loads(pickle.dumps(redactor)).redact("Bearer abc123def456") == "Bearer ***"


@given(st.text())
def test_any_text_can_be_redacted(text: str) -> None:
    once = Redactor(["topsecret99"]).redact(text)
    assert "topsecret99" not in once
