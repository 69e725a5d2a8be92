"""The pages as a browser shows them: drawn, without a complaint on the console, on a desk and on a phone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest
import uvicorn
from fastapi import FastAPI
from websockets.sync.client import ClientConnection, connect

from finalmile.errors import UnknownNameError
from finalmile.figures import Event, HealthView, Home, Kpi, MoneyView, Need, Product, ServiceView
from finalmile.figures.watched import Watched, watched
from finalmile.monitoring.why import Event as Event_
from finalmile.monitoring.why import Why
from finalmile.monitoring.why.causes import InputShift
from finalmile.monitoring.why.slices import Slice
from finalmile.project import Project
from finalmile.records import Estimate, Finding, Incident, OrderLine
from finalmile.sandbox import RegimeChange, Retailer, World
from finalmile.web import OrderDesk, create_app
from finalmile.workflows.why import Explained

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
HOSTILE = "</script><img src=x onerror=document.title='pwned'>"
SHOWN_DAYS = 120

pytestmark = pytest.mark.slow


def _service(world: World, other: World) -> ServiceView:
    days = slice(world.days - SHOWN_DAYS, None)
    ds = [world.start + timedelta(days=day) for day in range(world.days)][days]
    sold, wanted = world.shop.sold[:, days].sum(axis=0), world.true_demand[:, days].sum(axis=0)
    theirs = other.shop.sold[:, days].sum(axis=0)
    trend = pl.DataFrame({"ds": ds, "hit": sold, "of": wanted, "baseline_hit": theirs, "baseline_of": wanted})
    share = float(sold.sum() / wanted.sum())
    return ServiceView(
        fill_rate=Estimate(value=share, low=share - 0.008, high=share + 0.007),
        cycle_service=Estimate(value=0.942, low=0.93, high=0.953),
        trend=trend,
    )


def _money(world: World, other: World) -> MoneyView:
    days = slice(world.days - SHOWN_DAYS, None)
    product = world.assortment.product
    price = world.offers.price[product][:, : world.days][:, days]
    cost = np.array([p.price * p.cost_share for p in world.assortment.products])[product][:, None]
    margin = (price - cost) * (world.shop.sold[:, days] - other.shop.sold[:, days])
    holding = cost * 0.25 / 365 * (world.shop.on_hand[:, days] - other.shop.on_hand[:, days])
    saving = (margin - holding).sum(axis=0)
    blocks = saving.reshape(6, -1).sum(axis=1)
    half = 2.57 * float(blocks.std(ddof=1)) * 6**0.5
    ds = [world.start + timedelta(days=day) for day in range(world.days)][days]
    total = float(saving.sum())
    return MoneyView(
        saving=Estimate(value=total, low=total - half, high=total + half, n_blocks=6),
        baseline="normal_order_up_to",
        grade="B",
        trend=pl.DataFrame({"ds": ds, "saving": saving}),
    )


def _incident(at: date) -> Incident:
    finding = Finding(
        check="loss",
        subject="fleet",
        at=at,
        value=0.61,
        benchmark=0.44,
        effect=0.39,
        breached=True,
        why="Drinks sell half again as much as forecast since the start of June.",
    )
    return Incident(
        incident_id="inc-7f31",
        model="demand",
        check="loss",
        subject="fleet",
        severity="critical",
        state="mitigating",
        opened_at=at,
        updated_at=at,
        finding=finding,
        actions=("rolled back to demand@3",),
    )


def shown_home() -> Home:
    """A home page of a simulated quarter: two safety factors of the same shop, compared on the same demand."""
    retailer = Retailer(seed=7, regimes=(RegimeChange(day=870, category="drinks", size=1.5),))
    world, other = replace(retailer, service_z=2.6).simulate(), retailer.simulate()
    luck = np.random.default_rng(3)
    ds = [world.end - timedelta(days=SHOWN_DAYS - 1 - day) for day in range(SHOWN_DAYS)]
    change = world.regime_dates[0]
    loss = 0.44 + 0.03 * luck.standard_normal(SHOWN_DAYS) + np.where(np.array(ds) >= change, 0.16, 0.0)
    cost = np.array([p.price * p.cost_share for p in world.assortment.products])[world.assortment.product][:, None]
    stock = [(cost * w.shop.on_hand[:, -SHOWN_DAYS:]).sum(axis=0) for w in (world, other)]
    products = world.items.select("unique_id", "category", "supplier_id", "unit_price").with_columns(
        on_hand=pl.Series(world.shop.on_hand[:, -1])
    )
    orders = world.open_orders.sort("ordered_at", descending=True).with_columns(
        unique_id=pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(HOSTILE)).otherwise("unique_id"),
        reason=pl.lit("up to 42 from 17 on hand, 98 % of demand over 10 days"),
    )
    return Home(
        name="Sandbox shop",
        as_of=world.end,
        assumed="unit cost = 0.7 x price",
        service=_service(world, other),
        money=_money(world, other),
        needs=(
            Need(
                what="Approve 3 orders",
                why="144 lines of SUP02, due in 9 days.",
                money=812.4,
                address="/orders",
            ),
            Need(what="Look at the rollback to demand@3", why="The loss of drinks has not recovered.", money=1740.0),
            Need(what="Count the stock", why="No count for 41 days.", unique_id=HOSTILE),
        ),
        health=HealthView(
            version="demand@3",
            kind="lightgbm",
            since=change + timedelta(days=11),
            certified=True,
            incidents=(_incident(change + timedelta(days=10)),),
            loss=pl.DataFrame({"ds": ds, "loss": loss, "benchmark": [0.44] * SHOWN_DAYS}),
        ),
        orders=orders,
        products=products,
        stock=pl.DataFrame({"ds": ds, "value": stock[0], "baseline": stock[1]}),
        kpis=(
            Kpi(
                name="Stock-outs", value=Estimate(value=212.0), unit="", meaning="series-days that ended without stock"
            ),
            Kpi(
                name="Turnover",
                value=Estimate(value=14.2),
                unit="a year",
                meaning="cost of sales over mean stock at cost",
            ),
            Kpi(
                name="Lost sales",
                value=Estimate(value=5120.0, low=3900, high=6800),
                unit="money",
                meaning="demand the shelf could not serve, at price",
            ),
        ),
        events=(
            Event(at=ds[5], kind="deployment", text="demand@4 went live"),
            Event(at=change + timedelta(days=10), kind="alarm", text="WAPE of the fleet 39 % above its benchmark"),
            Event(at=change + timedelta(days=11), kind="action", text="rolled back to demand@3; 18 order lines change"),
        ),
    )


def shown_product(unique_id: str) -> Product:
    """One product of the simulated shop, under whatever name it was asked for."""
    world = Retailer(seed=7, products=3, stores=1, intermittent=0, service_z=0.5).simulate()
    chosen = world.sales.group_by("unique_id").agg(pl.col("y").sum()).sort("y")["unique_id"][-1]
    history = world.sales.join(world.demand, on=["unique_id", "ds"]).filter(
        (pl.col("unique_id") == chosen) & (pl.col("ds") > world.end - timedelta(days=SHOWN_DAYS))
    )
    mean = np.full(28, float(history["y"].mean()))  # type: ignore[arg-type]
    return Product(
        unique_id=unique_id,
        as_of=world.end,
        cutoff=world.end,
        facts={"category": "pantry", "supplier": "SUP02", "lead_time_days": 9.0},
        history=history.select("ds", "y", "price", "promo", "on_hand", "lost", censored=pl.col("lost") > 0),
        forecast=pl.DataFrame(
            {
                "ds": [world.end + timedelta(days=day) for day in range(1, 29)],
                "mean": mean,
                **{f"q{q:g}": mean * f for q, f in ((0.05, 0.4), (0.25, 0.7), (0.75, 1.3), (0.95, 1.9))},
            }
        ),
        orders=world.receipts.filter(
            (pl.col("unique_id") == chosen) & (pl.col("ordered_at") > world.end - timedelta(days=SHOWN_DAYS))
        ),
        sentence="25 of milk: up to 42 from 17 on hand, 98 % of demand over 10 days.",
        steps=("on_hand = 17", "level = 42", "wanted = level - on_hand = 25", "x" * 200),
        events=(Event(at=world.end - timedelta(days=40), kind="deployment", text="demand@4 went live"),),
    )


def shown_watched(model: str | None) -> Watched:
    """Forty looks of a check that alarms in the end, of one that is fine, and of one that could not run."""
    days = [date(2026, 5, 1) + timedelta(days=day) for day in range(40)]
    told = [
        Finding(
            check="loss", subject="fleet", at=day, value=0.5, benchmark=0.4, unit="WAPE", log_evidence=at / 4,
            threshold=8.2, breached=at > 33, severity="critical" if at > 33 else "info", since=days[30], why=HOSTILE,
        )
        for at, day in enumerate(days)
    ]  # fmt: skip
    told += [
        Finding(check="input_drift", subject=f"input {name}", at=day, value=at % 5, benchmark=2.0, why="As it was.")
        for name in ("price", "a_covariate_with_a_very_long_name")
        for at, day in enumerate(days)
    ]
    return watched(model or "demand", told, version="demand@3", incidents=[_incident(days[34])])


def shown_explained(name: str) -> Explained:
    """Why the incident is open, in words of whoever named the products."""
    if name != "inc-7f31":
        raise UnknownNameError("incident", name, ["inc-7f31"])
    first = date(2026, 5, 31)
    part = Slice(
        literals=((0, 0, 0),), words={"category": "drinks", "store": HOSTILE}, score=9.0, log_evidence=9.0, sure=True,
        rows=140, rows_before=280, loss=0.71, loss_before=0.42, bias=-0.34, bias_before=0.01, excess=412.0, share=0.87,
    )  # fmt: skip
    moved = InputShift(
        name=f"a_covariate_with_a_very_long_name_{HOSTILE}", before=2.0, after=None, outside_before=2.0,
        outside_after=2.1, missing_before=0.0, missing_after=1.0, effect=5.0,
    )  # fmt: skip
    why = Why(
        sentence=f"Since 31 May drinks in {HOSTILE} sell half again as much as forecast.", before=0.44, after=0.61,
        since=first, parts={"mix": -0.012, "bias": 0.151, "noise": 0.031}, slices=(part,), inputs=(moved,),
        events=(Event_(kind="price", period=3, words="prices there fell 20 %"),), rows=420,
    )  # fmt: skip
    return Explained(incident=_incident(first), why=why, day=lambda one: first + timedelta(days=one))


class _Server(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        """The tests' own process keeps its handlers."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the pages of the simulated shop answer."""
    home = shown_home()
    with served(create_app(lambda: home, shown_product, watched=shown_watched, explained=shown_explained)) as told:
        yield told


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Answer for an app; its address."""
    config = uvicorn.Config(app, port=0, log_level="error", ws="none")
    listener = config.bind_socket()
    server = _Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)
    listener.close()


@contextmanager
def chromium(profile: Path) -> Iterator[str]:
    """Run a headless Chromium that can reach nothing but 127.0.0.1; gives the address of its page's DevTools.

    What it puts into the folder for temporary files, a socket among them, goes when it ends.
    """
    with (
        TemporaryDirectory(prefix="page-", ignore_cleanup_errors=True) as scratch,
        _chromium(profile, scratch) as pages,
    ):
        yield pages


@contextmanager
def _chromium(profile: Path, scratch: str) -> Iterator[str]:
    process = subprocess.Popen(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
            "--remote-debugging-port=0",
            f"--user-data-dir={profile}",
            "about:blank",
        ],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "TMPDIR": scratch},
    )
    with process:
        try:
            assert process.stderr is not None
            told = next(line for line in process.stderr if "DevTools listening on" in line)
            threading.Thread(target=process.stderr.read, daemon=True).start()
            port = told.rpartition(":")[2].partition("/")[0]
            pages = httpx.get(f"http://127.0.0.1:{port}/json", timeout=30).json()
            yield next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=30)


class Browser:
    """One page of a browser, driven over the DevTools protocol."""

    def __init__(self, page: ClientConnection) -> None:
        self._page = page
        self._number = 0
        self.complaints: list[str] = []
        self.asked: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> Any:
        """Call one method and give its result; what the page says meanwhile is kept."""
        self._number += 1
        self._page.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            message = json.loads(self._page.recv(timeout=60))
            if message.get("id") == self._number:
                assert "error" not in message, message
                return message["result"]
            self._hear(message)

    def _hear(self, message: Any) -> None:
        if message.get("method") == "Log.entryAdded":
            self.complaints.append(message["params"]["entry"]["text"])
        if message.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(str(message["params"]["exceptionDetails"]))
        if message.get("method") == "Network.requestWillBeSent":
            self.asked.append(message["params"]["request"]["url"])

    def ask(self, script: str) -> Any:
        """Value of a JavaScript expression; a promise is waited for."""
        told = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def open(self, url: str, *, width: int = 1280, theme: str = "light") -> None:
        """Show a page and wait until every figure near the window is drawn."""
        self.complaints.clear()
        self.asked.clear()
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
        )
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
        self.ask("window.left = true")
        self.send("Page.navigate", url=url)
        self.wait_for(
            "!window.left && location.protocol === 'http:' && document.readyState === 'complete'"
            " && document.querySelector('header, nav, main')"
        )

    def wait_for(self, condition: str, *, tries: int = 20_000) -> None:
        """Ask until a JavaScript condition holds, on whichever document is there by then."""
        for _ in range(tries):
            try:
                if self.ask(f"Boolean({condition})"):
                    return
            except AssertionError as told:
                if "navigated" not in str(told):
                    raise
        raise AssertionError(f"it never came true that {condition}")

    def wait_for_text(self, text: str) -> None:
        """Wait until a whole page says something."""
        self.wait_for(
            f"document.readyState === 'complete' && document.body.textContent.includes({text!r})", tries=3_000
        )

    def press(self, *keys: str) -> None:
        """Press keys one after the other; a single character types itself."""
        codes = {"Tab": 9, "Enter": 13, " ": 32}
        for key in keys:
            text = {"Enter": "\r", "Tab": ""}.get(key, key)
            told = {"key": key, "windowsVirtualKeyCode": codes.get(key, ord(key[0].upper()))}
            self.send("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **told)
            self.send("Input.dispatchKeyEvent", type="keyUp", **told)

    def tab_to(self, what: str) -> None:
        """Press Tab until what matches a selector has the focus."""
        for _ in range(60):
            self.press("Tab")
            if self.ask(f"document.activeElement.matches({what!r})"):
                return
        raise AssertionError(f"Tab never comes to {what}")

    def draw(self) -> int:
        """Scroll to every figure; how many were drawn."""
        with suppress(AssertionError):  # a page of tables has none
            self.wait_for("document.querySelector('[data-chart]')", tries=500)
        count = self.ask("document.querySelectorAll('[data-chart]').length")
        for number in range(count):
            self.ask(
                f"""new Promise((done, fail) => {{ const place = document.querySelectorAll('[data-chart]')[{number}];
                place.scrollIntoView(); setTimeout(() => fail("not drawn"), 20000);
                const look = () => place.dataset.drawn && place.querySelector('.main-svg') ? done(true)
                : setTimeout(look, 20); look(); }})"""
            )
        return int(count)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests."""
    if not CHROMIUM:
        pytest.skip("no Chromium on the path: apt-get install chromium")
    with chromium(tmp_path_factory.mktemp("profile")) as tools, connect(tools, max_size=None) as page:
        yield Browser(page)


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_the_home_page_draws_every_figure_and_complains_of_nothing(
    browser: Browser, address: str, width: int, theme: str
) -> None:
    browser.open(f"{address}/", width=width, theme=theme)
    assert browser.draw() == 4
    assert browser.complaints == []


