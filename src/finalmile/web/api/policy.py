"""Who may call which route: every route states what it asks for, and one that does not is refused at start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Path, Request
from fastapi.routing import APIRoute

from finalmile.errors import FinalMileError, PermanentError
from finalmile.serving.access import ADMIN, DEPLOY, ORDER, READ, allowed
from finalmile.web.api.desk import Caller, Desk

ModelName = Annotated[str, Path(pattern="^[A-Za-z][A-Za-z0-9_-]{0,63}$", description="Name of a model.")]
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="Number of a version.")]


class ForbiddenError(FinalMileError):
    """The caller's role does not allow this."""


def _article(word: str) -> str:
    return "an" if word[:1] in "aeiou" else "a"


@dataclass(frozen=True)
class Requires:
    """Dependency that lets a caller through whose role allows ``permission`` and whose key reaches the model."""

    permission: str

    def __call__(self, request: Request) -> Caller:
        """Who asks."""
        caller = caller_of(request)
        if not allowed(caller.role, self.permission):
            raise ForbiddenError(
                f"{_article(caller.role)} {caller.role} may not do this; it takes a role that may {self.permission!r}. "
                "Ask for another key: finalmile keys create NAME --role ROLE"
            )
        if self.permission == ADMIN and caller.key is not None and caller.key.models:
            raise ForbiddenError("a key that reaches only some models may not manage keys or read the audit trail")
        name = request.path_params.get("name")
        if name is not None and not caller.reaches(str(name)):
            raise ForbiddenError(f"this key does not reach the model {name!r}")
        return caller


def caller_of(request: Request) -> Caller:
    """Who asks, as the gate found out."""
    caller: Any = request.scope.get("finalmile.caller")
    if not isinstance(caller, Caller):
        raise ForbiddenError("nobody said who asks")
    return caller


def desk_of(request: Request) -> Desk:
    """What the app works on."""
    desk: Desk = request.app.state.desk
    return desk


AtDesk = Annotated[Desk, Depends(desk_of)]
Reader = Annotated[Caller, Depends(Requires(READ))]
Orderer = Annotated[Caller, Depends(Requires(ORDER))]
Deployer = Annotated[Caller, Depends(Requires(DEPLOY))]
Admin = Annotated[Caller, Depends(Requires(ADMIN))]


def policies(app: FastAPI) -> Iterator[tuple[str, str, str | None]]:
    """Method, path and permission of every route; ``None`` where a route asks for nothing."""
    for route in app.routes:
        if not isinstance(route, APIRoute):
            yield "ANY", getattr(route, "path", repr(route)), None
            continue
        asked = [one.call.permission for one in route.dependant.dependencies if isinstance(one.call, Requires)]
        for method in sorted(route.methods or ()):
            yield method, route.path, asked[0] if asked else None


def check_policies(app: FastAPI) -> None:
    """Refuse an app of which any route is open to whoever comes.

    Raises
    ------
    PermanentError
        Naming every such route.
    """
    bare = [f"{method} {path}" for method, path, asked in policies(app) if asked is None]
    if bare:
        raise PermanentError(f"these routes do not say who may call them: {', '.join(bare)}; give each a Requires")
