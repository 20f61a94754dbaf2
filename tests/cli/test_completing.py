"""Names on the command line: completed by the Tab key, and understood in other spellings."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.helpers import run, run_program, write_settings

from polydriver import AI, ConfigurationError
from polydriver.cli.hints import _HINTS, _WORDS, explain
from polydriver.drivers import ALIASES, driver_names, known_as
from polydriver.errors import APITimeoutError, ModelNotFoundError


def completed(folder: Path, *words: str) -> list[str]:
    env = {"_POLYDRIVER_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(["polydriver", *words])}
    done = run_program(folder=folder, env={**env, "COMP_CWORD": str(len(words))})
    assert (done.returncode, done.stderr) == (0, "")
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize("words", [("ask", "-p", "min"), ("chat", "-p", "min"), ("models", "min"), ("check", "min")])
def test_connections_are_completed(words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "polydriver.toml").write_text('[providers.mine]\ndriver = "mock"\n')
    assert completed(tmp_path, *words) == ["mine", "minimax"]


def test_models_are_completed(tmp_path: Path) -> None:
    (tmp_path / "polydriver.toml").write_text(
        'default = "mine"\n[providers.mine]\ndriver = "mock"\ndefault_model = "mock-x"\n'
    )
    assert completed(tmp_path, "ask", "-m", "mock-x") == ["mock-x"]
    (tmp_path / "polydriver.toml").write_text("[providers.mine]\nnonsense = 1\n")
    assert completed(tmp_path, "ask", "-m", "mock-x") == []


@pytest.mark.parametrize("alias", sorted(ALIASES))
def test_every_alias_leads_to_a_driver(alias: str) -> None:
    assert ALIASES[alias] in driver_names()
    for spelling in (alias, alias.upper(), alias.replace("_", "-")):
        if spelling not in driver_names():
            assert known_as(spelling) == ALIASES[alias]


def test_every_driver_is_found_in_other_spellings() -> None:
    for name in driver_names():
        assert known_as(name.upper().replace("_", " ")) == name


@pytest.mark.parametrize(
    ("name", "driver"), [("claude", "anthropic"), ("google", "gemini"), ("OpenAI", "openai"), ("azure_openai", "azure")]
)
def test_the_library_names_the_driver_that_is_meant(name: str, driver: str) -> None:
    with pytest.raises(ConfigurationError, match=f"no provider {name!r}. Did you mean {driver!r}"):
        AI({}, env={}).provider(name)


def test_an_alias_is_the_connection_that_uses_the_driver(tmp_path: Path) -> None:
    settings = write_settings(tmp_path, 'driver = "mock"\nreplies = ["Hi"]')
    assert run("--config", settings, "ask", "-p", "MOCK", "-m", "x", "hello").stdout == "Hi\n"


def test_hints_are_in_the_words_of_the_command_line() -> None:
    import polydriver.errors

    for name, hint in _HINTS.items():
        kind = getattr(polydriver.errors, name)
        text, shown = explain(kind("It failed"))
        assert (text, shown) == ("It failed." if kind.hint else "It failed", hint)
    assert explain(ModelNotFoundError("x", hint="Only this once."))[1] == "Only this once."
    assert explain(APITimeoutError("x"))[1].endswith("-o timeout=SECONDS.")
    assert all(ours != theirs for ours, theirs in _WORDS)


def test_an_unknown_option_is_explained(tmp_path: Path) -> None:
    settings = write_settings(tmp_path, 'driver = "mock"')
    said = run("--config", settings, "ask", "-o", "zzzz=1", "hi").stderr
    assert "-o 'extra={...}'" in said
    assert "use -s" in run("--config", settings, "ask", "-o", "system=x", "hi").stderr


@pytest.mark.parametrize(("settings", "name"), [({"providers": {"mine": {"driver": "acme"}}}, "mine"), ({}, "acme")])
def test_an_unknown_driver_may_be_of_a_package_that_is_not_installed(settings: dict[str, object], name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        AI(settings, env={}).provider(name)
    assert "[project.entry-points.'polydriver.drivers']" in str(caught.value)
    assert "ai.extend" in str(caught.value)
