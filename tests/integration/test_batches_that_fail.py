"""Batches that go wrong: one that cannot be started, a folder that cannot be read, a model that misbehaves."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

import polars as pl

from finalmile.forecasters.loaders.kept import Kept
from finalmile.serving.board import Served
from finalmile.serving.ready import Ready
from finalmile.serving.rows import RowReader
from finalmile.serving.signature import Signature
from finalmile.web.batches import PROGRESS, Batches, Job, Progress, write_durably
from finalmile.workflows.batch import Apart, Source, answer_all

SIGNATURE = {"features": [{"name": "a"}], "outputs": ["mean"]}


def _submitted(batches: Batches, at: str) -> str:
    batch_id, _ = batches.prepare()
    batches.submit(Job(batch_id=batch_id, model="demand", number=1, form="jsonl", actor="t", created_at=at))
    return batch_id


def _until_over(batches: Batches, batch_id: str) -> Progress:
    end = time.monotonic() + 20
    while batches.job(batch_id)[1].state in ("queued", "running"):
        assert time.monotonic() < end, "it never ended"
        threading.Event().wait(0.02)
    return batches.job(batch_id)[1]


def test_a_batch_that_cannot_be_started_is_failed_and_the_next_one_is_done(tmp_path: Path) -> None:
    refused: list[str] = []

    def spawn(project: Path, batch_id: str) -> subprocess.Popen[bytes]:
        if not refused:
            refused.append(batch_id)
            raise OSError(11, "no more processes")
        write_durably(project / "batches" / batch_id / PROGRESS, asdict(Progress(state="done")))
        over = subprocess.Popen([sys.executable, "-c", ""])
        over.wait()
        return over

    batches = Batches(tmp_path, tmp_path, spawn=spawn)
    broken, _ = batches.prepare()
    (tmp_path / "batches" / broken / "job.json").write_text("{")
    first, second = _submitted(batches, "1"), _submitted(batches, "2")
    batches.start()
    try:
        assert _until_over(batches, second).state == "done"
        assert (_until_over(batches, first).state, refused) == ("failed", [first])
        assert "no more processes" in batches.job(first)[1].message
    finally:
        batches.stop()


def test_a_model_that_dies_on_one_record_answers_the_others_from_a_process_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    for name in ("files", "code"):
        (folder / name).mkdir(parents=True)
    (folder / "code" / "dies.py").write_text(
        "import os\ndef fn(x):\n    if (x > 9).any(): os._exit(7)\n    return x[:, 0] * 0 + os.getpid()\n"
    )
    kept = Kept(loader="callable", settings={"function": "dies:fn"}, signature=SIGNATURE)
    kept.write(folder)
    (tmp_path / "in").write_text('{"features":[1]}\n{"features":[10]}\n{"features":[2]}\n')
    ready = Ready(
        served=Served(model="demand", number=1, kind="t", digest="", folder=str(folder)),
        reader=RowReader(Signature.from_json(SIGNATURE)),
        model=Apart(folder, kept),
    )
    try:
        told = pl.read_parquet(answer_all(ready, Source(path=tmp_path / "in", form="jsonl"), tmp_path, lambda *_: None))
    finally:
        ready.close()
    assert told["mean"].is_null().to_list() == [False, True, False]
    assert "exit code 7" in told["error"][1]
