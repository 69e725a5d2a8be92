"""Models, versions, certificates, what is live, and how requests are routed."""

from __future__ import annotations

from fastapi import APIRouter

from finalmile.errors import ConfigError
from finalmile.web.api.desk import Desk
from finalmile.web.api.plain import plain
from finalmile.web.api.policy import AtDesk, Deployer, ModelName, Number, Reader
from finalmile.web.api.shapes import ERRORS, Answer, Promotion, Rollback, RouteChange

router = APIRouter(prefix="/v1/models", responses=ERRORS, tags=["models"])


@router.get("", summary="Models, what is live and what stands by")
def list_models(desk: AtDesk, caller: Reader) -> Answer:
    """Every model that the key reaches."""
    return {"models": [_model(desk, name) for name in desk.models(caller)]}


@router.get("/{name}", summary="One model")
def show_model(name: ModelName, desk: AtDesk, caller: Reader) -> Answer:
    """What is live, its route, its versions."""
    return _model(desk, desk.model(caller, name))


@router.get("/{name}/versions", summary="Versions of a model")
def list_versions(name: ModelName, desk: AtDesk, caller: Reader) -> Answer:
    """Oldest first."""
    return {"versions": plain(desk.project.ledger.versions(desk.model(caller, name)))}


@router.get("/{name}/versions/{number}", summary="One version")
def show_version(name: ModelName, number: Number, desk: AtDesk, caller: Reader) -> Answer:
    """What it is, and its newest certificate."""
    ledger = desk.project.ledger
    version = ledger.version(desk.model(caller, name), number)
    return {**plain(version), "certificate": plain(ledger.certificate(name, number))}


@router.get("/{name}/certificates", summary="Newest certificate of every version, and those of its speed")
def list_certificates(name: ModelName, desk: AtDesk, caller: Reader) -> Answer:
    """What each version achieved on data it had not seen; below ``endpoint``, how fast it answered under load."""
    ledger = desk.project.ledger
    versions = ledger.versions(desk.model(caller, name))
    found = (ledger.certificate(name, version.number) for version in versions)
    speeds = ledger.endpoint_certificates(name)
    return {"certificates": [plain(one) for one in found if one is not None], "endpoint": plain(speeds)}


@router.get("/{name}/deployment", summary="Which version is live")
def show_deployment(name: ModelName, desk: AtDesk, caller: Reader) -> Answer:
    """The live version, the one before, and the token that guards the change; null before the first promotion."""
    return {"deployment": plain(desk.project.ledger.deployment(desk.model(caller, name)))}


@router.post("/{name}/promote", summary="Make a certified version the live one")
def promote(name: ModelName, asked: Promotion, desk: AtDesk, caller: Deployer) -> Answer:
    """The one before stays ready to return."""
    project = desk.project.acting(caller.actor)
    return plain(project.promote(desk.model(caller, name), asked.number, why=asked.why, force=asked.force).to_dict())  # type: ignore[no-any-return]  # a JSON object


@router.post("/{name}/rollback", summary="Return to the version that was live before")
def rollback(name: ModelName, asked: Rollback, desk: AtDesk, caller: Deployer) -> Answer:
    """Workers answer with it within a second, and drop no request over it."""
    project = desk.project.acting(caller.actor)
    told = project.rollback(desk.model(caller, name), to=asked.to, why=asked.why, dry_run=asked.dry_run)
    return plain(told.to_dict())  # type: ignore[no-any-return]  # a JSON object


@router.get("/{name}/route", summary="Which versions answer, and for how much of the traffic")
def show_route(name: ModelName, desk: AtDesk, caller: Reader) -> Answer:
    """Live, canary, arms, the last good one, the shadow, and whether answers wait for the log."""
    (row,) = desk.project.routes(desk.model(caller, name)).rows
    return plain(row.to_dict())  # type: ignore[no-any-return]  # a JSON object


@router.post("/{name}/route", summary="Change canary, arms, shadow, durability or deadline")
def change_route(name: ModelName, asked: RouteChange, desk: AtDesk, caller: Deployer) -> Answer:
    """What is left out stays as it is."""
    arms = None if asked.arms is None else {arm.number: arm.share for arm in asked.arms}
    if arms is not None and asked.arms is not None and len(arms) != len(asked.arms):
        raise ConfigError("arms", ["a version is named twice"])
    told = desk.project.acting(caller.actor).set_route(
        desk.model(caller, name),
        canary=None if asked.canary is None else (asked.canary.number, asked.canary.share),
        arms=arms,
        shadow=asked.shadow,
        durable=asked.durable,
        deadline_ms=asked.deadline_ms,
        why=asked.why,
        force=asked.force,
    )
    return plain(told.to_dict())  # type: ignore[no-any-return]  # a JSON object


def _model(desk: Desk, name: str) -> Answer:
    (row,) = desk.project.routes(name).rows
    versions = desk.project.ledger.versions(name)
    numbers = [{"number": one.number, "kind": one.kind, "state": one.state} for one in versions]
    return {"name": name, "live": row.live, "stable": row.stable, "route": plain(row.rule), "versions": numbers}
