"""Turning view models into HTML: every value escaped, every figure also a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import orjson
import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from finalmile.figures import Chart
from finalmile.figures.chart import spoken
from finalmile.figures.palette import template
from finalmile.figures.views import GRADES
from finalmile.web import formats
from finalmile.web.assets import address

TABLE_ROWS = 60
LABELS: Mapping[str, str] = {
    "ds": "period",
    "unique_id": "product",
    "order_id": "order",
    "ordered_at": "ordered",
    "received_at": "received",
    "supplier_id": "supplier",
    "smooth": "smoothed",
    "forecast": "expected a day",
    "censored": "out of stock",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of a frame as text, ready for a page; a column is its name, its label and the class of its cells."""

    columns: tuple[tuple[str, str, str], ...]
    rows: tuple[Mapping[str, str], ...]
    total: int

    @property
    def shortened(self) -> bool:
        """Whether rows were left out."""
        return self.total > len(self.rows)


def table(frame: pl.DataFrame, *, last: int | None = None, first: int | None = None) -> Table:
    """The last rows of a frame, newest first, or its first ones in order; all without either."""
    shown = frame if first is None else frame.head(first)
    if last is not None:
        shown = frame.tail(last).reverse()
    columns = tuple((name, LABELS.get(name, spoken(name)), _cells(name, dtype)) for name, dtype in frame.schema.items())
    rows = tuple({name: formats.cell(value) for name, value in row.items()} for row in shown.iter_rows(named=True))
    return Table(columns=columns, rows=rows, total=frame.height)


def _cells(name: str, dtype: pl.DataType) -> str:
    if dtype.is_numeric():
        return "n"
    return "d" if dtype.is_temporal() or name == "order_id" else ""


def script_json(value: object) -> Markup:
    r"""JSON that is safe inside a ``<script>`` element, whatever text it holds.

    Examples
    --------
    >>> script_json({"id": "</script><b>"})
    Markup('{"id":"\\u003c/script\\u003e\\u003cb\\u003e"}')
    """
    text = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def chart_json(chart: Chart) -> Markup:
    """What the page's script draws a chart from."""
    return script_json({"data": chart.data, "layout": chart.layout})


def chart_table(chart: Chart) -> Table:
    """The table under a chart, newest rows first."""
    return table(chart.table, last=TABLE_ROWS)


def product_address(unique_id: str) -> str:
    """Address of a product's page; the id may hold any character."""
    return "/product?" + urlencode({"id": unique_id}, quote_via=quote)


def products_address(query: str, page: int) -> str:
    """Address of one page of the product list."""
    return "/products?" + urlencode({"q": query, "page": page}, quote_via=quote)


def orders_address(state: str, supplier: str = "", product: str = "", page: int = 1) -> str:
    """Address of a list of orders."""
    told = {"state": state, "supplier": supplier, "product": product, "page": page if page > 1 else ""}
    return "/orders?" + urlencode({name: value for name, value in told.items() if value != ""}, quote_via=quote)


def line_address(line_id: str) -> str:
    """Address of one order line."""
    return "/orders/line?" + urlencode({"id": line_id}, quote_via=quote)


@cache
def environment() -> Environment:
    """Jinja with escaping always on and no silent blanks."""
    env = Environment(
        loader=PackageLoader("finalmile.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = env.filters
    filters |= {
        "percent": formats.percent,
        "money": formats.money,
        "number": formats.number,
        "figure": formats.figure,
        "interval": formats.interval,
        "cell": formats.cell,
        "spoken": spoken,
    }
    names: dict[str, Any] = env.globals
    names |= {
        "asset": address,
        "table": table,
        "chart_json": chart_json,
        "chart_table": chart_table,
        "product_address": product_address,
        "products_address": products_address,
        "orders_address": orders_address,
        "line_address": line_address,
        "grades": GRADES,
        "themes": script_json({"light": template("light"), "dark": template("dark")}),
    }
    return env


def render(name: str, **values: Any) -> str:
    """A page from its template."""
    return environment().get_template(name).render(**values)
