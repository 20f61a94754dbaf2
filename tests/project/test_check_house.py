"""The house rules find what they are meant to find, and nothing in the usual shapes of good code."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tools.import_cycles import cycles, imports_of

from tools import check_house

WHERE = "src/polydriver/drivers/example.py"
LONG = "def f():\n" + "    pass\n" * 61
DOCUMENTED = 'def f():\n    """First.\n' + "    more\n" * 60 + '    """\n    return 1\n'


def findings(source: str, where: str = WHERE) -> str:
    tree = ast.parse(source)
    found = [
        *check_house.check_exports(tree, where),
        *check_house.check_functions(tree, where),
        *check_house.check_unfinished(tree, source, where),
        *check_house.check_driver(tree, where),
        *check_house.check_typed(tree, where),
    ]
    return "\n".join(found)


@pytest.mark.parametrize(
    ("source", "finding"),
    [
        ("", "no literal __all__"),
        ("__all__ = [name for name in dir()]", "no literal __all__"),
        ("__all__ = ['absent']", "absent, which is not in the module"),
        ("__all__ = ['x', 'x']\nx = 1", "twice"),
        ("__all__ = ()\n" + LONG, "f has 62 lines"),
        ("__all__ = ()\ndef f(a, b, c, d, e, f, g, h, *, i): ...", "f has 9 parameters"),
        ("__all__ = ()\nclass A:\n  def m(self): raise NotImplementedError('m')", "NotImplementedError"),
        ("__all__ = ()\n# TO" + "DO: later", "TO" + "DO"),
        ("__all__ = ()\ndef f(): return open('x')", "does no I/O"),
        ("__all__ = ()\ndef f(x): return msgspec.convert(x, A)", "polydriver.typed"),
        ("__all__ = ()\ndef f(x): return msgspec.json.decode(x, type=A)", "polydriver.typed"),
        ("__all__ = ()\nasync def f(x): return msgspec.json.Decoder(A).decode(x)", "polydriver.typed"),
    ],
)
def test_a_breach_is_found(source: str, finding: str) -> None:
    assert finding in findings(source)


@pytest.mark.parametrize(
    "source",
    [
        "__all__ = ['f']\n" + DOCUMENTED,
        "__all__ = ['later']\ndef __getattr__(name): ...",
        "__all__ = ['A']\nif True:\n  class A: ...",
        "__all__ = ['b']\ntry:\n  import a as b\nexcept ImportError:\n  b = None",
        "__all__: list[str] = []\nclass A:\n  def m(self, a, b, c, d, e, f, g, h): ...",
        "__all__ = ()\ntry:\n  f()\nexcept NotImplementedError:\n  g()",
        "__all__ = ()\ndecode = msgspec.json.Decoder(A).decode\ndef f(x): return msgspec.json.decode(x)",
    ],
)
def test_good_code_passes(source: str) -> None:
    assert findings(source) == ""


def test_an_entry_script_exports_nothing() -> None:
    assert findings("main()", "src/polydriver/__main__.py") == ""


def test_cycles_are_found_whatever_hides_them(tmp_path: Path) -> None:
    package = tmp_path / "house"
    (package / "rooms").mkdir(parents=True)
    files = {
        "__init__.py": "from .a import A as A",
        "a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .rooms import B",
        "rooms/__init__.py": "from .b import B as B",
        "rooms/b.py": "def f():\n    from ..c import C",
        "c.py": "from house import A",
        "alone.py": "import house.c",
    }
    for name, text in files.items():
        (package / name).write_text(text)
    assert list(cycles(imports_of(package))) == [["house.a", "house.c", "house.rooms.b"]]
    (package / "c.py").write_text("")
    assert list(cycles(imports_of(package))) == []


def test_tests_mirror_the_modules(tmp_path: Path) -> None:
    tests, package = tmp_path / "tests", tmp_path / "src" / "polydriver"
    for module in (
        "logs.py",
        "engine/hedging.py",
        "engine/caching/__init__.py",
        "engine/caching/keys.py",
        "mcp/naming.py",
    ):
        (package / module).parent.mkdir(parents=True, exist_ok=True)
        (package / module).touch()
    right = [
        "test_logs.py", "engine/test_hedging.py", "engine/test_hedging_streams.py", "engine/test_caching.py",
        "engine/hedging/test_anything.py", "engine/caching/test_keys.py", "mcp_tools/test_naming.py",
        "faults/test_anything.py",
    ]  # fmt: skip
    wrong = ["test_hedging.py", "engine/test_keys.py", "engine/test_hedge.py", "hedging/test_hedging.py"]
    for name in right + wrong:
        (tests / name).parent.mkdir(parents=True, exist_ok=True)
        (tests / name).touch()
    found = list(check_house.check_tests(tests, package))
    assert sorted(line.partition(":")[0] for line in found) == sorted(f"tests/{name}" for name in wrong)


def test_every_folder_of_tests_apart_is_there() -> None:
    tests = check_house.ROOT / "tests"
    assert [
        name for name in (*check_house.TESTS_APART, *check_house.TESTS_RENAMED) if not (tests / name).is_dir()
    ] == []
