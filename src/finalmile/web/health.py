"""Alive, ready, and what was counted: the pages that machines read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from finalmile.serving.counters import Counters, read_all, together
from finalmile.web.exposition import exposed
from finalmile.web.replies import TEXT, Reply, encoded
from finalmile.web.state import State

_ALIVE = ("/healthz", "/v2/health/live")
_READY_REPLY = Reply(200, b'{"status":"ready"}')
_UNREADY = b'{"status":"not ready"}'
METRICS = "/metrics"
_READY = ("/readyz", "/ping", "/v2/health/ready")


class Health:
    """Answers for one worker.

    Parameters
    ----------
    folder
        Where all workers keep their counters: the metrics of any worker are those of all.
    fault_of_log
        Why predictions cannot be logged now; empty where they can.
    beat
        Brings this worker's own gauges up to date.
    """

    def __init__(
        self, folder: Path, counters: Counters, *, fault_of_log: Callable[[], str], beat: Callable[[], None]
    ) -> None:
        self._folder, self._counters, self._fault_of_log, self._beat = folder, counters, fault_of_log, beat

    def reply(self, path: str, state: State, /, *, draining: bool, silent: bool = False) -> Reply | None:
        """The answer to one of these paths; ``None`` for any other.

        Alive means that requests are read. Ready means that every route has a version in memory that can answer, that
        predictions can be logged, and that the worker is not about to end. Why it is not names models, and is left out
        where everybody who reaches the port may ask (``silent``).
        """
        if path in _ALIVE:
            return Reply(200, b'{"status":"alive"}')
        if path in _READY:
            why = self.unready(state, draining=draining)
            told = _UNREADY if silent else encoded({"status": "not ready", "why": why})
            return Reply(503, told) if why else _READY_REPLY
        if path == METRICS:
            self._beat()
            return Reply(200, exposed(together(read_all(self._folder).values()), state).encode(), (TEXT,))
        return None

    def unready(self, state: State, /, *, draining: bool) -> list[str]:
        """Why not everything can be answered here."""
        why = list(state.unready)
        fault = self._fault_of_log()
        if fault:
            why.append(fault)
        if draining:
            why.append("this worker is ending; ask again for another one")
        return why
