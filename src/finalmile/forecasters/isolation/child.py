"""The model's side: load one registered model, then answer what is asked until the socket closes."""

from __future__ import annotations

import json
import os
import select
import shutil
import socket
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from finalmile.errors import FinalMileError
from finalmile.forecasters.isolation import wire
from finalmile.forecasters.isolation.guard import Fuse, bound, forbid
from finalmile.forecasters.isolation.wire import HEAD, MOST_BYTES, Frame


def main() -> None:
    """Load and answer; the first argument says what, and within which bounds."""
    told: dict[str, Any] = json.loads(sys.argv[1])
    talk = socket.socket(fileno=told["fd"])
    threading.Thread(target=_end_with_asker, args=(talk.fileno(), told["scratch"]), daemon=True).start()
    fuse = Fuse()
    fuse.light(told["load_seconds"] + 5)
    bound(memory_mb=told["memory_mb"], file_mb=told["file_mb"])
    sys.dont_write_bytecode = True
    began = time.monotonic()
    try:
        from finalmile.forecasters.loaders.opening import opened

        forbid(told["scratch"], reaches_out=told["reaches_out"])
        model = opened(Path(told["folder"]))
    except BaseException as fault:
        talk.sendall(_fault(fault).packed())
        return
    about = {"load_seconds": time.monotonic() - began, "memory_mb": memory_mb(), "pid": os.getpid()}
    talk.sendall(Frame(wire.READY, body=json.dumps(about).encode()).packed())
    _answer_all(talk, model, fuse, seconds=told["answer_seconds"])


def _end_with_asker(fd: int, scratch: str) -> None:
    """End when whoever asks is gone, in the middle of an answer too; the fuse is for code that never lets us run."""
    gone = select.poll()
    gone.register(fd, 0)  # nothing but its end
    while not gone.poll():
        pass
    shutil.rmtree(scratch, ignore_errors=True)
    os._exit(1)


def memory_mb() -> float:
    """Megabytes this process holds; the most it ever held where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def _answer_all(talk: socket.socket, model: Any, fuse: Fuse, *, seconds: float) -> None:
    fuse.out()
    while (asked := _asked(talk)) is not None:
        fuse.light(seconds)
        try:
            told = _answered(model, asked)
        except BaseException as fault:
            told = _fault(fault)
        talk.sendall(told.packed())
        fuse.out()


def _asked(talk: socket.socket) -> Frame | None:
    head = _exactly(talk, HEAD.size)
    if head is None:
        return None
    length, kind, a, b = HEAD.unpack(head)
    body = _exactly(talk, length) if length else b""
    return None if body is None else Frame(kind, a, b, body)


def _exactly(talk: socket.socket, size: int) -> bytes | None:
    got = talk.recv(size)
    if len(got) == size:
        return got
    parts = [got]
    while got and (size := size - len(got)) > 0:
        got = talk.recv(min(size, 1 << 20))
        parts.append(got)
    return b"".join(parts) if got else None


def _answered(model: Any, asked: Frame) -> Frame:
    if asked.kind == wire.ROWS:
        rows = np.frombuffer(asked.body, dtype=np.float64).reshape(asked.a, asked.b)
        answers = np.ascontiguousarray(model.rows(rows), dtype=np.float64)
        m, k = answers.shape if answers.ndim == 2 else (answers.size, 0)
        return _whole(Frame(wire.ANSWER, m, k, answers.tobytes()))
    import io

    import polars as pl

    sales = pl.read_ipc(io.BytesIO(asked.body))
    frequency = {1: "hour", 2: "day", 3: "week", 4: "month"}[asked.b]
    verb = model.sales if asked.kind == wire.SALES else model.features
    table: pl.DataFrame = verb(sales, horizon=asked.a, frequency=frequency)
    if not isinstance(table, pl.DataFrame):  # pyright: ignore[reportUnnecessaryIsInstance]  # a user's function
        raise TypeError(f"it answered with {type(table).__name__}; a polars frame with unique_id, ds, mean is asked")
    written = io.BytesIO()
    table.write_ipc(written)
    return _whole(Frame(wire.TABLE, len(table), 0, written.getvalue()))


def _whole(frame: Frame) -> Frame:
    if len(frame.body) > MOST_BYTES:
        raise ValueError(f"it answered with {len(frame.body):,} bytes; at most {MOST_BYTES:,} are taken")
    return frame


def _fault(fault: BaseException) -> Frame:
    """An error in words: ours as they are, the model's with the line that raised them."""
    if isinstance(fault, FinalMileError):
        text = str(fault)
    else:
        last = traceback.extract_tb(fault.__traceback__)[-1:]
        where = "".join(f" ({Path(one.filename).name}:{one.lineno})" for one in last)
        text = f"{type(fault).__name__}: {fault}{where}"
    return Frame(wire.FAULT, int(isinstance(fault, MemoryError)), 0, text[:2000].encode())


if __name__ == "__main__":
    main()