@pytest.mark.parametrize(
    "page", ["/", "/orders", "/products", "/product?id=S001_P00002", "/monitoring", "/incident?id=inc-7f31"]
)
def test_nothing_is_wider_than_a_phone(browser: Browser, address: str, page: str) -> None:
    browser.open(address + page, width=320)
    browser.draw()
    assert browser.ask("document.documentElement.scrollWidth") <= 320


def test_monitoring_shows_evidence_and_runs_nothing_that_it_tells(browser: Browser, address: str) -> None:
    browser.open(f"{address}/monitoring", width=1280)
    assert browser.ask("document.querySelectorAll('svg.course polyline').length") == 3
    assert browser.ask("document.querySelectorAll('main img').length") == 0
    assert browser.complaints == []


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_monitoring_leads_to_why_an_incident_is_open(browser: Browser, address: str, width: int, theme: str) -> None:
    browser.open(f"{address}/monitoring", width=width, theme=theme)
    browser.ask("document.querySelector('a[href^=\"/incident?id=\"]').click()")
    browser.wait_for("location.pathname === '/incident' && document.readyState === 'complete'")
    said = browser.ask("document.querySelector('main').innerText")
    for words in ("The account", "more is sold of what is easy to forecast", "+15.1", "87 %", "prices there fell 20 %"):
        assert words in said, words
    assert said.count("rolled back to demand@3") == 1
    assert browser.ask("document.querySelectorAll('main img').length") == 0
    assert browser.complaints == []


