"""`read_config`: where values come from, how they are merged and converted, and what is refused."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydriver.config import (
    Config,
    ConnectionSettings,
    LoggingConfig,
    RateLimitConfig,
    Secret,
    TransportConfig,
    read_config,
)
from polydriver.errors import ConfigurationError

from .drivers import KEY, Hosted, Local, Regional


def read(
    values: dict[str, Any], env: dict[str, str] | None = None, file: dict[str, Any] | None = None, **more: Any
) -> Config:
    return read_config(Hosted, ConnectionSettings({"api_key": KEY, **values}, file or {}), env=env or {}, **more)


def problems_of(driver: Any = Hosted, values: Any = None, env: dict[str, str] | None = None, **more: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read_config(driver, values, env=env or {}, **more)
    error = caught.value
    assert all(problem in str(error) for problem in error.details["problems"])
    return list(error.details["problems"])


def test_the_defaults() -> None:
    config = read({})
    assert (config.timeout, config.connect_timeout, config.idle_timeout, config.deadline) == (
        600.0,
        10.0,
        120.0,
        1800.0,
    )
    assert (config.retry_attempts, config.retry_delay, config.max_retry_delay) == (3, 1.0, 30.0)
    assert (config.max_response_bytes, config.max_event_bytes) == (64 * 2**20, 16 * 2**20)
    assert (config.name, config.driver, config.base_url) == ("openai", "openai", "https://api.openai.com/v1")
    assert (config.default_model, config.models_ttl) == ("gpt-small", 3600.0)
    assert config.logging == LoggingConfig()
    assert config.rate_limiting == RateLimitConfig()
    assert config.http == TransportConfig()
    assert config.settings == {"organization": None, "project": None, "admin_key": None}


def test_every_variable_of_the_seed() -> None:
    config = read_config(
        Hosted,
        env={
            "OPENAI_API_KEY": KEY,
            "OPENAI_ORGANIZATION": "org-1",
            "OPENAI_PROJECT": "proj-1",
            "OPENAI_BASE_URL": "https://proxy.example/v1/",
            "OPENAI_TIMEOUT": "45",
            "OPENAI_RETRY_ATTEMPTS": "5",
            "OPENAI_RETRY_DELAY": "1500",
            "OPENAI_MAX_RETRY_DELAY": "20000",
            "OPENAI_RPM_LIMIT": "3500",
            "OPENAI_TPM_LIMIT": "90000",
            "OPENAI_DEFAULT_MODEL": "gpt-large",
            "AI_LOGGING_ENABLED": "off",
            "AI_LOG_CHANNEL": "calls",
            "AI_LOG_LEVEL": "DEBUG",
            "AI_LOG_INCLUDE_CONTENT": "Yes",
            "AI_RATE_LIMITING_ENABLED": "0",
        },
    )
    assert config.api_key == Secret(KEY)
    assert (config.setting("organization"), config.setting("project")) == ("org-1", "proj-1")
    assert config.base_url == "https://proxy.example/v1"
    assert (config.timeout, config.retry_attempts) == (45.0, 5)
    assert (config.retry_delay, config.max_retry_delay) == (1.5, 20.0)
    assert config.rate_limiting == RateLimitConfig(enabled=False, requests_per_minute=3500, tokens_per_minute=90000)
    assert config.default_model == "gpt-large"
    assert config.logging == LoggingConfig(enabled=False, channel="calls", level="debug", include_content=True)


def test_the_environment_is_the_process_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert read_config(Hosted).api_key == Secret(KEY)


def test_the_order_of_strength() -> None:
    file = {"timeout": 1, "connect_timeout": 1, "idle_timeout": 1, "deadline": 1}
    env = {"OPENAI_CONNECT_TIMEOUT": "2", "OPENAI_IDLE_TIMEOUT": "2", "OPENAI_DEADLINE": "2"}
    config = read({"idle_timeout": 3, "deadline": 3}, env, file=file, deadline=4)
    assert (config.timeout, config.connect_timeout, config.idle_timeout, config.deadline) == (1, 2, 3, 4)


def test_tables_are_merged_key_by_key() -> None:
    config = read(
        {"headers": {"X-A": "dict"}, "options": {"extra": {"a": 1}}, "logging": {"level": "error"}},
        {"AI_LOG_CHANNEL": "env"},
        file={
            "headers": {"x-a": "file", "x-b": "file"},
            "options": {"extra": {"b": 2}, "seed": 1},
            "logging": {"level": "debug", "channel": "file", "include_content": True},
        },
        logging={"include_content": False},
    )
    assert config.headers == {"x-a": "dict", "x-b": "file"}
    assert config.options == {"extra": {"a": 1, "b": 2}, "seed": 1}
    assert config.logging == LoggingConfig(channel="env", level="error", include_content=False)


def test_what_a_factory_changes_counts_as_given() -> None:
    settings = ConnectionSettings({"api_key": KEY, "timeout": 1}, {"timeout": 2, "idle_timeout": 2, "deadline": 2})
    assert settings == {"api_key": KEY, "timeout": 1, "idle_timeout": 2, "deadline": 2}
    settings["idle_timeout"] = 3
    del settings["deadline"]
    env = {"OPENAI_TIMEOUT": "4", "OPENAI_IDLE_TIMEOUT": "4"}
    config = read_config(Hosted, settings, env=env)
    assert (config.timeout, config.idle_timeout, config.deadline) == (1.0, 3.0, 1800.0)
    assert KEY not in repr(settings)


def test_none_and_empty_variables_count_as_not_given() -> None:
    config = read(
        {"timeout": None, "logging": None, "default_model": None}, {"OPENAI_TIMEOUT": "7", "OPENAI_DEADLINE": ""}
    )
    assert (config.timeout, config.deadline, config.default_model) == (7.0, 1800.0, "gpt-small")


def test_no_deadline() -> None:
    assert read({"deadline": None}).deadline is None
    assert read({}, {"OPENAI_DEADLINE": "none"}).deadline is None


@pytest.mark.parametrize("text", ["false", "False", "0", "no", "off", " OFF ", 0, False])
def test_what_is_false(text: object) -> None:
    assert read({"logging": {"enabled": text}}).logging.enabled is False


@pytest.mark.parametrize("text", ["true", "1", "yes", "ON", 1, True])
def test_what_is_true(text: object) -> None:
    assert read({"logging.include_content": text}).logging.include_content is True


def test_sections_come_as_records_too() -> None:
    config = read({"http": {"verify": "no", "max_connections": 5}}, logging=LoggingConfig(level="error"))
    assert config.logging.level == "error"
    assert (config.http.verify, config.http.max_connections) == (False, 5)


def test_kinds_of_settings() -> None:
    env = {"REGIONAL_PAUSE": "2", "REGIONAL_RETRIES_LEFT": "3", "REGIONAL_RATIO": "0.5", "REGIONAL_STRICT": "off"}
    values = {"api_key": "abcdefgh", "region": "eu-1", "ca": "/etc/ca.pem", "extra": '{"a": [1]}'}
    config = read_config(Regional, values, env=env)
    assert config.settings == {
        "region": "eu-1",
        "pause": 2.0,
        "retries_left": 3,
        "ratio": 0.5,
        "strict": False,
        "ca": Path("/etc/ca.pem"),
        "extra": {"a": [1]},
    }
    assert config.base_url == "https://eu-1.host.example/v1"
    with pytest.raises(KeyError):
        config.setting("zone")


def test_a_required_setting_and_the_fields_of_an_address() -> None:
    missing = problems_of(Regional, {"api_key": "abcdefgh"})
    assert "region: is missing; give it, or set REGIONAL_REGION" in missing
    assert "cannot stand in a URL" in problems_of(Regional, {"api_key": "abcdefgh", "region": "evil.example/#"})[0]
    config = read_config(Regional, {"api_key": "k1234567", "region": "eu"}, env={"REGIONAL_ENDPOINT": "http://h:1"})
    assert config.base_url == "http://h:1"


def test_the_default_variable_of_a_key() -> None:
    env = {"REGIONAL_API_KEY": "abcdefgh"}
    assert read_config(Regional, {"region": "eu"}, env=env).api_key == Secret("abcdefgh")
    assert "set REGIONAL_API_KEY" in problems_of(Regional, {"region": "eu"})[0]


def test_two_accounts_of_one_driver_stay_apart() -> None:
    env = {
        "OPENAI_API_KEY": KEY,
        "OPENAI_ORGANIZATION": "org-of-the-other",
        "WORK_TIMEOUT": "5",
        "WORK_KEY": "sk-work-123",
    }
    work = read_config(Hosted, ConnectionSettings({}, {"api_key": "env:WORK_KEY"}), name="work", env=env)
    assert work.api_key == Secret("sk-work-123")
    assert (work.name, work.driver, work.setting("organization"), work.timeout) == ("work", "openai", None, 5.0)
    main = read_config(Hosted, ConnectionSettings({}, {"organization": "org-of-the-file"}), name="main", env=env)
    assert (main.api_key, main.setting("organization")) == (Secret(KEY), "org-of-the-file")
    own = read_config(Hosted, {"name": "work"}, env={**env, "WORK_API_KEY": "sk-own-1234"})
    assert own.api_key == Secret("sk-own-1234")


def test_references_to_the_environment() -> None:
    env = {"OPENAI_API_KEY": KEY, "MY_KEY": "sk-mine-123", "MY_TOKEN": "t0p-s3cret", "MY_RETRY_DELAY": "500"}
    file = {"api_key": "env:MY_KEY", "headers": {"x-gate": "env:MY_TOKEN"}, "retry_delay": "env:MY_RETRY_DELAY"}
    config = read_config(Hosted, ConnectionSettings({}, file), env=env)
    assert config.api_key == Secret("sk-mine-123")
    assert config.headers == {"x-gate": "t0p-s3cret"}
    assert config.retry_delay == 0.5
    assert "t0p-s3cret" in config.secrets
    assert "t0p-s3cret" not in repr(config)
    assert problems_of(values={"api_key": "env:NOT_THERE"})[0].startswith(
        "api_key: refers to the environment variable NOT_THERE, which is not set"
    )


def test_a_config_is_accepted_again() -> None:
    config = read({"organization": "org", "headers": {"x-gate": Secret("t0p-s3cret")}, "deadline": None}, name="work")
    assert read_config(Hosted, config, env={"OPENAI_TIMEOUT": "3"}) == config
    changed = read_config(Hosted, config, env={}, timeout=3, logging={"level": "error"})
    assert (changed.timeout, changed.logging.level, changed.name) == (3.0, "error", "work")
    assert changed.secrets == config.secrets


def test_a_local_service_needs_no_key() -> None:
    assert read_config(Local, env={}).api_key is None
    assert read_config(Local, {"api_key": "none"}, env={}).api_key == Secret("none")


# What is refused


def test_all_problems_come_together_with_their_fixes() -> None:
    values = {"timout": 3, "timeout": -1, "retry_attempts": 0, "model": "x", "temperature": 1, "headers": []}
    with pytest.raises(ConfigurationError) as caught:
        read_config(Hosted, values, env={"OPENAI_RPM_LIMIT": "many", "AI_LOG_INCLUDE_CONTENT": "maybe"})
    assert caught.value.details["problems"] == [
        "timout: is not a setting; did you mean 'timeout'?",
        "model: is not a setting; did you mean 'default_model'?",
        'temperature: is not a setting; it is an option of calls: put it into "options"',
        "headers: is not a table (dict with text as keys) but list",
        "api_key: is missing; give it, or set OPENAI_API_KEY",
        "timeout: -1 is not a number of seconds above 0",
        "retry_attempts: 0 is not a whole number of at least 1",
        "AI_LOG_INCLUDE_CONTENT: 'maybe' is neither true nor false; use true, 1, yes, on, or false, 0, no, off",
        "OPENAI_RPM_LIMIT: 'many' is not a whole number of at least 1",
    ]
    assert str(caught.value).startswith("9 problems in the configuration of 'openai':\n  - timout: ")
    assert "Known settings: admin_key, api_key, base_url," in str(caught.value)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        ("", "blank"),
        ("  \t", "blank"),
        ("sk-abc def", "spaces"),
        ("sk-abcdefgh\n", "line break"),
        ("sk-abc\r\nX-Evil: 1", "line break"),
        ("sk-abc\x00def", "characters"),
        ("sk-abcdéf", "characters"),
        ("sk-...", "placeholder"),
        ("your-api-key", "placeholder"),
        ("YOUR_API_KEY_HERE", "placeholder"),
        ("sk-your-key-here", "placeholder"),
        ("<key>", "placeholder"),
        ("${OPENAI_API_KEY}", "placeholder"),
        ("changeme", "placeholder"),
        ("sk-xxxxxxxx", "placeholder"),
        ("***cdef", "placeholder"),
        ("None", "placeholder"),
        ("gsk_0123456789", "does not begin with 'sk-'"),
        (42, "not text"),
        (b"sk-abcdefgh", "not text"),
        (Secret(""), "empty"),
    ],
)
def test_keys_that_cannot_be_right(key: Any, complaint: str) -> None:
    (problem,) = problems_of(values={"api_key": key})
    assert problem.startswith("api_key: ")
    assert complaint in problem


@pytest.mark.parametrize("key", [KEY, "sk-proj-A_b-C1", "sk-" + "x1" * 100])
def test_keys_that_may_be_right(key: str) -> None:
    assert read_config(Hosted, {"api_key": key}, env={}).api_key == Secret(key)


def test_a_custom_address_lifts_the_prefix() -> None:
    config = read_config(Hosted, {"api_key": "test-key-1234567890", "base_url": "https://api.test.com"}, env={})
    assert config.base_url == "https://api.test.com"
    assert "does not begin" in problems_of(values={"api_key": "test-key", "base_url": "https://api.openai.com/v1/"})[0]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host",
        "host/v1",
        "https://",
        "https:///v1",
        "https://user:hunter2pass@host/v1",
        "https://host/v1?key=hunter2pass",
        "https://host/v1#x",
        "https://host/v1\nX: hunter2pass",
        "https://ho st/v1",
        "https://host:99999",
        "https://host:port",
        "http://host\\@evil",
        17,
    ],
)
def test_addresses_that_cannot_work(url: Any) -> None:
    (problem,) = problems_of(values={"api_key": KEY, "base_url": url})
    assert problem.startswith("base_url: ")
    assert "hunter2pass" not in problem


@pytest.mark.parametrize("url", ["http://localhost:8080/", "https://[::1]:8443/v1", "HTTPS://Host.example/a/b//"])
def test_addresses_lose_their_last_slash(url: str) -> None:
    assert read({"base_url": url}).base_url == url.rstrip("/")


@pytest.mark.parametrize(
    "values",
    [
        {"timeout": "soon"},
        {"timeout": True},
        {"timeout": float("nan")},
        {"timeout": float("inf")},
        {"timeout": 10**400},
        {"timeout": [1]},
        {"deadline": 0},
        {"retry_attempts": 2.5},
        {"retry_delay": -0.1},
        {"max_event_bytes": 0},
        {"default_model": ["x"]},
        {"default_model": "a\nb"},
        {"options": "x"},
        {"options": {1: 2}},
        {"prices": 3},
        {"logging": "loud"},
        {"logging": {"level": "loud"}},
        {"logging": {"levl": "info"}},
        {"rate_limiting": {"requests_per_minute": 0}},
        {"headers": {"a b": "x"}},
        {"headers": {"a": "x\r\ny"}},
        {"headers": {"a": 1}},
        {"http": {"verify": "perhaps"}},
        {"http": {"http_client": "curl"}},
        {"http": {"proxy": "socks://x"}},
        {"organization": 5},
        {5: "x"},
    ],
)
def test_wrong_values(values: dict[Any, Any]) -> None:
    assert len(problems_of(values={"api_key": KEY, **values})) == 1


@pytest.mark.parametrize("values", ["sk-alone-0123456789", 5, ["api_key"]])
def test_what_is_no_dict(values: Any) -> None:
    listed = problems_of(values=values)
    assert listed[0].startswith("config: is not a dict of settings")
    assert "0123456789" not in str(listed)


@given(
    st.dictionaries(
        st.sampled_from(
            ["api_key", "base_url", "timeout", "headers", "logging", "http", "organization", "options", "x"]
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=5,
        ),
    )
)
def test_whatever_is_given_it_is_read_or_refused(values: dict[str, Any]) -> None:
    try:
        config = read_config(Hosted, values, env={})
    except ConfigurationError:
        return
    assert config.masked()["driver"] == "openai"


# What is shown


def test_masked_hides_every_secret_at_any_depth() -> None:
    config = read(
        {
            "admin_key": "admin-0123456789",
            "headers": {"Authorization": "Bearer tok-0123456789", "X-Team": "blue"},
            "options": {"extra": {"deep": [{"client_secret": "deep-0123456789", "max_tokens": 5}]}, "note": KEY},
            "http": {"proxy": "http://joe:proxypass99@proxy:3128"},
        }
    )
    masked = config.masked()
    assert masked["api_key"] == "***cdef"
    assert masked["admin_key"] == "***6789"
    assert masked["headers"] == {"authorization": "***6789", "x-team": "blue"}
    assert masked["options"]["extra"] == {"deep": [{"client_secret": "***6789", "max_tokens": 5}]}
    assert masked["http"]["proxy"] == "http://joe:***@proxy:3128"
    assert (masked["timeout"], masked["organization"]) == (600.0, None)
    for secret in (KEY, "admin-0123456789", "tok-0123456789", "deep-0123456789", "proxypass99"):
        assert secret in config.secrets
        for shown in (repr(config), str(config), str(masked), config.redactor.redact(f"<{secret}>")):
            assert secret not in shown


def test_a_short_key_is_hidden_whole() -> None:
    assert read({"api_key": "sk-12345678"}).masked()["api_key"] == "***"


def test_pickles_hold_no_secret_and_copies_do() -> None:
    config = read(
        {
            "headers": {"x-api-key": "abc", "x-gate": Secret("hunter2hunter2"), "x-team": "blue"},
            "admin_key": "admin-0123456789",
            "http": {"proxy": "http://joe:proxypass99@proxy:3128"},
        }
    )
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps(config, protocol)
        for secret in config.secrets:
            assert secret.encode() not in data
    restored = pickle.loads(data)
    assert restored.headers == {"x-team": "blue"}
    assert (restored.timeout, restored.base_url) == (config.timeout, config.base_url)
    with pytest.raises(ConfigurationError, match="never pickled"):
        restored.api_key.reveal()
    assert problems_of(values=restored) == ["api_key: is empty"]
    assert read_config(Hosted, restored, env={}, api_key=KEY, admin_key="x").api_key == Secret(KEY)
    assert copy.copy(config) == config
    assert copy.deepcopy(config) == config
    assert copy.deepcopy(config).options is not config.options


def test_messages_never_show_the_key() -> None:
    listed = problems_of(
        values={"api_key": KEY, "timeout": KEY, "default_model": ["x"], KEY: 1, "logging": {"level": KEY}}
    )
    assert KEY not in str(listed)
    assert KEY[3:] not in str(listed)
