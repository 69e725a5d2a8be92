"""Follows the ledger: whoever changes it, in whatever process, the board says so at once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from finalmile.adapters.local.changes import Changes
from finalmile.project import LEDGER_NAME, Project
from finalmile.records import Version
from finalmile.serving.board import Board
from finalmile.serving.counters import Counted, read_all, strikes_of, together
from finalmile.workflows import endpoint, quarantine
from finalmile.workflows.deliver import deliver

_LOG = logging.getLogger("finalmile.watcher")
LOOK_S, COUNT_S, ANYWAY_S = 0.02, 0.2, 1.0


class Watcher:
    """A thread that posts the board, and takes versions off it that keep failing.

    Parameters
    ----------
    folder
        Where the board is and workers count.
    open_to_all, hosts
        As the board says them.
    counted
        What workers ever counted.
    """

    def __init__(
        self,
        project: Project,
        folder: Path,
        *,
        open_to_all: bool = True,
        hosts: Sequence[str] = (),
        counted: Callable[[Path], Counted] | None = None,
    ) -> None:
        self._project, self._folder, self._counted = project.acting("manager"), folder, counted or _counted
        self._open_to_all, self._hosts = open_to_all, tuple(hosts)
        self._changes = Changes(project.folder / LEDGER_NAME)
        self._told: set[tuple[str, str]] = set()
        self._asked: dict[str, threading.Thread] = {}
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._follow, name="watcher", daemon=True)]
        self._threads.append(threading.Thread(target=self._tell, name="alerts", daemon=True))
        self._alerts = threading.Event()
        self._posted_at = self._counted_at = float("-inf")
        self.board = Board.read(folder)

    def start(self) -> None:
        """Post the board, then follow the ledger."""
        self.post()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End; the board stays as it is."""
        self._over.set()
        self._alerts.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=5)
        self._changes.close()

    def look(self) -> None:
        """Do what is due: quarantine what struck out, post what changed."""
        now = time.monotonic()
        if now - self._counted_at >= COUNT_S:
            self._counted_at = now
            self.judge()
        if self._changes.any() or now - self._posted_at >= ANYWAY_S:
            self.post()

    def post(self) -> bool:
        """Bring the board in line with the ledger; whether it changed."""
        self._posted_at = time.monotonic()
        project = self._project
        posted = endpoint.post(
            project.ledger,
            project.artefacts,
            self._folder,
            now=project.clock.now(),
            open_to_all=self._open_to_all,
            hosts=self._hosts,
        )
        fresh = replace(posted.board, epoch=self.board.epoch)
        changed = fresh != self.board or self.board.epoch == 0
        if changed:
            self.board = replace(fresh, epoch=self.board.epoch + 1)
            self.board.write(self._folder)
        for unfit in posted.unfit:
            self._report(unfit)
        return changed

    def judge(self) -> None:
        """Quarantine every version that could not answer often enough."""
        told, shop = self._counted(self._folder), self._project.shop
        counts, odd = strikes_of(told), strikes_of(told, kind="odd")
        for model, number, struck in quarantine.due(shop, counts):
            version = shop.ledger.version(model, number)
            mine = odd.get(str(version), 0)
            doubtful = quarantine.by_callers(shop, version, strikes=struck, odd=mine) and version.state != "quarantined"
            if doubtful and self._is_asked(version):
                continue  # strikes since then count when it has answered
            quarantine.settle(shop, version, counts[str(version)], odd=mine)
            if doubtful:  # asking it takes long: the board goes on meanwhile
                asking = threading.Thread(target=self._ask, args=(version, struck), name=f"ask {version}", daemon=True)
                self._asked[str(version)] = asking
                asking.start()
            else:
                self._quarantine(version, struck)

    def _is_asked(self, version: Version) -> bool:
        asking = self._asked.get(str(version))
        return asking is not None and asking.is_alive()

    def _ask(self, version: Version, struck: int) -> None:
        """Quarantine a version unless it answers its golden rows as ever."""
        try:
            if quarantine.acquit(self._project.shop, version, strikes=struck) is None:
                self._quarantine(version, struck)
            else:
                _LOG.warning("%s fails on features that callers gave, and is right on its golden rows", version)
                self._alerts.set()
        except Exception:
            _LOG.exception("%s could not be judged; its next strikes are", version)

    def _quarantine(self, version: Version, struck: int) -> None:
        why = f"It could not answer {struck} requests: it raised, hung, died, or answered with what is no forecast."
        done = quarantine.quarantine(self._project.shop, version.model, version.number, strikes=struck, why=why)
        if done is not None:
            _LOG.warning("%s is quarantined; %s answers", version, done.answers or "nothing")
            self._alerts.set()

    def _report(self, unfit: endpoint.Unfit) -> None:
        """Open an incident, once, for a version that is not what was recorded."""
        seen = (str(unfit.version), unfit.why)
        if seen in self._told:
            return
        self._told.add(seen)
        _LOG.warning("%s is left off the board: %s", unfit.version, unfit.why)
        quarantine.open_incident(
            self._project.shop, unfit.version, why=unfit.why, strikes=1, done=f"left {unfit.version} off the endpoint"
        )
        self._alerts.set()

    def _follow(self) -> None:
        while not self._over.wait(LOOK_S):
            try:
                self.look()
            except Exception:  # a disk that is full now may not be later; the board stays as it is
                _LOG.exception("the board could not be brought in line with the ledger")
                self._over.wait(0.5)

    def _tell(self) -> None:
        """Deliver alerts beside the watching: a receiver may be slow."""
        while not self._over.is_set():
            self._alerts.wait(timeout=30)
            self._alerts.clear()
            try:
                deliver(self._project.shop)
            except Exception:
                _LOG.exception("alerts could not be delivered")


def _counted(folder: Path) -> Counted:
    return together(read_all(folder).values())
