"""Purchase orders handed over as files in a folder."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from finalmile.adapters.local.durable import write_once
from finalmile.errors import PermanentError, TransientError
from finalmile.ports import deliveries


@deliveries.add("folder")
@dataclass(frozen=True, slots=True, kw_only=True)
class FolderDelivery:
    """Files in a folder, each there whole or not at all, on the disk when it is said to be there.

    The same files again change nothing, and a file with other content is never written over.

    Parameters
    ----------
    folder
        Where files go; below the project's folder unless it is absolute.
    """

    folder: str = "outbox"

    def obstacles(self, home: Path, /) -> Sequence[str]:
        """Whether the folder, or what is there of its path, can be written."""
        place = home / self.folder
        there = next((path for path in (place, *place.parents) if path.exists()), place)
        if not there.is_dir():
            return [f"{there} is no folder: orders cannot be written to {place}"]
        return [] if os.access(there, os.W_OK | os.X_OK) else [f"{there} cannot be written: mend its permissions"]

    def deliver(self, files: Mapping[str, bytes], /, *, key: str, home: Path) -> str:
        """Write the files; the folder they are in.

        Raises
        ------
        ConflictError
            Where a file of one of the names holds something else; nothing is written then.
        PermanentError
            Where the folder cannot be written; ``TransientError`` where a part of the files is there already.
        """
        del key
        place = home / self.folder
        try:
            write_once({place / name: content for name, content in files.items()})
        except OSError as error:
            said = f"{place} cannot be written ({error.strerror or error}): mend it, or name another folder"
            if any((place / name).exists() for name in files):
                raise TransientError(f"{said}. Part of the order is there already") from error
            raise PermanentError(said) from error
        return str(place)
