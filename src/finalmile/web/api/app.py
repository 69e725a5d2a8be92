"""The management API as an ASGI app."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI

from finalmile.web.api import batches, comparison, incidents, models, orders, planning, records, why
from finalmile.web.api.desk import Desk
from finalmile.web.api.errors import add_errors
from finalmile.web.api.fast_paths import COMPONENTS, PATHS
from finalmile.web.api.gate import Gate
from finalmile.web.api.policy import AtDesk, Reader, check_policies
from finalmile.web.api.shapes import ERRORS

ABOUT = (
    "What is live, who may change it, what was answered. Predictions are answered by workers beside it, on the same "
    "port. Keys go into a header: `Authorization: Bearer KEY`; a key is only asked for where others than this machine "
    "can reach the port."
)


def create_api(desk: Desk, *, secret: str = "") -> FastAPI:
    """The API of a project; every call passes the gate, and every route says who may call it.

    Parameters
    ----------
    secret
        What the workers of the same supervisor carry.

    Raises
    ------
    PermanentError
        Where a route does not.
    """
    app = FastAPI(
        title="finalmile", version=version("finalmile"), description=ABOUT, docs_url=None, redoc_url=None,
        openapi_url=None, responses=ERRORS, redirect_slashes=False,
    )  # fmt: skip
    app.state.desk = desk
    for part in (models, comparison, incidents, why, orders, planning, batches, records):
        app.router.routes.extend(part.router.routes)  # flat, so that every route can be looked at

    @app.get("/openapi.json", summary="This description", tags=["about"])
    def openapi(at: AtDesk, caller: Reader) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]  # a route
        """The OpenAPI document of everything on this port."""
        del at, caller
        return described(app)

    add_errors(app)
    check_policies(app)
    app.add_middleware(Gate, desk=desk, secret=secret)
    return app


def described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document: these routes, and those that workers answer."""
    told = app.openapi()
    schemas = told["components"]["schemas"]
    return {
        **told,
        "paths": {**PATHS, **told["paths"]},
        "components": {
            "schemas": {**schemas, **COMPONENTS},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "PREFIX.SECRET"},
                "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
        "security": [{}, {"bearer": []}, {"header": []}],
    }
