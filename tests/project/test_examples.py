"""Every example runs, says what it shows and uses public names only; the drivers pass the conformance suite."""

from __future__ import annotations

import ast
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from polydriver import TokenUsage
from polydriver.cli.scaffold import write_package
from polydriver.cli.scaffold.own_wire import own_fixtures
from polydriver.testing import DriverConformance, ExpectedAnswer, WireFixtures

FOLDER = Path(__file__).resolve().parents[2] / "examples"
FILES = sorted(path for path in FOLDER.glob("*.py"))

# What an example prints, among other things. Those that are left out are modules for the others.
PRINTS = {
    "errors": [
        "again in 0.05 s after OpenAIServerError",
        "OpenAIRateLimitError - come back in 3600.0 s",
        "what came is kept: 'Once",
    ],
    "events_and_costs": ["event: MessageSent {'team': 'docs'}", "event: ConversationUpdated", "an unknown model: None"],
    "mcp_tools": ["['shop_stock']", "result: 3", "Three umbrellas are left."],
    "quick_start": ["It scatters blue light most.", "4 messages in the history"],
    "side_by_side": ["Oslo A fine city."],
    "streaming": ["A river runs, and stays.", "26 characters"],
    "structured_output": ["City(name='Lyon', inhabitants=522250", "good"],
    "switching_providers": ["groq:   Oslo is larger.", "['openai', 'openai', 'groq']"],
    "testing_your_app": ["test_weather_report passed"],
    "tools": ["result LookupError: no such city", "only Ann gets postcards", "nobody knows Atlantis"],
    "use_custom_driver": [
        "Hello from custom AI!",
        "$0.000015",
        "['Hello ', 'in pieces!']",
        "A greeting. $0.000042 ['harbor takes no n; it was left out.']",
        "['custom-model-v1'] True",
    ],
}
MODULES = {"custom_driver", "harbor_driver", "playground"}

REPLY = b'{"answer": "Hello!", "ending": "finished", "model": "custom-model-v1", "tokens": {"read": 12, "written": 6}}'
FIXTURES = WireFixtures(
    whole_reply=REPLY,
    expected={
        "whole_reply": ExpectedAnswer(
            content="Hello!",
            raw_finish_reason="finished",
            usage=TokenUsage(input_tokens=12, output_tokens=6),
            model="custom-model-v1",
        )
    },
    models_reply=b'{"data": [{"id": "custom-model-v1", "context_length": 32000}]}',
    error_replies=[(402, b'{"error": {"code": "out_of_credit", "message": "top up"}}', "QuotaExceededError")],
)


@pytest.fixture(autouse=True, scope="module")
def as_scripts() -> Iterator[None]:
    """The folder on the path, as it is for a script in it."""
    sys.path.insert(0, str(FOLDER))
    yield
    sys.path.remove(str(FOLDER))


def test_every_example_is_known() -> None:
    assert {path.stem for path in FILES} == PRINTS.keys() | MODULES
    listed = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"`{path.name}`" in listed for path in FILES if path.stem != "playground")


@pytest.mark.parametrize("name", sorted(PRINTS))
def test_example_runs(name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [f"{name}.py"])
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    printed = capsys.readouterr().out
    for text in PRINTS[name]:
        assert text in printed


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_example_is_presentable(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "an example begins with what it shows"
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
        elif isinstance(node, ast.Attribute) and not (isinstance(node.value, ast.Name) and node.value.id == "self"):
            names = [node.attr]
        private = [name for name in names if name.startswith("_") and not name.startswith("__")]
        assert not private, f"an example uses {private}"


def test_the_complete_driver_is_short() -> None:
    assert len((FOLDER / "custom_driver.py").read_text(encoding="utf-8").splitlines()) < 70


def test_the_guide_shows_the_drivers_as_they_are() -> None:
    page = (FOLDER.parent / "docs" / "guide" / "write-your-own-driver.md").read_text(encoding="utf-8")
    for name in ("custom_driver", "harbor_driver"):
        assert f"```python\n{(FOLDER / f'{name}.py').read_text(encoding='utf-8')}```\n" in page


class TestCustomDriver(DriverConformance):
    fixtures = FIXTURES

    @pytest.fixture(autouse=True)
    def import_it(self, as_scripts: None) -> None:
        from custom_driver import CustomAIDriver

        type(self).driver = CustomAIDriver


class TestHarborDriver(DriverConformance):
    fixtures = own_fixtures("harbor")

    @pytest.fixture(autouse=True)
    def import_it(self, as_scripts: None) -> None:
        from harbor_driver import HarborDriver

        type(self).driver = HarborDriver


def test_the_scaffold_of_an_own_api_is_the_complete_driver(tmp_path: Path) -> None:
    write_package("harbor", "own", tmp_path, "https://api.harbor.example/v1")
    written = (tmp_path / "src" / "polydriver_harbor" / "driver.py").read_text(encoding="utf-8")
    assert written == (FOLDER / "harbor_driver.py").read_text(encoding="utf-8")
