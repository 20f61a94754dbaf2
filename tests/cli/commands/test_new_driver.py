"""The packages that `polydriver new-driver` writes: their tests pass, and once installed the driver is found."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.cli.helpers import environment, run

from polydriver.cli.scaffold import CHOICES, write_package
from polydriver.testing.conformance import check_driver

ROOT = Path(__file__).resolve().parents[3]


def python(*arguments: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run Python there, with our polydriver and what is installed beside it."""
    paths = [str(ROOT / "src"), *(path for path in sys.path if path.endswith("site-packages"))]
    env = {"PYTHONPATH": os.pathsep.join([env.pop("PYTHONPATH", ""), *paths]).strip(os.pathsep), **env}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment(**env), capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("wire", ["chat_completions", "own"])
def test_tests_of_a_new_package_pass(wire: str, tmp_path: Path) -> None:
    folder = tmp_path / "package"
    done = run("new-driver", "acme-two", "--wire", wire, "--directory", folder)
    assert done.exit_code == 0, done.output
    assert "python -m pytest" in done.output
    tested = python("-m", "pytest", "-q", "-p", "no:cacheprovider", folder=folder)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert " passed" in tested.stdout
    assert "failed" not in tested.stdout


@pytest.mark.parametrize("wire", [wire for wire in CHOICES if wire != "chat_completions"])
def test_every_wire_makes_a_driver_that_conforms(wire: str, tmp_path: Path) -> None:
    write_package("acme", wire, tmp_path, "https://api.acme.example/v1")
    made = runpy.run_path(str(tmp_path / "src/polydriver_acme/driver.py"), run_name="polydriver_acme.driver")
    driver = made["AcmeDriver"]
    check_driver(driver).raise_if_any()
    assert driver.base_url == "https://api.acme.example/v1"
    assert (tmp_path / "tests/fixtures/whole_reply.json").stat().st_size > 0


def test_an_installed_driver_is_found_by_name(tmp_path: Path) -> None:
    folder, target = tmp_path / "package", tmp_path / "installed"
    write_package("acme", "own", folder, "https://api.acme.example/v1")
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index"]
    installed = python("-m", "pip", "install", *options, "--target", str(target), str(folder), folder=tmp_path)
    assert installed.returncode == 0, installed.stderr
    code = (
        "from polydriver import AI\n"
        "from polydriver.drivers import driver_names\n"
        "assert 'acme' in driver_names()\n"
        "ai = AI({'providers': {'acme': {}, 'second': {'driver': 'acme', 'api_key': 'of-the-second'}}})\n"
        "print(ai.provider('acme'), ai.provider('second'))\n"
    )
    found = python("-c", code, folder=tmp_path, PYTHONPATH=str(target), ACME_API_KEY="from-the-environment")
    assert found.returncode == 0, found.stderr
    assert "<AcmeDriver 'acme' at https://api.acme.example/v1> <AcmeDriver 'second'" in found.stdout


def test_the_names_fit_together(tmp_path: Path) -> None:
    paths = write_package("acme-two", "messages", tmp_path, "https://api.acme.example/v1/")
    assert tmp_path / "src/polydriver_acme_two/driver.py" in paths
    project: dict[str, Any] = tomllib.loads((tmp_path / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["name"] == "polydriver-acme-two"
    assert project["project"]["entry-points"]["polydriver.drivers"] == {"acme-two": "polydriver_acme_two:AcmeTwoDriver"}
    assert not [path for path in paths if "$" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["Acme!"], "cannot be a driver's name"),
        (["../acme"], "cannot be a driver's name"),
        (["openai"], "called 'openai' already"),
        (["acme", "--wire", "telepathy"], "telepathy"),
    ],
)
def test_what_cannot_be_is_told(arguments: list[str], told: str, tmp_path: Path) -> None:
    done = run("new-driver", *arguments, "--directory", tmp_path / "package")
    assert done.exit_code != 0
    assert told in done.output
    assert not (tmp_path / "package").exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("keep me")
    done = run("new-driver", "acme", "--directory", tmp_path)
    assert done.exit_code == 1
    assert "not empty" in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("new-driver", "acme", "--directory", tmp_path / "file" / "package")
    assert done.exit_code == 1
    assert "cannot write" in done.output
