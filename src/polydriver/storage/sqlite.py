"""SQLite as the tables need it: write-ahead log, patience before anything else, no network file systems."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from ..errors import ConfigurationError

__all__ = ["prepare", "refuse_network_folder"]

_NETWORK = frozenset(
    {
        *(
            "9p",
            "afs",
            "afpfs",
            "beegfs",
            "ceph",
            "cifs",
            "coda",
            "davfs",
            "glusterfs",
            "gfs2",
            "gpfs",
            "lustre",
            "ncpfs",
        ),
        *("nfs", "nfs4", "ocfs2", "orangefs", "smb2", "smb3", "smbfs", "virtiofs", "webdav"),
        *("fuse.cephfs", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs"),
    }
)
_MOUNTS = Path("/proc/self/mountinfo")


def prepare(engine: Engine, *, patience: float, durable: bool) -> None:
    """Have every connection of the engine wait for locks up to `patience` seconds, and log ahead.

    `durable`: a commit is on the disk before it returns (`synchronous=FULL`, and `fullfsync` on macOS), so that it
    outlives a loss of power. Otherwise (`NORMAL`) the last commits before one may be lost, none by a killed process.
    """

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin where `Database` says, not where the module thinks
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={int(patience * 1000)}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        if durable:
            cursor.execute("PRAGMA fullfsync=1")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()


def refuse_network_folder(path: Path, mounts: str | None = None) -> None:
    """Raise `ConfigurationError` for a file on a network: SQLite's locks and shared memory do not hold there.

    `mounts` is the text of `/proc/self/mountinfo`; by default it is read, where there is one. On Windows, paths of
    other machines (`\\\\server\\share`) are refused.
    """
    folder = path.resolve().parent
    if sys.platform == "win32" and str(folder).startswith("\\\\"):
        raise _refusal(path, "a share of another machine")
    if mounts is None:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="replace") if _MOUNTS.exists() else ""
    kind, longest = "", -1
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 5 or not after:
            continue
        mount = fields[4].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        if folder.is_relative_to(mount) and len(mount) >= longest:
            kind, longest = after.split(" ", 1)[0], len(mount)
    if kind in _NETWORK:
        raise _refusal(path, f"a network file system ({kind})")


def _refusal(path: Path, where: str) -> ConfigurationError:
    return ConfigurationError(
        f"{path} is on {where}: SQLite loses data there, since its locks do not hold. Put the file on a disk of this "
        "machine, or use PostgreSQL (https://sqlite.org/wal.html)"
    )
