"""Model files in folders named by what is in them."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import orjson

from finalmile.adapters.local.durable import sha256_of, sync_file, sync_folder
from finalmile.errors import CorruptError, MissingInputError, TransientError

_MANIFEST = "manifest.json"
_PENDING = ".pending-"
_Seen = tuple[int, int]


class FolderArtefacts:
    """:class:`finalmile.ports.Artefacts` on a folder.

    An artefact's digest is the sha256 over the sorted names and sha256 of its files; ``manifest.json`` lists them.
    Files are read again only when their size or time of change is new to this process.

    Parameters
    ----------
    folder
        Made where it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._checked: dict[Path, tuple[_Seen, str]] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, write: Callable[[Path], None]) -> str:
        """Let ``write`` fill a folder, add a manifest with every file's sha256, keep it durably; its digest.

        Raises
        ------
        TransientError
            Where the disk refused, for example because it is full; nothing is kept then.
        """
        pending = Path(tempfile.mkdtemp(prefix=_PENDING, dir=self._folder))
        try:
            write(pending)
            digest = _seal(pending)
            self._publish(pending, digest)
        except OSError as error:
            raise TransientError(
                f"{self._folder}: the artefact could not be written: {error}. Nothing was kept; mend it and try again."
            ) from error
        finally:
            shutil.rmtree(pending, ignore_errors=True)
        return digest

    def path(self, digest: str) -> Path:
        """Folder of an artefact after every file's sha256 was checked; ``CorruptError`` otherwise.

        Raises
        ------
        MissingInputError
            Where no artefact has that digest.
        """
        folder = self._folder / digest
        if not re.fullmatch("[0-9a-f]{64}", digest) or not folder.is_dir():
            raise MissingInputError(f"no artefact has the digest {digest!r} in {self._folder}; train the version again")
        listed = _listed(folder)
        found = {name: self._sha256(folder / name) for name in _names(folder)}
        for name in sorted(listed.keys() | found.keys()):
            if listed.get(name) != found.get(name):
                raise CorruptError(
                    f"{folder / name} is not what was written: sha256 {found.get(name, 'of a missing file')}, "
                    f"recorded {listed.get(name, 'nothing')}. Restore it from a backup, or train again."
                )
        if _digest(listed) != digest:
            raise CorruptError(f"{folder / _MANIFEST} does not belong to its folder; restore it from a backup")
        return folder

    def sweep(self) -> list[Path]:
        """Remove what crashed writers left; call it holding the project lock. What was removed."""
        left = sorted(self._folder.glob(f"{_PENDING}*"))
        for folder in left:
            shutil.rmtree(folder)
        return left

    def _publish(self, pending: Path, digest: str) -> None:
        final = self._folder / digest
        if final.exists() and self._sound(digest):
            return
        shutil.rmtree(final, ignore_errors=True)
        pending.rename(final)
        sync_folder(self._folder)

    def _sound(self, digest: str) -> bool:
        try:
            self.path(digest)
        except CorruptError:
            return False
        return True

    def _sha256(self, path: Path) -> str:
        stat = path.stat()
        seen = (stat.st_mtime_ns, stat.st_size)
        known = self._checked.get(path)
        if known is None or known[0] != seen:
            known = self._checked[path] = (seen, sha256_of(path))
        return known[1]


def _seal(folder: Path) -> str:
    names = list(_names(folder))
    if (folder / _MANIFEST).exists():
        raise ValueError(f"an artefact may not bring its own {_MANIFEST}; give the file another name")
    files = {name: sha256_of(folder / name) for name in names}
    digest = _digest(files)
    manifest = {"digest": digest, "files": files}
    (folder / _MANIFEST).write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
    for name in (*names, _MANIFEST):
        sync_file(folder / name)
    for inner in (*(path for path in folder.rglob("*") if path.is_dir()), folder):
        sync_folder(inner)
    return digest


def _digest(files: Mapping[str, str]) -> str:
    lines = "".join(f"{files[name]}  {name}\n" for name in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


def _names(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise CorruptError(f"{path} is a link; an artefact holds plain files only")
        if path.is_file() and path != folder / _MANIFEST:
            yield path.relative_to(folder).as_posix()


def _listed(folder: Path) -> dict[str, str]:
    try:
        files: dict[str, str] = orjson.loads((folder / _MANIFEST).read_bytes())["files"]
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise CorruptError(f"{folder / _MANIFEST} cannot be read: {error}. Restore it from a backup.") from error
    return files