def test_a_product_with_a_hostile_name_is_shown_and_not_run(browser: Browser, address: str) -> None:
    browser.open(str(httpx.URL(f"{address}/product", params={"id": HOSTILE})))
    assert browser.draw() == 1
    assert browser.ask("document.querySelector('h1').textContent") == HOSTILE
    assert browser.ask("document.title") == f"{HOSTILE} - finalmile"
    assert browser.ask("document.querySelectorAll('main img').length") == 0
    assert browser.complaints == []


def test_the_page_asks_nobody_but_this_machine(browser: Browser, address: str) -> None:
    browser.open(f"{address}/")
    browser.draw()
    assert [url for url in browser.asked if not url.startswith((address, "data:", "blob:"))] == []
    assert len(browser.asked) >= 3


def test_dark_and_light_have_their_own_ground_and_text(browser: Browser, address: str) -> None:
    seen = []
    for theme in ("light", "dark"):
        browser.open(f"{address}/", theme=theme)
        browser.draw()
        page = browser.ask("getComputedStyle(document.body).backgroundColor")
        tick = browser.ask("getComputedStyle(document.querySelector('.ytick text')).fill")
        seen.append((page, tick))
    (light, light_tick), (dark, dark_tick) = seen
    assert light != dark
    assert light_tick != dark_tick


