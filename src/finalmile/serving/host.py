"""A model that answers from a process of its own: brought back when it dies, given up when it keeps doing so."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from finalmile.errors import FinalMileError, ModelFaultError
from finalmile.forecasters.isolation import Bounds, Process
from finalmile.forecasters.loaders.contract import Rows
from finalmile.forecasters.loaders.kept import Kept
from finalmile.serving.golden import check_golden

STRIKES = 3
REST_S, _LONGEST_REST_S = 30.0, 900.0
RESTARTS = 12
"""Processes of one model that are started within :data:`MINUTE_S`, however often it dies."""

MINUTE_S = 60.0
_INNOCENT = ("starting", "waiting")
_OF_FEATURES = ("raised", "not finite", "too large")


class Host:
    """A :class:`RowModel` whose answers come from a killable process; safe to ask from many threads.

    Every fault is a strike, but a wait for others, and one that leaves the golden rows answered as ever: kind
    ``"unusual"`` where the process lives on. One that died or was late is started again beside the traffic, and asked
    its golden rows before it counts; meanwhile every question fails at once with kind ``"starting"``, which is no
    strike. No more than ``restarts`` of them begin in a minute. After ``most`` strikes it stays down for ``rest_s``,
    the next time twice as long.

    Parameters
    ----------
    folder
        The registered artefact.
    deadline_s
        For one answer, once it is its turn; the wait for others' answers may take as long.

    Raises
    ------
    ModelFaultError
        It could not be loaded.
    """

    def __init__(
        self,
        folder: Path,
        *,
        deadline_s: float = 2.0,
        most: int = STRIKES,
        bounds: Bounds | None = None,
        rest_s: float = REST_S,
        restarts: int = RESTARTS,
    ) -> None:
        self.strikes, self.faults = 0, list[str]()
        self._folder, self._deadline, self._most = folder, deadline_s, most
        self._bounds = bounds or Bounds(answer_seconds=deadline_s)
        self._kept = Kept.read(folder)
        self._outputs = len(self._kept.outputs)
        self._change = threading.Lock()
        self._closed, self._starting, self._over = False, False, threading.Event()
        self._begun: deque[float] = deque(maxlen=restarts)
        self._rest_s, self._again_at = rest_s, float("inf")
        self._process: Process | None = self._started()

    @property
    def out(self) -> bool:
        """Whether it has been given up for now."""
        return self.strikes >= self._most

    @property
    def ready(self) -> bool:
        """Whether a question would be asked now."""
        process = self._process
        return process is not None and process.alive

    @property
    def memory_mb(self) -> float | None:
        """Megabytes its process holds."""
        process = self._process
        return None if process is None else process.memory_mb

    def rows(self, features: Rows, /, *, deadline_s: float | None = None) -> Rows:
        """Answers of shape (m, outputs), finite, within the deadline.

        Raises
        ------
        ModelFaultError
            Always within twice the deadline; never hangs.
        """
        process = self._process
        if process is None:
            raise self._down()
        try:
            return process.rows(features, outputs=self._outputs, deadline_s=deadline_s or self._deadline)
        except ModelFaultError as fault:
            if fault.kind in _INNOCENT:
                raise
            if fault.kind in _OF_FEATURES and self._sound(process):
                raise ModelFaultError("unusual", fault.message) from fault
            self._strike(process, fault)
            raise

    def close(self) -> None:
        """End its process; nothing is started again."""
        self._over.set()
        with self._change:
            self._closed, process, self._process = True, self._process, None
        if process is not None:
            process.close()

    def _sound(self, process: Process) -> bool:
        """Whether there are golden rows and they are answered as they were; so a caller's features were at fault."""
        if not self._kept.golden.get("rows"):
            return False
        try:
            check_golden(_Plain(process, self._outputs, self._deadline), self._kept, exact=False)
        except FinalMileError:
            return False
        return True

    def _down(self) -> ModelFaultError:
        if self.out and not self._tried_again():
            said = f"the model was given up after {self.strikes} faults, the last: {self.faults[-1]}"
            return ModelFaultError("struck out", said)
        return ModelFaultError("starting", "the model is being started again")

    def _tried_again(self) -> bool:
        """Whether it has rested long enough, and is being started once more with one strike left."""
        with self._change:
            if self._starting or self._closed or time.monotonic() < self._again_at:
                return False
            self.strikes, self._starting = self._most - 1, True
        self._start_again(None)
        return True

    def _struck(self, why: str) -> None:
        self.strikes += 1
        self.faults = [*self.faults[-9:], why]
        if self.out:
            self._again_at = time.monotonic() + self._rest_s
            self._rest_s = min(2 * self._rest_s, _LONGEST_REST_S)

    def _strike(self, process: Process, fault: ModelFaultError) -> None:
        with self._change:
            if self._process is not process:
                return  # asked of one that had already been replaced
            doubtful = not process.alive and bool(self._kept.golden.get("rows"))
            if not doubtful:
                self._struck(fault.message)
            if process.alive and not self.out:
                return
            self._process = None
            again = not (self.out or self._closed or self._starting)
            self._starting = self._starting or again
        process.close()
        if again:
            self._start_again(fault.message if doubtful else None)

    def _start_again(self, doubt: str | None) -> None:
        threading.Thread(target=self._restart, args=(doubt,), name="model host", daemon=True).start()

    def _restart(self, doubt: str | None) -> None:
        """Put a fresh process in place of one that died.

        Parameters
        ----------
        doubt
            A fault that is a strike only where the golden rows are not answered as ever.
        """
        fresh: Process | None = None
        while fresh is None and not (self.out or self._closed):
            self._wait_for_its_minute()
            fresh = None if self._closed else self._tried()
            if fresh is not None and doubt is not None and not self._sound(fresh):
                fresh = self._condemned(fresh, doubt)
        with self._change:
            self._starting = False
            if not self._closed:
                self._process, fresh = fresh, None
        if fresh is not None:
            fresh.close()

    def _wait_for_its_minute(self) -> None:
        """Callers who make it die again and again cannot keep the machine busy with starting it."""
        if len(self._begun) == self._begun.maxlen:
            self._over.wait(max(0.0, self._begun[0] + MINUTE_S - time.monotonic()))
        self._begun.append(time.monotonic())

    def _tried(self) -> Process | None:
        try:
            return self._started()
        except FinalMileError as fault:
            with self._change:
                self._struck(str(fault))
            return None

    def _condemned(self, fresh: Process, doubt: str) -> Process | None:
        """A strike; the process, where it lives and there may be more of them."""
        with self._change:
            self._struck(doubt)
        if fresh.alive and not self.out:
            return fresh
        fresh.close()
        return None

    def _started(self) -> Process:
        return Process(
            self._folder,
            bounds=self._bounds,
            reaches_out=self._kept.made().reaches_out,
            secrets=self._kept.secrets,
        )

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()


@dataclass(frozen=True, slots=True)
class _Plain:
    """A process as a model of rows that counts no strikes."""

    process: Process
    outputs: int
    deadline_s: float

    def rows(self, features: Rows, /) -> Rows:
        return self.process.rows(features, outputs=self.outputs, deadline_s=self.deadline_s)

    def close(self) -> None:
        """Leave it to the host."""
