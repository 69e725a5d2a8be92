"""What an endpoint needs done now and then, in a process: ``python -m finalmile.web.errands PROJECT PARENT``.

Uses of keys go into the ledger and logged predictions into the lake; then the shadow and the last good version
answer what was logged.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from finalmile.web.batches import die_with_parent

_LOG = logging.getLogger("finalmile.errands")
EVERY_S = 30.0


class Errands:
    """A thread that runs them, one round after the other.

    Parameters
    ----------
    every_s
        Seconds between the end of a round and the next.
    """

    def __init__(self, project: Path, *, every_s: float = EVERY_S) -> None:
        self._words = [sys.executable, "-m", "finalmile.web.errands", str(project), str(os.getpid())]
        self._every_s, self._over = every_s, threading.Event()
        self._thread = threading.Thread(target=self._follow, name="errands", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; a round that is under way is broken off, and the next one takes it up."""
        self._over.set()
        self._thread.join(timeout=5)

    def _follow(self) -> None:
        while not self._over.wait(self._every_s):
            process = subprocess.Popen(self._words, stdin=subprocess.DEVNULL)
            while process.poll() is None:
                if self._over.wait(0.1):
                    process.terminate()
            if process.returncode and not self._over.is_set():
                _LOG.error("a round of errands ended with %s; the next one tries again", process.returncode)


def main(words: Sequence[str]) -> int:
    """One round; what cannot be done now waits for the next."""
    from finalmile.errors import FinalMileError
    from finalmile.project import Project
    from finalmile.web.redaction import redacted
    from finalmile.web.uses import fold
    from finalmile.workflows.endpoint import SERVING

    project, failed = Project.open(words[0], create=False), 0
    os.nice(10)
    models = sorted({version.model for version in project.ledger.versions()})
    uses = partial(fold, project.folder / SERVING, project.ledger)
    errands: list[Callable[[], object]] = [uses, project.seal, *(partial(project.rescore, model) for model in models)]
    for errand in errands:
        try:
            errand()
        except FinalMileError as error:
            failed = 1
            print(redacted(f"{type(error).__name__}: {error}"), file=sys.stderr, flush=True)
    return failed


if __name__ == "__main__":
    die_with_parent(int(sys.argv[2]))
    sys.exit(main(sys.argv[1:]))
