"""What other terms would do to a product, and what each service level takes in stock; nothing is ordered."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException

from finalmile.web.api.plain import plain
from finalmile.web.api.policy import AtDesk, Reader
from finalmile.web.api.shapes import ERRORS, Answer

router = APIRouter(prefix="/v1", responses=ERRORS, tags=["orders"])
Service = Annotated[float | None, Query(gt=0, lt=1, description="Share, for example 0.98.")]
Days = Annotated[float | None, Query(ge=0, le=1_000)]
Units = Annotated[float | None, Query(ge=0, le=1_000_000_000)]


@router.get("/what-if", summary="A product now and on other terms, in the same simulated futures")
def what_if(
    desk: AtDesk,
    caller: Reader,
    product: Annotated[str, Query(min_length=1, max_length=500, description="Its unique_id.")],
    cycle_service: Service = None,
    fill_rate: Service = None,
    lead_time_days: Days = None,
    review_period_days: Days = None,
    moq: Units = None,
    pack_size: Units = None,
) -> Answer:
    """Service, stock and orders a year; what is not given stays as it is. Give one service at most."""
    del caller
    if cycle_service is not None and fill_rate is not None:
        raise HTTPException(422, "give cycle_service or fill_rate, not both: they are different promises")
    told = desk.project.what_if(
        product,
        cycle_service=cycle_service,
        fill_rate=fill_rate,
        lead_time_days=lead_time_days,
        review_period_days=review_period_days,
        moq=moq,
        pack_size=pack_size,
    )
    return plain(told.to_dict())  # type: ignore[no-any-return]  # a JSON object


@router.get("/frontier", summary="What each cycle service level takes in stock, over all products")
def frontier(desk: AtDesk, caller: Reader) -> Answer:
    """Fill rate, stock, lost units and orders a year at each level, in ascending order of it."""
    del caller
    return plain(desk.project.frontier().to_dict())  # type: ignore[no-any-return]  # a JSON object
