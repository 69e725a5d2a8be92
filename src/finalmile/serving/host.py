"""A model that answers from a process of its own: brought back when it dies, given up when it keeps doing so."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from finalmile.errors import FinalMileError, ModelFaultError
from finalmile.forecasters.isolation import Bounds, Process
from finalmile.forecasters.loaders.contract import Rows
from finalmile.forecasters.loaders.kept import Kept
from finalmile.serving.golden import check_golden

STRIKES = 3
REST_S, _LONGEST_REST_S = 30.0, 900.0
_INNOCENT = ("starting", "waiting")
_OF_FEATURES = ("raised", "not finite", "too large")


class Host:
    """A :class:`RowModel` whose answers come from a killable process; safe to ask from many threads.

    Every fault is a strike, but a wait for others, and one on features that leaves the golden rows answered as ever:
    kind ``"unusual"``. A process that died or was late is started again beside the traffic; meanwhile every question
    fails at once with kind ``"starting"``, which is no strike. After ``most`` strikes it stays down for ``rest_s``, the
    next time twice as long: a version that was struck by its callers and left on the endpoint comes back.

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
    ) -> None:
        self.strikes, self.faults = 0, list[str]()
        self._folder, self._deadline, self._most = folder, deadline_s, most
        self._bounds = bounds or Bounds(answer_seconds=deadline_s)
        self._kept = Kept.read(folder)
        self._outputs = len(self._kept.outputs)
        self._change = threading.Lock()
        self._closed, self._starting = False, False
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
        threading.Thread(target=self._restart, name="model host", daemon=True).start()
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
            self._struck(fault.message)
            if process.alive and not self.out:
                return
            self._process = None
            again = not (self.out or self._closed or self._starting)
            self._starting = self._starting or again
        process.close()
        if again:
            threading.Thread(target=self._restart, name="model host", daemon=True).start()

    def _restart(self) -> None:
        fresh: Process | None = None
        while fresh is None and not (self.out or self._closed):
            try:
                fresh = self._started()
            except FinalMileError as fault:
                with self._change:
                    self._struck(str(fault))
        with self._change:
            self._starting = False
            if not self._closed:
                self._process, fresh = fresh, None
        if fresh is not None:
            fresh.close()

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