def test_the_keyboard_reaches_the_search_and_turns_pages(browser: Browser, address: str) -> None:
    browser.open(f"{address}/products")
    browser.send("Input.dispatchKeyEvent", type="keyDown", key="/", text="/")
    assert browser.ask("document.activeElement.id") == "find"
    assert browser.ask("document.activeElement.value") == ""
    browser.send("Input.dispatchKeyEvent", type="keyDown", key="Escape")
    assert browser.ask("document.activeElement.id") == ""
    browser.send("Input.dispatchKeyEvent", type="keyDown", key="ArrowRight")
    browser.wait_for("location.search.includes('page=2') && document.readyState === 'complete'")
    assert browser.ask("document.querySelector('.pager span').textContent") == "page 2 of 4"


def test_the_numbers_under_a_figure_open_with_the_keyboard(browser: Browser, address: str) -> None:
    browser.open(f"{address}/")
    browser.ask("document.querySelector('#money summary').focus()")
    browser.send(
        "Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r"
    )
    browser.send("Input.dispatchKeyEvent", type="keyUp", key="Enter", code="Enter", windowsVirtualKeyCode=13)
    assert browser.ask("document.querySelector('#money details').open") is True
    assert browser.ask("document.querySelectorAll('#money tbody tr').length") == 60


@pytest.fixture
def ordering(tmp_path: Path) -> Iterator[tuple[Project, str]]:
    """A project with two proposals, one of a hostile name, and the address of its pages."""
    project = Project.open(tmp_path / "shop")
    lines = [
        OrderLine(
            order_id="PO-1", line_id=f"PO-1-{name}", supplier="acme", unique_id=name, quantity=10, unit_cost=2.0,
            currency="EUR", ordered_at=date(2026, 5, 1), due=date(2026, 5, 9), reason={"policy": "order_up_to"},
        )
        for name in ("milk", HOSTILE)
    ]  # fmt: skip
    project.ledger.put_orders(lines, at=project.clock.now(), actor="plan")
    desk = OrderDesk(at=lambda: project.acting("ann"), role="operator")
    with served(create_app(lambda: Home(name="shop"), orders=desk)) as told:
        yield project, told


