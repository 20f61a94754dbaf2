"""SQLite's settings, and where its files may be."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from polydriver import ConfigurationError, StorageError
from polydriver.storage import Database
from polydriver.storage.sqlite import refuse_network_folder

_MOUNTS = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n31 22 0:5 / {folder} rw,relatime shared:1 - {kind} host:/share rw\n"


def test_pragmas(tmp_path: Path) -> None:
    for durable, level in ((True, 2), (False, 1)):
        database = Database(f"sqlite:///{tmp_path}/ai.db", durable=durable)
        with database.read() as connection:
            values = {
                name: connection.execute(text(f"PRAGMA {name}")).scalar()
                for name in ("journal_mode", "busy_timeout", "synchronous", "foreign_keys")
            }
        assert values == {"journal_mode": "wal", "busy_timeout": 5000, "synchronous": level, "foreign_keys": 1}
        database.close()


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "9p"])
def test_network_file_systems_are_refused(tmp_path: Path, kind: str) -> None:
    mounts = _MOUNTS.format(folder=tmp_path, kind=kind)
    with pytest.raises(ConfigurationError, match=f"network file system \\({kind}\\)"):
        refuse_network_folder(tmp_path / "ai.db", mounts)
    refuse_network_folder(Path("/elsewhere/ai.db"), mounts)
    refuse_network_folder(tmp_path / "ai.db", _MOUNTS.format(folder=tmp_path, kind="xfs"))


def test_folders_with_spaces(tmp_path: Path) -> None:
    folder = tmp_path / "my share"
    folder.mkdir()
    mounts = _MOUNTS.format(folder=str(folder).replace(" ", "\\040"), kind="nfs")
    with pytest.raises(ConfigurationError):
        refuse_network_folder(folder / "ai.db", mounts)


def test_a_database_that_another_holds_says_so(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ai.db"
    first, second = Database(url), Database(url, patience=0.0)
    with first.write() as connection:
        connection.execute(text("CREATE TABLE t (a INTEGER)"))
        with pytest.raises(StorageError, match="locked") as caught, second.write():
            pass
    assert caught.value.retryable
    first.close()
    second.close()


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "ai.db").write_bytes(b"This is not a database. " * 100)
    database = Database(f"sqlite:///{tmp_path}/ai.db")
    with pytest.raises(StorageError, match="not a database") as caught, database.read():
        pass
    assert not caught.value.retryable
