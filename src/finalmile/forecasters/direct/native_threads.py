"""How many threads LightGBM uses: one number for the whole process, so calls side by side must agree on it."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager


class NativeThreads:
    """Lets calls run side by side only where they use the same number of threads.

    LightGBM sets its number of threads for the process with every call, and reads it again within a call: trees that
    grow while another call sets another number divide the work among threads that are not there, which ends the
    process.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._number = self._calls = 0
        self.somebody_waits = False

    @contextmanager
    def exactly(self, number: int) -> Generator[None]:
        """Hold ``number`` threads; waits until no call with another number runs, and calls that come later wait too."""
        with self._changed:
            self._changed.wait_for(lambda: not self.somebody_waits)
            if self._calls and self._number != number:
                self.somebody_waits = True
                self._changed.wait_for(lambda: not self._calls)
                self.somebody_waits = False
                self._changed.notify_all()
            self._begin(number)
        try:
            yield
        finally:
            self._end()

    @contextmanager
    def preferably(self, number: int) -> Generator[int]:
        """Hold ``number`` threads where nothing else runs, else as many as the calls that run; gives the number.

        For what gives the same with any number of threads.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self.somebody_waits)
            held = self._number if self._calls else number
            self._begin(held)
        try:
            yield held
        finally:
            self._end()

    def _begin(self, number: int) -> None:
        self._number, self._calls = number, self._calls + 1

    def _end(self) -> None:
        with self._changed:
            self._calls -= 1
            self._changed.notify_all()


native_threads = NativeThreads()
"""The one of this process."""
