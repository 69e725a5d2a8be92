"""The pages over HTTP: what is shown, to whom, and that nothing in the data is ever run."""

from __future__ import annotations

import asyncio
import html
import re
import time
from datetime import date, timedelta

import httpx
import orjson
import polars as pl
import pytest
from fastapi import FastAPI

from finalmile.errors import FinalMileError, UnknownNameError
from finalmile.figures import Event, HealthView, Home, Kpi, MoneyView, Need, Product, ServiceView
from finalmile.records import Estimate, Finding, Incident
from finalmile.web import create_app
from finalmile.web.app import find_products


class Visitor:
    """Asks an app for pages, without a network."""

    def __init__(self, app: FastAPI, *, base_url: str = "http://127.0.0.1:8765") -> None:
        self._app, self._base_url = app, base_url

    def get(self, page: str, *, headers: dict[str, str] | None = None) -> httpx.Response:
        return self.request("GET", page, headers=headers)

    def request(self, method: str, page: str, *, headers: dict[str, str] | None = None) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(transport=transport, base_url=self._base_url) as client:
                return await client.request(method, page, headers=headers)

        return asyncio.run(ask())


HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}} 🥕"
DAYS = [date(2026, 5, 1) + timedelta(days=i) for i in range(60)]


def home() -> Home:
    finding = Finding(check="loss", subject=HOSTILE, at=DAYS[-1], value=1.0, benchmark=0.5, effect=1.0, why=HOSTILE)
    incident = Incident(
        incident_id="i1",
        model="demand",
        check="loss",
        subject=HOSTILE,
        severity="critical",
        state="open",
        opened_at=DAYS[-1],
        updated_at=DAYS[-1],
        finding=finding,
    )
    return Home(
        name=HOSTILE,
        as_of=DAYS[-1],
        assumed=HOSTILE,
        service=ServiceView(
            fill_rate=Estimate(value=0.991, low=0.985, high=0.996),
            trend=pl.DataFrame({"ds": DAYS, "hit": [99] * 60, "of": [100] * 60}),
        ),
        money=MoneyView(
            saving=Estimate(value=1200.0, low=300.0, high=2100.0),
            baseline=HOSTILE,
            grade="B",
            trend=pl.DataFrame({"ds": DAYS, "saving": [20.0] * 60}),
        ),
        needs=(Need(what=HOSTILE, why=HOSTILE, money=12.0, unique_id=HOSTILE, address="/orders"),),
        health=HealthView(
            version="demand@2",
            kind=HOSTILE,
            certified=True,
            incidents=(incident,),
            loss=pl.DataFrame({"ds": DAYS, "loss": [0.4] * 60, "benchmark": [0.5] * 60}),
        ),
        orders=pl.DataFrame(
            {"order_id": ["o"] * 120, "supplier": [HOSTILE] * 120, "unique_id": [HOSTILE] * 120, "quantity": [3] * 120}
        ),
        products=pl.DataFrame({"unique_id": [HOSTILE, "milk/1%", "a"], "category": [HOSTILE, "Dairy", None]}),
        stock=pl.DataFrame({"ds": DAYS, "value": [10.0] * 60, "baseline": [12.0] * 60}),
        kpis=(Kpi(name=HOSTILE, value=Estimate(value=None, why=HOSTILE), unit="%", meaning=HOSTILE),),
        events=(Event(at=DAYS[5], kind="alarm", text=HOSTILE),),
    )


def product(unique_id: str) -> Product:
    if unique_id == "none":
        raise UnknownNameError("product", unique_id, ["a"])
    if unique_id == "broken":
        raise FinalMileError("the lake is <empty>")
    return Product(
        unique_id=unique_id,
        as_of=DAYS[-1],
        facts={HOSTILE: HOSTILE},
        sentence=HOSTILE,
        steps=(HOSTILE, "level = 4"),
        history=pl.DataFrame({"ds": DAYS, "y": [1.0] * 60, "censored": [False] * 60}),
        events=(Event(at=DAYS[5], kind="alarm", text=HOSTILE),),
    )


@pytest.fixture(scope="module")
def client() -> Visitor:
    return Visitor(create_app(home, product))


PAGES = ["/", "/orders", "/products", "/products?q=%3Cscript%3E", "/product?id=x%3C/script%3E%3Cscript%3Ealert(1)"]


@pytest.mark.parametrize("page", PAGES)
def test_hostile_text_is_shown_as_text_everywhere(client: Visitor, page: str) -> None:
    answer = client.get(page)
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "<img src=x" not in answer.text
    assert 'onerror=alert(1)"' not in answer.text
    assert re.findall(r"<script(?![^>]*(?:src=|type=\"application/json\"))", answer.text) == []


def test_data_in_script_elements_reads_back_whole(client: Visitor) -> None:
    text = client.get("/").text
    blocks = re.findall(r'<script type="application/json" id="([^"]+)">(.*?)</script>', text, flags=re.DOTALL)
    assert [name for name, _ in blocks] == ["chart-service", "chart-money", "chart-loss", "chart-stock", "themes"]
    charts = {name: orjson.loads(body) for name, body in blocks}
    hovers = [mark.get("hovertext", "") for mark in charts["chart-loss"]["layout"]["annotations"]]
    assert any(html.unescape(hover).endswith(HOSTILE) for hover in hovers)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil", "10.0.0.7", "", "[::2]"])
