"""Findings: what every check of monitoring found."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from finalmile.web.api.plain import plain
from finalmile.web.api.policy import AtDesk, ModelName, Reader
from finalmile.web.api.shapes import ERRORS, Answer

router = APIRouter(prefix="/v1", responses=ERRORS, tags=["monitoring"])


@router.get("/models/{name}/findings", summary="What the checks found in the newest looks")
def list_findings(
    name: ModelName, desk: AtDesk, caller: Reader, looks: Annotated[int, Query(ge=1, le=400)] = 1
) -> Answer:
    """Oldest look first; each finding with its value, its benchmark, its evidence and a sentence."""
    model = desk.model(caller, name)
    return {"model": model, "findings": plain(desk.project.ledger.findings(model, last_runs=looks))}


@router.get("/checks", summary="Every check, and what is promised of it")
def list_checks(desk: AtDesk, caller: Reader) -> Answer:
    """What each watches, the assumptions of its promise, and what it cannot see."""
    del caller
    return plain(desk.project.checks().to_dict())  # type: ignore[no-any-return]  # a JSON object
