"""What the API takes and gives, as its OpenAPI document describes it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Why = Annotated[str, Field(min_length=1, max_length=500, description="Reason, for the audit trail.")]
VersionNumber = Annotated[int, Field(ge=1, le=2**31 - 1)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, description="Part of the traffic.")]


class Asked(BaseModel):
    """What all bodies share: unknown names are faults."""

    model_config = ConfigDict(extra="forbid")


class Promotion(Asked):
    """Which version is to be live."""

    number: VersionNumber | None = Field(None, description="Version; the newest by default.")
    why: Why = "through the API"
    force: bool = Field(False, description="Even without a certificate that passed.")


class Rollback(Asked):
    """Which version to return to."""

    to: VersionNumber | None = Field(None, description="Version; the one that was live before by default.")
    why: Why = "through the API"
    dry_run: bool = Field(False, description="Say what would happen, and change nothing.")


class Canary(Asked):
    """A version that answers a part."""

    number: VersionNumber
    share: Share


class Arm(Canary):
    """One version of a test."""


class RouteChange(Asked):
    """What is to be different; what is left out stays as it is."""

    canary: Canary | None = Field(None, description="A share of 0 ends it.")
    arms: list[Arm] | None = Field(None, max_length=20, description="In place of all arms there are.")
    shadow: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = Field(None, description="Version; 0 for none.")
    durable: bool | None = Field(None, description="Answer only after the prediction is on disk.")
    deadline_ms: Annotated[int, Field(ge=10, le=60_000)] | None = None
    why: Why = "through the API"
    force: bool = Field(False, description="More than half without a comparison that ended in win or equal.")


class Reason(Asked):
    """Why."""

    why: Why = "through the API"


class Fault(BaseModel):
    """One thing that is wrong, and where."""

    where: str
    message: str


class ErrorBody(BaseModel):
    """A code for programs, a sentence for people."""

    code: str
    message: str
    where: str | None = None
    faults: list[Fault] | None = None


class Error(BaseModel):
    """How every error is told."""

    error: ErrorBody


Answer = dict[str, Any]
_TEXTS = {
    400: "What was sent cannot be read.",
    401: "No key, or one that is not in force.",
    403: "The key's role or models do not allow this, or a page of another site asks.",
    404: "There is no such thing, or the key does not reach it.",
    409: "Somebody was faster, or the version is not certified.",
    413: "Too much was sent.",
    415: "The media type is not one that can be read.",
    421: "The Host header does not name this endpoint.",
    422: "Something in the request cannot be used; every fault is told.",
    503: "Too busy; try again after the seconds that Retry-After says.",
}
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": Error, "description": text} for status, text in _TEXTS.items()
}
