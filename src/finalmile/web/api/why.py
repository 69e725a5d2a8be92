"""Why an incident is open: what changed, where, since when."""

from __future__ import annotations

from fastapi import APIRouter

from finalmile.errors import UnknownNameError
from finalmile.web.api.incidents import IncidentId
from finalmile.web.api.plain import plain
from finalmile.web.api.policy import AtDesk, ModelName, Reader
from finalmile.web.api.shapes import ERRORS, Answer

router = APIRouter(prefix="/v1/models", responses=ERRORS, tags=["incidents"])


@router.get("/{name}/incidents/{incident_id}/why", summary="Why an incident is open")
def explain_incident(name: ModelName, incident_id: IncidentId, desk: AtDesk, caller: Reader) -> Answer:
    """One sentence, the account of the change, the slices it comes from, and what else changed in there."""
    model = desk.model(caller, name)
    mine = {one.incident_id for one in desk.project.ledger.incidents(model=model)}
    if incident_id not in mine:
        raise UnknownNameError("incident", incident_id, mine)
    return plain(desk.project.why(incident_id).to_dict())  # type: ignore[no-any-return]  # a JSON object
