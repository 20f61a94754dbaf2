"""The public names: complete, lazy, and the same for type checkers and at run time."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import polydriver
from polydriver import errors, events
from polydriver.data import messages, models, responses
from polydriver.operations import results as operations


def test_every_name_is_there_and_documented() -> None:
    assert polydriver.__all__[1:] == sorted(polydriver.__all__[1:])
    for name in polydriver.__all__:
        value = getattr(polydriver, name)
        assert name == "__version__" or value.__doc__, name
    assert dir(polydriver) == sorted(polydriver.__all__)


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(polydriver.__file__).read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    seen = {alias.asname: node.module for node in imports for alias in node.names}
    assert seen == polydriver._home_of


@pytest.mark.parametrize("module", [errors, events, messages, models, operations, responses])
def test_no_value_that_users_meet_is_left_out(module: object) -> None:
    internal = {
        "Listener",
        "adopt_branch",
        "error_branch",
        "Media",
        "ParsedT",
        "Part",
        "ProviderData",
        "Role",
        "Page",
        "FinishReason",
    }
    names = set(getattr(module, "__all__"))  # noqa: B009 - mypy does not know it of an object
    assert names - internal <= set(polydriver.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        polydriver.Nonsense  # noqa: B018


def test_importing_the_package_loads_only_itself() -> None:
    code = "import sys, polydriver; print([name for name in sys.modules if name.startswith('polydriver')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['polydriver']"
