"""What was predicted, who may ask, and who did what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime

from finalmile.adapters.local.tail_file import open_tails
from finalmile.errors import TransientError
from finalmile.web.api.plain import plain
from finalmile.web.api.policy import Admin, AtDesk, ModelName, Reader
from finalmile.web.api.shapes import ERRORS, Answer
from finalmile.workflows.endpoint import SERVING
from finalmile.workflows.latest import Wanted, latest

router = APIRouter(prefix="/v1", responses=ERRORS, tags=["records"])
_TURN_S = 5.0
Prefix = Annotated[str, Path(pattern="^fm_[0-9a-f]{1,32}$", description="First part of a key.")]


@router.get("/models/{name}/predictions", summary="Predictions as they were answered")
def list_predictions(
    name: ModelName,
    desk: AtDesk,
    caller: Reader,
    unique_id: Annotated[str | None, Query(max_length=500)] = None,
    request_id: Annotated[str | None, Query(max_length=200)] = None,
    since: Annotated[AwareDatetime | None, Query(description="As 2026-03-01T00:00:00Z.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Answer:
    """Newest first, from the log, a row per period: each with version, role, features, latency.

    ``complete`` is false where reading ended before as many were found and older ones were not looked at.
    """
    wanted = Wanted(
        model=desk.model(caller, name), unique_id=unique_id, request_id=request_id, since=since, limit=limit
    )
    if not desk.log.acquire(timeout=_TURN_S):
        raise TransientError("another request reads the log; come again when it is done")
    try:
        with open_tails(desk.project.folder / SERVING) as tails:
            found = latest(tails, desk.project.lake, wanted)
    finally:
        desk.log.release()
    return {"predictions": plain(found.frame.to_dicts()), "complete": found.complete}


@router.get("/keys", summary="API keys, without their secrets")
def list_keys(desk: AtDesk, caller: Admin) -> Answer:
    """Who holds each, what it may do, until when, when it was last used."""
    del caller
    return plain(desk.project.keys().to_dict())  # type: ignore[no-any-return]  # a JSON object


@router.post("/keys/{prefix}/revoke", summary="End an API key")
def revoke_key(prefix: Prefix, desk: AtDesk, caller: Admin) -> Answer:
    """It opens nothing from now on. Keys are made on the command line only: finalmile keys create."""
    return plain(desk.project.acting(caller.actor).revoke_key(prefix).to_dict())  # type: ignore[no-any-return]  # a JSON object


@router.get("/audit", summary="Who did what, newest last")
def list_audit(desk: AtDesk, caller: Admin, last: Annotated[int, Query(ge=1, le=10_000)] = 100) -> Answer:
    """Rows of the hash chain."""
    del caller
    return {"audit": plain(desk.project.ledger.audit_rows(last=last))}
