"""Batch predictions: upload records or ask for the whole forecast, watch it, fetch the result as Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path as FilePath
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Path, Request
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException

from finalmile.errors import ConflictError, MissingInputError, UnknownNameError
from finalmile.serving.signature import Feature
from finalmile.web.api.desk import Caller, Desk, visible
from finalmile.web.api.policy import AtDesk, ModelName, Orderer, Reader
from finalmile.web.api.received import received
from finalmile.web.api.shapes import ERRORS, Answer
from finalmile.web.batch_space import INPUT, RESULT
from finalmile.web.batches import Job, Progress
from finalmile.workflows.batch import features_of

router = APIRouter(responses=ERRORS, tags=["batches"])
BatchId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="Id of a batch.")]
FORMS = {
    "application/jsonl": "jsonl",
    "application/x-ndjson": "jsonl",
    "application/jsonlines": "jsonl",
    "text/csv": "csv",
    "application/vnd.apache.parquet": "parquet",
    "application/json": "forecast",
}
FORM = "application/x-www-form-urlencoded"
_BODY = {
    "requestBody": {
        "description": "JSON lines with a record each, as :predict takes them; CSV or Parquet with a row each; or, as "
        "application/json, nothing but {} for the forecast of every series.",
        "required": True,
        "content": {
            "application/x-ndjson": {"schema": {"type": "string"}},
            "text/csv": {"schema": {"type": "string"}},
            "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
            "application/json": {"schema": {"type": "object", "maxProperties": 0}},
        },
    }
}


@router.post("/v1/models/{name}/batches", status_code=202, summary="Ask for many predictions", openapi_extra=_BODY)
async def submit_batch(name: ModelName, request: Request, desk: AtDesk, caller: Orderer) -> Answer:
    """Answers at once; the version that is live now does it, in a process of its own, after those asked for before."""
    await to_thread.run_sync(desk.model, caller, name)
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in FORMS:
        hint = "; curl says so by itself: add -H 'content-type: application/jsonl', and send with --data-binary"
        raise HTTPException(
            415,
            f"content-type is {media[:60]!r}, which cannot be read here; send one of {', '.join(FORMS)}"
            f"{hint if media == FORM else ''}",
        )
    deployed = await to_thread.run_sync(desk.project.ledger.deployment, name)
    if deployed is None:
        raise MissingInputError(f"no version of {name!r} is live. Run: finalmile promote {name}")
    features = await to_thread.run_sync(_features, desk, name, deployed.live) if FORMS[media] == "csv" else None
    batch_id, place = await to_thread.run_sync(desk.batches.prepare)
    try:
        await received(request, place / INPUT, form=FORMS[media], room=desk.batches.check_room, features=features)
        job = Job(
            batch_id=batch_id, model=name, number=deployed.live, form=FORMS[media], actor=caller.actor,
            created_at=desk.project.clock.now().isoformat(),
        )  # fmt: skip
        return _told(job, await to_thread.run_sync(desk.batches.submit, job))
    except BaseException:
        desk.batches.discard(batch_id)
        raise


@router.get("/v1/batches", summary="Batches, newest first")
def list_batches(desk: AtDesk, caller: Reader) -> Answer:
    """Of models that the key reaches."""
    found = visible(caller, desk.batches.jobs(), lambda one: one[0].model)
    return {"batches": [_told(job, progress) for job, progress in found]}


@router.get("/v1/batches/{batch_id}", summary="How far a batch is")
def show_batch(batch_id: BatchId, desk: AtDesk, caller: Reader) -> Answer:
    """Its state, and records done and in all."""
    return _told(*_found(desk, caller, batch_id))


@router.get(
    "/v1/batches/{batch_id}/result",
    summary="What a batch answered, as Parquet",
    response_class=FileResponse,
    responses={200: {"content": {"application/vnd.apache.parquet": {}}, "description": "A Parquet file."}},
)
def fetch_result(batch_id: BatchId, desk: AtDesk, caller: Reader) -> FileResponse:
    """A row per record and period; what could not be answered says why in its column error."""
    job, progress = _found(desk, caller, batch_id)
    if progress.state != "done":
        raise ConflictError(f"batch {job.batch_id} is {progress.state}; its result is there once it is done")
    return FileResponse(
        desk.batches.folder(batch_id) / RESULT,
        media_type="application/vnd.apache.parquet",
        filename=f"{job.model}-{job.number}-{job.batch_id[:8]}.parquet",
    )


@router.post("/v1/batches/{batch_id}/cancel", summary="End a batch")
def cancel_batch(batch_id: BatchId, desk: AtDesk, caller: Orderer) -> Answer:
    """What was answered so far is not kept."""
    job, _ = _found(desk, caller, batch_id)
    return _told(job, desk.batches.cancel(batch_id))


def _features(desk: Desk, name: str, number: int) -> Sequence[Feature] | None:
    """What a version takes, and nothing where its answers are looked up; ``None`` where it is not known yet."""
    served = next((one for one in desk.board().versions if (one.model, one.number) == (name, number)), None)
    if served is None:
        return None
    return features_of(FilePath(served.folder))


def _found(desk: Desk, caller: Caller, batch_id: str) -> tuple[Job, Progress]:
    job, progress = desk.batches.job(batch_id)
    if not caller.reaches(job.model):
        raise UnknownNameError("batch", batch_id, [])
    return job, progress


def _told(job: Job, progress: Progress) -> Answer:
    return {**asdict(job), **{name: value for name, value in asdict(progress).items() if name != "tries"}}
