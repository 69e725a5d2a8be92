"""When keys were last used for predictions: noted by workers as the age of a file each, folded into the ledger."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # workers note, and read in no store
    from finalmile.ports import Ledger

USES = "uses"
_EVERY_S = 60.0
_PREFIX = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Uses:
    """Notes of one worker.

    Parameters
    ----------
    folder
        Where the endpoint keeps what is its own.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._clock = folder / USES, clock
        self._noted: dict[str, float] = {}

    def __call__(self, prefix: str, /) -> None:
        """Note that a key was used: a file is touched at most once a minute, whatever the number of requests."""
        now = self._clock()
        if now < self._noted.get(prefix, 0.0) or not _PREFIX.fullmatch(prefix):
            return
        self._noted[prefix] = now + _EVERY_S
        with contextlib.suppress(OSError):  # a full disk does not keep predictions from being answered
            self._folder.mkdir(mode=0o700, exist_ok=True)
            (self._folder / prefix).touch(mode=0o600)


def fold(folder: Path, ledger: Ledger) -> None:
    """Bring the ledger's instants of last use up to what workers noted since."""
    known = {key.prefix: key.last_used_at for key in ledger.keys()}  # noqa: SIM118  # not those of a mapping
    for note in (folder / USES).glob("*"):
        if note.name not in known:
            note.unlink(missing_ok=True)
            continue
        at, before = datetime.fromtimestamp(note.stat().st_mtime, UTC), known[note.name]
        if before is None or before < at:
            ledger.key_used(note.name, at=at)
