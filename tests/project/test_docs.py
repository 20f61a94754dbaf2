"""The documentation is true: every Python block runs, every table is what the code says, every name exists.

Blocks of a page run one after the other in one namespace, as a reader would type them, against a server on loopback
that has a key and an address for every provider in the environment. Comments before a block steer it:

- `<!-- replies: [...] -->`: what the mock answers to the block's calls, as JSON; without it, it echoes.
- `<!-- not run: why -->`: the block is only compiled.

A `text` block right behind a Python block is what that prints. Functions `test_*` in a block run with the fixtures that
they ask for, suites of `DriverConformance` are checked.
"""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import io
import json
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, get_args
from xml.etree import ElementTree

import pytest
from tests.docs_server import PIXEL, environment

import polydriver
from polydriver import AI, MockDriver, errors
from polydriver.config.budgets import BudgetConfig, BudgetScope
from polydriver.config.fields import FIELDS
from polydriver.config.problems import Problems
from polydriver.config.storage import StorageConfig, read_storage
from polydriver.config.values import Config
from polydriver.data.prompt import OPTIONS, Prompt
from polydriver.drivers import driver_class, driver_names
from polydriver.operations.results import OperationResult
from polydriver.testing import DriverConformance, MockServer, no_waiting
from polydriver.testing.conformance.reporting import check

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if page.relative_to(DOCS).parts[0] != "api")
KEYS_OF_SETTINGS = ("OPENAI_API_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
COMMENT = re.compile(r"<!--\s*(replies|not run):\s*(.*?)\s*-->", re.DOTALL)
BLOCK = re.compile(
    r"(?P<comments>(?:^<!--(?:(?!-->).)*-->\n\s*)*)^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<output>.*?)^```)?",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """A Python block: its code on the lines that it has in the page, and what is said of it."""

    code: str
    replies: list[Any]
    not_run: str | None
    output: str | None


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        said = dict(COMMENT.findall(match["comments"]))
        code = "\n" * text.count("\n", 0, match.start("code")) + match["code"]
        yield Block(code, json.loads(said.get("replies", "[]")), said.get("not run"), match["output"])


def fenced(language: str, text: str) -> list[str]:
    """What the fenced blocks of a language hold."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MockDriver]:
    """Where a reader is: in a folder with some files, with keys in the environment, and nothing takes time."""
    (tmp_path / "cat.png").write_bytes(base64.b64decode(PIXEL))
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.7 a report")
    (tmp_path / "hello.mp3").write_bytes(b"ID3 hello")
    monkeypatch.chdir(tmp_path)
    driver = MockDriver({})
    with MockServer(driver) as url, no_waiting():
        for name, value in environment(url).items():
            monkeypatch.setenv(name, value)
        yield driver


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=named)
def test_python_blocks_run(
    page: Path, world: MockDriver, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = list(blocks(page))
    assert len(found) == page.read_text(encoding="utf-8").count("```python"), "a block that is not found is not tested"
    module = ModuleType("docs_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)  # where the page's types and annotations are looked up
    space = module.__dict__
    for block in found:
        code = compile(block.code, str(page), "exec")
        if block.not_run:
            continue
        world.reply(*block.replies)
        before = set(space)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(code, space)
            run_tests({name: space[name] for name in set(space) - before}, request)
        assert not world.script.left, f"the block did not use all of its replies:\n{block.code.strip()}"
        if block.output is not None:
            assert printed.getvalue().strip() == block.output.strip()


def run_tests(names: dict[str, Any], request: pytest.FixtureRequest) -> None:
    """Run what a block defines for pytest."""
    for name, value in names.items():
        if name.startswith("test_") and callable(value):
            wanted = value.__code__.co_varnames[: value.__code__.co_argcount]
            value(**{fixture: request.getfixturevalue(fixture) for fixture in wanted})
        elif isinstance(value, type) and issubclass(value, DriverConformance) and value is not DriverConformance:
            check(value).raise_if_any()


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=named)
def test_settings_files_can_be_read(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, text in enumerate(
        re.findall(r"^```toml\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    ):
        path = tmp_path / f"{number}.toml"
        path.write_text(text, encoding="utf-8")
        table = tomllib.loads(text)
        if "providers" not in table and "tool" not in table:
            continue
        for name in (*KEYS_OF_SETTINGS, *re.findall(r'"env:(\w+)"', text)):
            monkeypatch.setenv(name, "redis://127.0.0.1:1/0" if name.endswith("_URL") else "sk-for-the-examples")
        ai = AI(path)
        assert ai.provider_names()
        for name in ai.provider_names():
            ai.provider(name).get_config()


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=named)
def test_commands_and_their_options_exist(page: Path) -> None:
    import click

    from polydriver.cli.app import cli

    context = click.Context(cli)
    text = re.sub(r"\\\n\s*", "", page.read_text("utf-8"))
    for block in fenced("console", text):
        for line in re.findall(r"(?:^\$ |\| )polydriver ([^|\n]*)", block, re.MULTILINE):
            words = shlex.split(line, comments=True)
            names = [word for word in words if word in cli.list_commands(context)]
            assert names or words[0].startswith("-"), line
            command = cli.get_command(context, names[0]) if names else cli
            assert command is not None
            inner = list(command.commands.values()) if isinstance(command, click.Group) else []
            chosen = [sub for sub in inner if sub.name in words] or inner[:1]  # the first one is meant without a name
            params = [param for owner in (*chosen, command, cli) for param in owner.params]
            known = {option for param in params for option in param.opts} | {"--help"}
            assert {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)} <= known, line


def slug(heading: str) -> str:
    """The anchor of a heading."""
    return re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip())


@pytest.mark.parametrize("page", [*sorted(ROOT.glob("*.md")), *PAGES], ids=named)
def test_links_lead_to_a_page_and_a_heading(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if path.parent == DOCS / "api":  # made from the docstrings when the site is built
            assert path.name == "index.md" or importlib.util.find_spec(path.name.removesuffix(".md")), target
            continue
        assert path.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
            assert anchor in {slug(heading) for heading in headings}, target


@pytest.mark.parametrize("picture", sorted(DOCS.glob("pictures/[!b]*.svg")), ids=named)
def test_names_in_pictures_exist(picture: Path) -> None:
    shown = " ".join(text.text or "" for text in ElementTree.parse(picture).iter("{http://www.w3.org/2000/svg}text"))
    for name in re.findall(r"\b[A-Z][a-z]+[A-Z]\w+|\bAI\w*|\w+(?=\(\.\.\.\))", re.sub(r"OpenAI", "", shown)):
        assert hasattr(polydriver, name) or hasattr(polydriver.Provider, name), name


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    text = (DOCS / page).read_text("utf-8")
    section = text[text.index(heading) + len(heading) :]
    table = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert table is not None
    lines = table.group().strip().splitlines()[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_error_table_is_the_tree() -> None:
    def kinds(kind: type[errors.AIError]) -> Iterator[type[errors.AIError]]:
        yield kind
        for below in kind.__subclasses__():
            if below.__module__ == errors.__name__ and not hasattr(below, "_branch"):
                yield from kinds(below)

    table = {row[0].strip("`"): row for row in rows("guide/errors.md", "## All of them")}
    assert list(table) == [kind.__name__ for kind in kinds(errors.AIError)][1:]
    for name, (_, _, retried, advice) in table.items():
        kind = getattr(polydriver, name)
        assert retried == ("yes" if kind.retryable else "no"), name
        assert advice == (kind.hint or "The message names each problem and its fix."), name


def test_settings_table_is_complete() -> None:
    table = {row[0].strip("`"): row for row in rows("guide/configuration.md", "## All settings")}
    assert list(table) == list(FIELDS)
    for key, (_, default, variable, _) in table.items():
        field = FIELDS[key]
        expected = field.variable or (f"OPENAI_{field.suffix}" if field.suffix else "")
        if key == "api_key":
            expected = "OPENAI_API_KEY"
        assert variable.strip("`") == expected, key
        section, _, name = key.rpartition(".")
        record = type(getattr(Config(name="x", driver="x", base_url=""), section)) if section else Config
        value = dict(zip(record.__struct_fields__[::-1], record.__struct_defaults__[::-1], strict=False)).get(name)
        if isinstance(value, bool | int | float | str):
            assert default.strip("`") in (str(value), f"{value:g}" if isinstance(value, float) else str(value)), key


def test_the_managers_settings_table_is_complete() -> None:
    table = {row[0].strip("`"): row for row in rows("guide/configuration.md", "## Settings of the manager")}
    assert set(table) == {"default", "providers", *(f"storage.{name}" for name in StorageConfig.__struct_fields__)}
    problems = Problems("a test")
    for key, (_, default, variable, _) in table.items():
        section, _, name = key.rpartition(".")
        if section:
            value = getattr(StorageConfig(), name)
            assert default.strip("`") == ("" if value is None else f"{value:g}" if type(value) is float else str(value))
        if section and variable:
            text = f"a value of {name}"
            assert getattr(read_storage({}, {}, {variable.strip("`"): text}, problems), name) == text


def test_the_table_of_budgets_is_complete() -> None:
    table = {row[0]: row[1].strip("`") for row in rows("guide/configuration.md", "A [budget](budgets.md)")}
    listed = {name for cell in table for name in re.findall(r"`(\w+)`", cell)}
    scopes = set(get_args(BudgetScope)) - {"all"}
    assert listed == {*BudgetConfig.__struct_fields__, *scopes} - {"name", "scope", "subject"}
    budget = BudgetConfig(name="blue", limit=Decimal(1))
    for name in listed - scopes - {"limit"}:
        value = getattr(budget, name)
        assert table[f"`{name}`"] == str(list(value) if isinstance(value, tuple) else value), name


def test_every_option_of_a_call_is_told() -> None:
    guide = (DOCS / "guide" / "messages.md").read_text("utf-8")
    assert [name for name in OPTIONS if f"`{name}`" not in guide] == []
    assert [name for name in OPTIONS if f"`{name}`" not in (Prompt.__doc__ or "")] == []


def test_the_table_of_results_is_complete() -> None:
    cells = [row[0] for row in rows("guide/operations.md", "# Beyond chat")]
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == set(OperationResult.__struct_fields__)


def test_the_table_of_extras_is_complete() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = settings["project"]["optional-dependencies"]
    assert {row[0].strip("`") for row in rows("quick-start.md", "## Install")} == set(extras)


def test_the_home_page_counts_providers() -> None:
    [count] = re.findall(r"over (\d+) services", (DOCS / "index.md").read_text("utf-8"))
    assert len({driver_class(name).title for name in driver_names()} - {MockDriver.title}) > int(count)


def test_names_in_the_comparison_with_the_seed_exist() -> None:
    text = (DOCS / "comparison-with-the-seed.md").read_text("utf-8")
    found = 0
    for line in text.splitlines():
        if line.startswith("| ") and "---" not in line and line.count("|") >= 4:
            for dotted in re.findall(r"`([A-Za-z_][\w.]*)(?:\(.*?\))?`", line.split("|")[2]):
                resolve(dotted)
                found += 1
    assert found > 100


def resolve(dotted: str) -> object:
    """What a dotted name stands for: in `polydriver`, in one of its modules, or an attribute of either."""
    from importlib import import_module

    first, *rest = dotted.split(".")
    value: Any = polydriver if first == "polydriver" else getattr(polydriver, first)
    for name in rest:
        if not hasattr(value, name) and hasattr(value, "__path__"):
            import_module(f"{value.__name__}.{name}")
        if not hasattr(value, name) and name in getattr(value, "__struct_fields__", ()):
            return value
        if isinstance(value, type) and issubclass(value, errors.AIError):
            value = value("an example")  # its facts are attributes of the instance
        value = getattr(value, name)
    return value
