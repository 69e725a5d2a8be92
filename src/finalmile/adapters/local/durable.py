"""Files that are on the disk, whole, when the call returns."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from finalmile.errors import ConflictError

_BLOCK = 1 << 20


def sync_file(path: Path) -> None:
    """Push a file's content to the disk."""
    _sync(path, os.O_RDONLY)


def sync_folder(path: Path) -> None:
    """Push a folder's list of names to the disk."""
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def write_once(files: Mapping[Path, bytes]) -> None:
    """Files with this content, each there whole or not at all, on the disk when the call returns.

    A file that is there already with the same content is left alone, and so the call can be made again after a crash.

    Raises
    ------
    ConflictError
        Where a file is there with other content; nothing is written then, unless it came in the middle of the call.
    """
    missing = [path for path, content in files.items() if not _there(path, content)]
    for path in missing:
        path.parent.mkdir(parents=True, exist_ok=True)
        pending = path.parent / f".{path.name}-{os.getpid()}"
        try:
            pending.write_bytes(files[path])
            sync_file(pending)
            _appear(pending, path)
            _there(path, files[path])
        finally:
            pending.unlink(missing_ok=True)
    for folder in {path.parent for path in files}:
        sync_folder(folder)


def _appear(pending: Path, path: Path) -> None:
    """Give a whole file its name; one of that name stays as it is."""
    try:
        os.link(pending, path)
    except FileExistsError:
        return
    except OSError:  # a file system without links, as of a share
        pending.replace(path)


def _there(path: Path, content: bytes) -> bool:
    """Whether a file has this content already."""
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        return False
    if found != content:
        raise ConflictError(f"{path} is there with other content and is not overwritten: move it, or write elsewhere")
    return True


def sha256_of(path: Path) -> str:
    """Digest of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _sync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
