"""The process that does one batch: ``python -m finalmile.web.batch_child PROJECT BATCH``."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import cast

from finalmile.project import Project
from finalmile.web.batches import FOLDER, INPUT, RESULT, Batches, Job, die_with_parent, read_progress, write_durably
from finalmile.web.batches import PROGRESS as PROGRESS_FILE
from finalmile.web.redaction import redacted
from finalmile.workflows.batch import Form, Source, answer_all, open_version
from finalmile.workflows.endpoint import SERVING
from finalmile.workflows.forecast import predict
from finalmile.workflows.shop import known_cutoff

_TOLD_EVERY_S = 0.2


def main(words: list[str]) -> int:
    """Do the batch; how it went is in its folder."""
    project, batch_id = Project.open(words[0], create=False), words[1]
    os.nice(10)
    serving = project.folder / SERVING
    job, _ = Batches(project.folder, serving).job(batch_id)
    place = serving / FOLDER / batch_id
    try:
        rows = _forecast(project, job, place) if job.form == "forecast" else _records(project, job, place)
    except Exception as error:  # whatever goes wrong is told to whoever asked
        message = redacted(f"{type(error).__name__}: {error}")[:2000]
        write_durably(place / PROGRESS_FILE, asdict(replace(read_progress(place), state="failed", message=message)))
        return 1
    write_durably(
        place / PROGRESS_FILE, asdict(replace(read_progress(place), state="done", done=rows, total=rows, message=""))
    )
    return 0


def _forecast(project: Project, job: Job, place: Path) -> int:
    shop = project.shop
    version = shop.ledger.version(job.model, job.number)
    told = predict(shop, version, known_cutoff(shop, None)).to_frame()
    pending = place / "result.pending"
    told.write_parquet(pending, compression="zstd")
    pending.replace(place / RESULT)
    return told.height


def _records(project: Project, job: Job, place: Path) -> int:
    version = project.ledger.version(job.model, job.number)
    ready = open_version(version, project.artefacts, project.folder / SERVING)
    last, count = 0.0, 0

    def tell(done: int, total: int) -> None:
        nonlocal last, count
        count = done
        if time.monotonic() - last >= _TOLD_EVERY_S:
            last = time.monotonic()
            write_durably(place / PROGRESS_FILE, asdict(replace(read_progress(place), done=done, total=total)))

    answer_all(ready, Source(path=place / INPUT, form=cast("Form", job.form)), place, tell)
    ready.close()
    return count


if __name__ == "__main__":
    die_with_parent(os.getppid())
    sys.exit(main(sys.argv[1:]))