def test_another_host_name_is_refused_so_that_a_rebound_name_reads_nothing(client: Visitor, host: str) -> None:
    answer = client.get("/", headers={"host": host})
    assert answer.status_code == 421
    assert HOSTILE[:5] not in answer.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:99", "127.0.0.1:8765", "[::1]:1"])
def test_names_of_this_machine_are_answered(client: Visitor, host: str) -> None:
    assert client.get("/orders", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("page", [*PAGES, "/nowhere", "/static/plotly.min.js"])
def test_every_answer_forbids_scripts_that_are_not_ours(client: Visitor, page: str) -> None:
    policy = client.get(page).headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


def test_the_first_page_answers_the_four_questions(client: Visitor) -> None:
    text = client.get("/").text.replace("\N{NO-BREAK SPACE}", " ")
    assert "99.1 %" in text
    assert "95 % interval 98.5 % to 99.6 %" in text
    assert "+1,200 EUR" in text
    assert "evidence B" in text
    assert "demand@2" in text
    assert "1 open incident" in text


def test_an_empty_project_says_what_to_do_next() -> None:
    client = Visitor(create_app(lambda: Home(name="new")), base_url="http://localhost")
    text = client.get("/").text
    assert "finalmile train" in text
    assert "no baseline, no saving" in text
    assert client.get("/products").text.count("finalmile ingest") == 1
    assert client.get("/orders").status_code == 200
    assert client.get("/product?id=a").status_code == 404


def test_static_files_are_kept_by_version_and_checked_without(client: Visitor) -> None:
    text = client.get("/").text
    address = re.search(r'src="(/static/plotly\.min\.js\?v=[0-9a-f]{16})"', text)
    assert address is not None
    answer = client.get(address[1])
    assert len(answer.content) > 1_000_000
    assert "immutable" in answer.headers["cache-control"]
    plain = client.get("/static/plotly.min.js")
    assert plain.headers["cache-control"] == "no-cache"
    again = client.get("/static/plotly.min.js", headers={"if-none-match": plain.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("name", ["..%2fapp.py", "app.py", "..%2f..", "%00", "finalmile.css.bak"])
def test_no_other_file_is_served(client: Visitor, name: str) -> None:
    assert client.get(f"/static/{name}").status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_pages_change_nothing(client: Visitor, method: str) -> None:
    assert client.request(method, "/").status_code == 405


def test_a_product_that_does_not_exist_and_one_that_fails_are_told_apart(client: Visitor) -> None:
    missing, broken = client.get("/product?id=none"), client.get("/product?id=broken")
    assert missing.status_code == 404
    assert "no product is called" in missing.text
    assert broken.status_code == 500
    assert "the lake is &lt;empty&gt;" in broken.text


@pytest.mark.parametrize("unique_id", ["milk/1%", "a b", "..", "?q=1&id=2", "🥕", HOSTILE])
def test_a_product_with_any_name_is_found_by_its_link(client: Visitor, unique_id: str) -> None:
    products = pl.DataFrame({"unique_id": [unique_id]})
    listed = Visitor(create_app(lambda: Home(name="x", products=products), product), base_url="http://localhost")
    link = re.search(r'<td><a href="([^"]+)">', listed.get("/products").text)
    assert link is not None
    page = client.get(html.unescape(link[1]))
    assert f"<h1>{html.escape(unique_id).replace('&#x27;', '&#39;').replace('&quot;', '&#34;')}</h1>" in page.text


def test_without_product_pages_there_are_no_links_to_them() -> None:
    listed = Visitor(create_app(home), base_url="http://localhost")
    assert "/product?" not in listed.get("/products").text


def test_search_looks_in_every_text_column_upper_and_lower_case_alike() -> None:
    products = home().products
    assert find_products(products, "DAIRY")["unique_id"].to_list() == ["milk/1%"]
    assert find_products(products, "1%").height == 1
    assert find_products(products, " ").height == 3
    assert find_products(products, "(").height == 1
    assert find_products(pl.DataFrame(), "x").is_empty()


def test_orders_and_products_come_in_pages(client: Visitor) -> None:
    assert client.get("/orders").text.count("<td>o</td>") + client.get("/orders").text.count('"d">o</td>') == 50
    last = client.get("/orders?page=99").text
    assert "page 3 of 3" in last
    assert client.get("/orders?page=0").status_code == 422
    assert client.get("/orders?page=x").status_code == 422


def test_thirty_thousand_products_are_searched_and_shown_at_once() -> None:
    n = 30_000
    products = pl.DataFrame(
        {"unique_id": [f"S{i % 40:03d}_P{i:05d}" for i in range(n)], "category": ["food"] * n, "on_hand": [1.0] * n}
    )
    many = home()
    orders = pl.DataFrame({"order_id": ["o"] * n, "unique_id": products["unique_id"], "quantity": [1] * n})
    large = Home(**{name: getattr(many, name) for name in many.__slots__} | {"products": products, "orders": orders})
    client = Visitor(create_app(lambda: large, product), base_url="http://localhost")
    for page in ("/", "/products?q=p0001&page=2", "/orders?page=300"):
        client.get(page)
        took = []
        for _ in range(3):
            start = time.process_time()
            answer = client.get(page)
            took.append(time.process_time() - start)
        assert answer.status_code == 200
        assert len(answer.content) < 400_000
        assert min(took) < 0.3
