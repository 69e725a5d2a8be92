"""The page of stock: what each product's books are made of, where they cannot be right, which rules set quantities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol
from urllib.parse import quote, urlencode

from fastapi import FastAPI, Query
from fastapi.responses import HTMLResponse

from finalmile.errors import MissingInputError
from finalmile.web.rendering import render
from finalmile.workflows.stock import StockRow, StockTold

PAGE_ROWS = 50
MOST_FINDINGS = 20


class Stocked(Protocol):
    """What the page asks of a project."""

    def stock_book(self) -> StockTold:
        """What is on hand and on its way, and where the books are wrong."""
        ...


def add_stock_page(app: FastAPI, project: Callable[[], Stocked]) -> None:
    """Add the page of stock."""

    @app.get("/stock", response_class=HTMLResponse)
    def stock(q: str = "", page: int = Query(1, ge=1)) -> str:  # pyright: ignore[reportUnusedFunction]
        try:
            told = project().stock_book()
        except MissingInputError as why:
            return render("stock.html", told=None, why=str(why), q="", here="/stock")
        rows = _found(told, q)
        pages = max(1, -(-len(rows) // PAGE_ROWS))
        page = min(page, pages)
        return render(
            "stock.html",
            told=told,
            rows=rows[(page - 1) * PAGE_ROWS : page * PAGE_ROWS],
            findings=told.findings[:MOST_FINDINGS],
            found=len(rows),
            q=q,
            page=page,
            pages=pages,
            previous=_address(q, page - 1),
            next=_address(q, page + 1),
            here="/stock",
        )


def _found(told: StockTold, query: str) -> list[StockRow]:
    wanted = query.strip().lower()
    return [row for row in told.rows if wanted in row.unique_id.lower()]


def _address(query: str, page: int) -> str:
    return "/stock?" + urlencode({"q": query, "page": page}, quote_via=quote)
