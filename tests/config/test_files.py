"""`load_settings`: the manager's dict, its file and the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from polydriver.config import AISettings, Config, LoggingConfig, Secret, load_settings, read_config
from polydriver.errors import ConfigurationError

from .drivers import KEY, Hosted

TOML = """
default = "work"

[logging]
channel = "file"
level = "debug"

[providers.work]
driver = "openai"
api_key = "env:WORK_KEY"
timeout = 12
headers = { x-team = "blue" }

[providers.home]
driver = "openai"
"""


def read(settings: AISettings, name: str, env: dict[str, str], **more: Any) -> Config:
    return read_config(Hosted, settings.connection(name), name=name, env=env, **more)


def indent_under_tool(text: str) -> str:
    return "[tool.polydriver]\n" + text.replace("[logging]", "[tool.polydriver.logging]").replace(
        "[providers.", "[tool.polydriver.providers."
    )


@pytest.mark.parametrize(("name", "text"), [("polydriver.toml", TOML), ("pyproject.toml", indent_under_tool(TOML))])
def test_the_file_is_found_upwards(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    settings = load_settings(env={}, cwd=tmp_path / "a" / "b")
    assert settings.path == tmp_path / name
    assert settings.default == "work"
    assert list(settings.providers) == ["work", "home"]
    assert settings.logging == LoggingConfig(channel="file", level="debug")
    config = read(settings, "work", {"WORK_KEY": "sk-work-1234", "OPENAI_API_KEY": KEY})
    assert (config.name, config.api_key, config.timeout) == ("work", Secret("sk-work-1234"), 12.0)
    assert (config.headers, config.logging.channel) == ({"x-team": "blue"}, "file")


def test_no_file_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "polydriver.toml").write_text("")
    settings = load_settings(env={}, cwd=tmp_path)
    assert (settings.default, settings.providers, settings.logging) == (None, {}, LoggingConfig())
    assert settings.driver("openai") == "openai"


def test_the_dict_the_environment_and_the_file_in_this_order(tmp_path: Path) -> None:
    (tmp_path / "polydriver.toml").write_text(TOML)
    source = {
        "logging": {"include_content": "yes"},
        "providers": {"work": {"headers": {"x-mine": "1"}, "logging": {"level": "error"}}, "mock": {}},
    }
    env = {"AI_DEFAULT_PROVIDER": "home", "AI_LOG_CHANNEL": "env", "WORK_KEY": KEY, "WORK_TIMEOUT": "13"}
    settings = load_settings(source, env, tmp_path)
    assert settings.default == "home"
    assert settings.logging == LoggingConfig(channel="env", level="debug", include_content=True)
    assert list(settings.providers) == ["work", "home", "mock"]
    assert settings.providers["work"]["headers"] == {"x-team": "blue", "x-mine": "1"}
    assert (settings.driver("home"), settings.driver("mock")) == ("openai", "mock")
    config = read(settings, "work", env, deadline=5)
    assert config.headers == {"x-team": "blue", "x-mine": "1"}
    assert (config.timeout, config.deadline) == (13.0, 5.0)
    assert config.logging == LoggingConfig(channel="env", level="error", include_content=True)
    assert load_settings({**source, "default": "mock"}, env, tmp_path).default == "mock"


def test_shared_logging_reaches_connections_that_the_settings_do_not_have(tmp_path: Path) -> None:
    (tmp_path / "polydriver.toml").write_text(TOML)
    config = read(load_settings(env={}, cwd=tmp_path), "openai", {"OPENAI_API_KEY": KEY})
    assert config.logging.channel == "file"


@pytest.mark.parametrize("name", ["own.toml", "pyproject.toml", "polydriver.toml"])
def test_a_named_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(TOML if name != "pyproject.toml" else indent_under_tool(TOML))
    assert load_settings(path, env={}).default == "work"
    assert load_settings(str(path), env={}).path == path


def test_a_syntax_error_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "polydriver.toml"
    path.write_text('default = "x"\nproviders = [\n')
    with pytest.raises(ConfigurationError, match=r"polydriver\.toml is not valid TOML: .*(line \d|end of document)"):
        load_settings(env={}, cwd=tmp_path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        load_settings(tmp_path / "missing.toml", env={})
    with pytest.raises(ConfigurationError, match="cannot read"):
        load_settings(tmp_path, env={})
    (tmp_path / "latin.toml").write_bytes(b'default = "\xe9"')
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        load_settings(tmp_path / "latin.toml", env={})


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ({"defualt": "x"}, "defualt: is not a setting; did you mean 'default'?"),
        ({"openai": {"api_key": "sk-x-0123456789"}}, 'openai: is not a setting; connections go under "providers"'),
        ({"providers": ["openai"]}, "providers: is not a table"),
        ({"providers": {"openai": "sk-x-0123456789"}}, "providers.openai: is not a table (dict) of settings"),
        ({"providers": {"": {}}}, "a connection without a name"),
        ({"default": 5}, "default: is not the name of a connection but int"),
        ({"logging": {"level": "loud"}}, "logging.level: is not a log level"),
        ({"logging": {"levl": "info"}}, "logging.levl: is not a setting; did you mean 'logging.level'?"),
        (["openai"], "settings: are not a dict but list"),
    ],
)
def test_what_is_refused(tmp_path: Path, source: Any, complaint: str) -> None:
    (tmp_path / "polydriver.toml").write_text("")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(source, env={}, cwd=tmp_path)
    assert complaint in str(caught.value)
    assert "0123456789" not in str(caught.value)


def test_problems_of_a_file_name_it(tmp_path: Path) -> None:
    (tmp_path / "polydriver.toml").write_text("[provider.x]\n")
    with pytest.raises(ConfigurationError, match=r"polydriver\.toml: provider"):
        load_settings(env={}, cwd=tmp_path)


def test_settings_show_no_secret() -> None:
    settings = AISettings(given={"providers": {"openai": {"api_key": KEY}}})
    assert KEY not in repr(settings)
