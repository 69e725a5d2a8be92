"""The pages: home, products, one product, orders, monitoring, incidents."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from finalmile.errors import FinalMileError, MissingInputError, UnknownNameError
from finalmile.figures import (
    Chart,
    Home,
    Product,
    loss_over_time,
    money_against_baseline,
    product_story,
    service_over_time,
    stock_over_time,
)
from finalmile.figures.watched import Watched
from finalmile.web.assets import router
from finalmile.web.future_pages import Futures, add_frontier_page, simulated
from finalmile.web.guards import Guards
from finalmile.web.order_pages import OrderDesk, add_order_pages
from finalmile.web.rendering import environment, render
from finalmile.workflows.why import Explained

PAGE_ROWS = 50

SHOW_HOME = Callable[[], Home]
SHOW_PRODUCT = Callable[[str], Product]
SHOW_WATCHED = Callable[[str | None], Watched]


SHOW_EXPLAINED = Callable[[str], Explained]
EXPLAINED = ("loss", "bias", "fva")
"""Checks whose incidents are about losses: only those can be explained."""


def create_app(
    home: SHOW_HOME,
    product: SHOW_PRODUCT | None = None,
    *,
    watched: SHOW_WATCHED | None = None,
    explained: SHOW_EXPLAINED | None = None,
    orders: OrderDesk | None = None,
    futures: Futures | None = None,
) -> FastAPI:
    """A FastAPI app that shows a project on pages, which change nothing but orders.

    Parameters
    ----------
    home
        Gives the present state on each request; keep it quick, the first paint waits for it.
    product
        Gives one product by its ``unique_id``; raises ``UnknownNameError`` for one that does not exist.
        Without it there are no product pages.
    watched
        Gives what monitoring of a model shows, of the first one where none is named. Without it there is no such page.
    explained
        Gives an incident by its id with why it is open; raises ``UnknownNameError`` for one that does not exist.
        Without it incidents have no pages.
    orders
        Where orders are approved, edited, cancelled and sent. Without it today's proposals are listed, and that is all.
    futures
        Simulates a product on other terms, and what each service level takes in stock. Without it there are neither
        forms nor a page for that.
    """
    app = FastAPI(title="finalmile", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(router)
    app.add_middleware(Guards)
    environment().get_template("home.html")  # compiled now, so that the first visitor does not wait for it
    _add_home(app, home, linked=_linked(orders=orders is not None, futures=futures is not None))
    _add_products(app, home, linked=product is not None)
    if orders is None:
        _add_proposals(app, home, linked=product is not None)
    else:
        add_order_pages(app, orders)
    if product is not None:
        _add_product(app, product, futures)
    if futures is not None:
        add_frontier_page(app, futures)
    if watched is not None:
        _add_monitoring(app, watched, linked=EXPLAINED if explained is not None else ())
    if explained is not None:
        _add_incident(app, explained)
    _add_errors(app)
    return app


def home_charts(home: Home) -> dict[str, Chart]:
    """The four figures of the first page by name."""
    baseline = home.money.baseline
    named = baseline or "baseline"
    return {
        "service": service_over_time(
            home.service.trend,
            target=home.service.target,
            which=home.service.which,
            baseline=named,
            events=home.events,
        ),
        "money": money_against_baseline(
            home.money.trend,
            saving=home.money.saving,
            baseline=baseline,
            currency=home.currency,
            events=home.events,
        ),
        "loss": loss_over_time(home.health.loss, name=home.health.loss_name, events=home.events),
        "stock": stock_over_time(home.stock, currency=home.currency, baseline=named, events=home.events),
    }


def find_products(products: pl.DataFrame, query: str) -> pl.DataFrame:
    """Rows any of whose text columns contains the query, upper and lower case alike; all for an empty query."""
    wanted = query.strip().lower()
    texts = [name for name, dtype in products.schema.items() if dtype == pl.String]
    if not wanted or not texts:
        return products
    hits = [pl.col(name).str.to_lowercase().str.contains(wanted, literal=True).fill_null(value=False) for name in texts]
    return products.filter(pl.any_horizontal(hits))


def _linked(*, orders: bool, futures: bool) -> dict[str, str]:
    """Pages that the first one leads to, by address."""
    of_orders = {"/stock": "Stock and its books", "/suppliers": "Suppliers and edits"} if orders else {}
    return {"/orders": "Orders", **of_orders, **({"/service": "Service and stock"} if futures else {})}


def _add_home(app: FastAPI, home: SHOW_HOME, *, linked: dict[str, str]) -> None:
    @app.get("/", response_class=HTMLResponse)
    def first_page() -> str:  # pyright: ignore[reportUnusedFunction]  # FastAPI calls it
        shown = home()
        return render("home.html", home=shown, charts=home_charts(shown), linked=linked, here="/")


def _add_products(app: FastAPI, home: SHOW_HOME, *, linked: bool) -> None:
    @app.get("/products", response_class=HTMLResponse)
    def products(q: str = "", page: int = Query(1, ge=1)) -> str:  # pyright: ignore[reportUnusedFunction]
        shown = home()
        found = find_products(shown.products, q)
        pages = max(1, -(-found.height // PAGE_ROWS))
        page = min(page, pages)
        rows = found.slice((page - 1) * PAGE_ROWS, PAGE_ROWS)
        return render(
            "products.html",
            home=shown, rows=rows, q=q, page=page, pages=pages, found=found.height, linked=linked, here="/products",
        )  # fmt: skip


def _add_proposals(app: FastAPI, home: SHOW_HOME, *, linked: bool) -> None:
    @app.get("/orders", response_class=HTMLResponse)
    def orders(page: int = Query(1, ge=1)) -> str:  # pyright: ignore[reportUnusedFunction]
        shown = home()
        pages = max(1, -(-shown.orders.height // PAGE_ROWS))
        page = min(page, pages)
        rows = shown.orders.slice((page - 1) * PAGE_ROWS, PAGE_ROWS)
        return render("orders.html", home=shown, rows=rows, page=page, pages=pages, linked=linked, here="/orders")


def _add_product(app: FastAPI, product: SHOW_PRODUCT, futures: Futures | None) -> None:
    @app.get("/product", response_class=HTMLResponse)
    def product_page(request: Request, id: str) -> str:  # pyright: ignore[reportUnusedFunction]  # noqa: A002
        shown = product(id)
        asked = None if futures is None else simulated(futures, id, request.query_params)
        chart = product_story(shown, events=shown.events)
        return render("product.html", product=shown, chart=chart, asked=asked, here="/products")


def _add_monitoring(app: FastAPI, watched: SHOW_WATCHED, *, linked: tuple[str, ...]) -> None:
    @app.get("/monitoring", response_class=HTMLResponse)
    def monitoring_page(model: str | None = None) -> str:  # pyright: ignore[reportUnusedFunction]
        return render("monitoring.html", watched=watched(model), explained=linked, here="/monitoring")


def _add_incident(app: FastAPI, explained: SHOW_EXPLAINED) -> None:
    @app.get("/incident", response_class=HTMLResponse)
    def incident_page(id: str = "") -> str:  # pyright: ignore[reportUnusedFunction]  # noqa: A002 - name in the address
        told = explained(id)
        return render(
            "incident.html",
            incident=told.incident,
            why=told.why,
            parts=told.parts,
            day=told.day,
            here="/monitoring",
        )


def _add_errors(app: FastAPI) -> None:
    def answer(status: int, title: str, text: str) -> HTMLResponse:
        return HTMLResponse(render("error.html", title=title, text=text, here=""), status_code=status)

    @app.exception_handler(FinalMileError)
    def told(request: Request, error: FinalMileError) -> HTMLResponse:  # pyright: ignore[reportUnusedFunction]
        del request
        if isinstance(error, UnknownNameError | MissingInputError):
            return answer(404, "Not found", str(error))
        return answer(500, "This could not be shown", str(error))

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> HTMLResponse:  # pyright: ignore[reportUnusedFunction]
        del request
        return answer(error.status_code, "Not found" if error.status_code == 404 else "Not possible", error.detail)
