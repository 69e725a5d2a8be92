"""Which version of a model is better on what came true."""

from __future__ import annotations

from fastapi import APIRouter

from finalmile.web.api.desk import Desk
from finalmile.web.api.plain import plain
from finalmile.web.api.policy import AtDesk, ModelName, Reader
from finalmile.web.api.shapes import ERRORS, Answer

router = APIRouter(prefix="/v1/models", responses=ERRORS, tags=["models"])


@router.get("/{name}/comparison", summary="Versions held against each other: win, lose, equal, undecided or hold")
def show_comparison(name: ModelName, desk: AtDesk, caller: Reader) -> Answer:
    """What every comparison said at its last look; `finalmile compare` and the daily look take in new ones."""
    return _told(desk, desk.model(caller, name))


def _told(desk: Desk, name: str) -> Answer:
    return plain(desk.project.comparisons(name).to_dict())  # type: ignore[no-any-return]  # a JSON object
