"""The process that does one batch: ``python -m finalmile.web.batch_child PROJECT BATCH PARENT``.

It ends with its parent; where one of an ended parent is still at it, the next waits for its end.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from finalmile.web.batch_space import INPUT, RESULT, check_disk
from finalmile.web.batches import (
    FOLDER,
    SERVING,
    Batches,
    Job,
    die_with_parent,
    read_progress,
    write_durably,
)
from finalmile.web.batches import PROGRESS as PROGRESS_FILE
from finalmile.web.redaction import redacted

if TYPE_CHECKING:
    from finalmile.project import Project
    from finalmile.workflows.batch import Form

_TOLD_EVERY_S = 0.2


def main(words: list[str]) -> int:
    """Do the batch; how it went is in its folder."""
    from finalmile.project import Project

    project, batch_id = Project.open(words[0], create=False), words[1]
    os.nice(10)
    bound_memory(machine_memory() // 2)
    serving = project.folder / SERVING
    place = serving / FOLDER / batch_id
    with (place / ".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # given back by the kernel, however the process ends
        job, progress = Batches(project.folder, serving).job(batch_id)
        return _do(project, job, place) if progress.state in ("queued", "running") else 0


def machine_memory() -> int:
    """Bytes of memory that this machine, or the container it is, has."""
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):  # "max" where the container has no bound
        size = min(size, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    return size


def bound_memory(most: int, /) -> None:
    """Let this process have so many bytes of data; where memory runs out all the same, it is ended before others."""
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")


def _do(project: Project, job: Job, place: Path) -> int:
    try:
        rows = _forecast(project, job, place) if job.form == "forecast" else _records(project, job, place)
    except Exception as error:  # whatever goes wrong is told to whoever asked
        message = redacted(f"{type(error).__name__}: {error}")[:2000]
        if isinstance(error, MemoryError):
            message = "it needs more than half of the memory of this machine; send fewer columns, or less at once"
        write_durably(place / PROGRESS_FILE, asdict(replace(read_progress(place), state="failed", message=message)))
        return 1
    write_durably(
        place / PROGRESS_FILE, asdict(replace(read_progress(place), state="done", done=rows, total=rows, message=""))
    )
    return 0


def _forecast(project: Project, job: Job, place: Path) -> int:
    from finalmile.workflows.forecast import predict
    from finalmile.workflows.shop import known_cutoff

    shop = project.shop
    version = shop.ledger.version(job.model, job.number)
    told = predict(shop, version, known_cutoff(shop, None)).to_frame()
    check_disk(place)
    pending = place / "result.pending"
    told.write_parquet(pending, compression="zstd")
    pending.replace(place / RESULT)
    return told.height


def _records(project: Project, job: Job, place: Path) -> int:
    from finalmile.serving.cells import texts_of
    from finalmile.workflows.batch import Source, answer_all, open_version

    version = project.ledger.version(job.model, job.number)
    ready = open_version(version, project.artefacts, project.folder / SERVING)
    last, count = 0.0, 0

    def tell(done: int, total: int) -> None:
        nonlocal last, count
        count = done
        check_disk(place)
        if time.monotonic() - last >= _TOLD_EVERY_S:
            last = time.monotonic()
            write_durably(place / PROGRESS_FILE, asdict(replace(read_progress(place), done=done, total=total)))

    texts = texts_of(() if ready.reader is None else ready.reader.signature.features)
    answer_all(ready, Source(path=place / INPUT, form=cast("Form", job.form), texts=texts), place, tell)
    ready.close()
    return count


if __name__ == "__main__":
    die_with_parent(int(sys.argv[3]))
    sys.exit(main(sys.argv[1:]))
