"""The process behind ``finalmile serve``: binds the port, starts the workers and the manager, and replaces who ends.

It answers nothing itself and holds no model, so that there is little that could end it.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import FrameType

from finalmile.web.children import MANAGER, WORKER, Child, manager_words, run, worker_words
from finalmile.web.claims import STATE, NoKeyError, ServedAlreadyError, bound, check_key, locked
from finalmile.web.serve_settings import SECRET, Settings, settings_from

BOARD = "board.json"
TICK_S = 0.1
START_S = 60.0
_STABLE_S, _LONGEST_PAUSE_S = 10.0, 5.0
_MOST_FRESH_DEATHS = 3


@dataclass(slots=True)
class _Deaths:
    """How often the process of a kind ended soon after its start: each time, the next start waits longer."""

    count: int = 0
    again_at: float = 0.0


class Supervisor:
    """Keeps an endpoint alive until it is told to end: SIGTERM drains and ends, SIGHUP restarts worker after worker."""

    def __init__(self, settings: Settings) -> None:
        check_key(settings)
        self.settings = settings
        settings.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings.folder.chmod(0o700)
        self._lock = locked(settings)
        if settings.manager:  # what was served when the last one ended may have been withdrawn since
            (settings.folder / BOARD).unlink(missing_ok=True)
        self._environment = {**os.environ, SECRET: os.urandom(32).hex()}
        try:
            self.listening: socket.socket | None = bound(settings.host, settings.port)
        except OSError:
            self._lock.close()
            raise
        self.port: int = self.listening.getsockname()[1]
        self._pipe, self._held = os.pipe()
        self._children: list[Child] = []
        self._rolling: list[Child] = []
        self._fresh_deaths = 0
        self._deaths: dict[str, _Deaths] = {WORKER: _Deaths(), MANAGER: _Deaths()}
        self._stopping = False
        self._asked: list[int] = []
        self._wake_out, self._wake_in = os.pipe()

    def run(self) -> None:
        """Serve until told to end."""
        self._listen_to_signals()
        try:
            self._fill()
            while not (self._stopping and not self._children):
                self._wait()
                self._tick()
        finally:
            for child in self._children:
                child.process.kill()
            self._stop_listening()
            (self.settings.folder / STATE).unlink(missing_ok=True)
            self._lock.close()

    def stop(self) -> None:
        """Begin to end: workers first, so that the manager is there for what they still relay."""
        if self._stopping:
            return
        self._stopping, self._rolling = True, []
        self._stop_listening()
        for child in self._children:
            if child.kind == WORKER:
                self._end(child)

    def roll(self) -> None:
        """Begin to replace every worker, each only once another one is ready; asked again, also those started since."""
        if not self._stopping:
            self._fresh_deaths = 0
            self._rolling += [one for one in self._of(WORKER) if not one.ending and one not in self._rolling]

    def _tick(self) -> None:
        self._obey()
        self._reap()
        if self._stopping:
            if not self._of(WORKER):
                for child in self._children:
                    self._end(child)
            return
        self._watch_hearts()
        self._roll_on()
        self._fill()

    def _fill(self) -> None:
        """Start what is missing."""
        now = time.monotonic()
        started = False
        staying = [one for one in self._of(WORKER) if not one.ending and one.replaces is None]
        if now >= self._deaths[WORKER].again_at:
            for _ in range(self.settings.workers - len(staying)):
                started = bool(self._start(WORKER))
        if self.settings.manager and not self._of(MANAGER) and now >= self._deaths[MANAGER].again_at:
            started = bool(self._start(MANAGER))
        if started:
            self._tell()

    def _start(self, kind: str, *, replaces: Child | None = None) -> Child:
        slot = self._free_slot() if kind == WORKER else -1
        assert self.listening is not None
        words = (
            worker_words(self.settings, slot, listening=self.listening, pipe=self._pipe)
            if kind == WORKER
            else manager_words(self.settings)
        )
        handles = [self._pipe, *([self.listening.fileno()] if kind == WORKER else [])]
        child = Child(kind, slot, run(words, handles, self._environment), time.monotonic(), replaces)
        self._children.append(child)
        return child

    def _free_slot(self) -> int:
        used = {child.slot for child in self._children}
        return next(slot for slot in range(len(used) + 1) if slot not in used)

    def _reap(self) -> None:
        """Forget who has ended; who ended unasked is replaced, later and later where it keeps happening."""
        now = time.monotonic()
        for child in list(self._children):
            if child.process.poll() is None:
                if child.kill_at is not None and now > child.kill_at:
                    child.process.kill()
                continue
            self._children.remove(child)
            if not child.ending:
                print(
                    f"{child.kind} {child.process.pid} ended with {child.process.returncode}",
                    file=sys.stderr,
                    flush=True,
                )
                self._mourn(child, now)
            self._tell()

    def _mourn(self, child: Child, now: float) -> None:
        if child.replaces is not None:
            self._fresh_deaths += 1
        deaths = self._deaths[child.kind]
        deaths.count = deaths.count + 1 if now - child.started < _STABLE_S else 0
        deaths.again_at = now + (min(_LONGEST_PAUSE_S, 0.1 * 2 ** (deaths.count - 1)) if deaths.count else 0)

    def _watch_hearts(self) -> None:
        """End workers whose heart stopped: they hang, whatever they say."""
        now = time.monotonic()
        for child in self._of(WORKER):
            beat = self._gauges(child).get("beat_ns", 0) / 1e9
            quiet = now - max(beat, child.started)
            limit = self.settings.hang_s if beat > child.started else START_S
            if quiet > limit and not child.ending:
                print(
                    f"worker {child.process.pid} has hung for {quiet:.0f} s and is replaced",
                    file=sys.stderr,
                    flush=True,
                )
                child.process.kill()

    def _roll_on(self) -> None:
        """Go on replacing workers: start one, wait until it is ready, end the one it replaces."""
        if not self._rolling:
            return
        old = self._rolling[0]
        if old not in self._children:
            self._rolling.pop(0)
            return
        fresh = next((child for child in self._children if child.replaces is old), None)
        if fresh is None:
            if self._fresh_deaths >= _MOST_FRESH_DEATHS:
                _say(f"new workers ended {_MOST_FRESH_DEATHS} times before they were ready; the old ones go on")
                self._rolling = []
            elif not old.ending and time.monotonic() >= self._deaths[WORKER].again_at:
                self._start(WORKER, replaces=old)
                self._tell()
        elif self._gauges(fresh).get("ready"):
            self._end(old)
            fresh.replaces = None
        elif time.monotonic() - fresh.started > START_S:
            _say("a new worker did not become ready; the old ones go on")
            self._end(fresh)
            self._rolling = []

    def _end(self, child: Child) -> None:
        if not child.ending:
            child.ending = True
            child.kill_at = time.monotonic() + self.settings.grace_s + 35.0
            child.process.terminate()

    def _gauges(self, child: Child) -> dict[str, int]:
        """What a worker says of itself; nothing where its counters are not yet its own."""
        from finalmile.serving.counters import Counted

        counted = Counted.read(self.settings.folder / f"slot-{child.slot}.counters")
        if counted is None or counted.gauges["pid"] != child.process.pid:
            return {}
        return dict(counted.gauges)

    def _of(self, kind: str) -> list[Child]:
        return [child for child in self._children if child.kind == kind]

    def _tell(self) -> None:
        """Write down who runs, for whoever looks after the endpoint."""
        told = {
            "host": self.settings.host,
            "port": self.port,
            "pid": os.getpid(),
            "workers": [child.process.pid for child in self._of(WORKER)],
            "manager": next((child.process.pid for child in self._of(MANAGER)), None),
        }
        fresh = self.settings.folder / f".{STATE}"
        fresh.write_text(json.dumps(told), encoding="utf-8")
        fresh.replace(self.settings.folder / STATE)

    def _stop_listening(self) -> None:
        if self.listening is not None:
            self.listening.close()
            self.listening = None

    def _listen_to_signals(self) -> None:
        os.set_blocking(self._wake_in, False)
        os.set_blocking(self._wake_out, False)
        signal.set_wakeup_fd(self._wake_in, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, self._told_by_signal)

    def _told_by_signal(self, number: int, _frame: FrameType | None) -> None:
        """Only remember it: done at once it would change what a tick is in the middle of, such as starting a worker."""
        if number != signal.SIGCHLD:
            self._asked.append(number)

    def _obey(self) -> None:
        """Do what signals have asked for."""
        while self._asked:
            if self._asked.pop(0) == signal.SIGHUP:
                self.roll()
            else:
                self.stop()

    def _wait(self) -> None:
        if select.select([self._wake_out], [], [], TICK_S)[0]:
            os.read(self._wake_out, 4096)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(words: Sequence[str] | None = None) -> int:
    """Serve until told to end."""
    settings = settings_from(sys.argv[1:] if words is None else words)
    try:
        supervisor = Supervisor(settings)
    except (NoKeyError, ServedAlreadyError, OSError) as error:
        print(f"finalmile serve: {error}", file=sys.stderr, flush=True)
        return 2
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    _say(f"The endpoint is at http://{host}:{supervisor.port}/ until Ctrl-C.")
    if settings.closed:
        names = ", ".join(("localhost", "127.0.0.1", host, *settings.names))
        _say(f"It answers to {names}, and refuses requests for any other name; add one with --name HOST.")
    supervisor.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