def test_an_order_is_edited_approved_and_sent_with_the_keyboard_alone(
    browser: Browser, ordering: tuple[Project, str]
) -> None:
    project, address = ordering
    browser.open(f"{address}/orders/line?id=PO-1-milk")
    browser.tab_to("input[name=quantity]")
    browser.ask("document.activeElement.value = ''")
    browser.press("7", "Enter")
    browser.wait_for_text("1 lines were edited")
    browser.tab_to("table input.all")
    browser.press(" ")
    browser.tab_to("button.main")
    browser.press("Enter")
    browser.wait_for_text("2 lines were approved")
    browser.open(f"{address}/orders?state=approved")
    browser.tab_to("form[action='/orders/send'] button")
    browser.press("Enter")
    browser.wait_for_text("2 lines were sent")
    assert {(line.unique_id, line.quantity, line.state) for line in project.ledger.orders()} == {
        ("milk", 7, "sent"), (HOSTILE, 10, "sent"),
    }  # fmt: skip
    assert browser.ask("document.querySelectorAll('main img').length") == 0
    assert browser.complaints == []


@pytest.mark.parametrize(
    "page", ["/orders", "/orders?state=approved", "/orders/line?id=PO-1-milk", "/stock", "/suppliers"]
)
def test_pages_of_orders_are_not_wider_than_a_phone_and_run_nothing(
    browser: Browser, ordering: tuple[Project, str], page: str
) -> None:
    browser.open(ordering[1] + page, width=320, theme="dark")
    assert browser.ask("document.documentElement.scrollWidth") <= 320
    assert browser.ask("document.title") != "pwned"
    assert browser.complaints == []
