"""The pages of orders: what they show, what their forms do, and who may send them."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from finalmile.figures import Home
from finalmile.project import Project
from finalmile.records import OrderLine
from finalmile.web import OrderDesk, create_app

NOW = datetime(2024, 5, 7, 12, tzinfo=UTC)
HOSTILE = "<img src=x onerror=alert(1)>'\"{{7*7}}"
OURS = {"origin": "http://localhost", "sec-fetch-site": "same-origin"}


@dataclass
class Standing:
    def now(self) -> datetime:
        return NOW


def _line(item: str, *, order: str = "PO-1", quantity: int = 10, due: date = date(2024, 5, 9)) -> OrderLine:
    told = {"policy": "order_up_to", "level": 12.0, "on_hand": 2.0, "on_order": 0.0, "wanted": 10.0, "bound": ""}
    return OrderLine(
        order_id=order, line_id=f"{order}-{item}", supplier="acme & sons", unique_id=item, quantity=quantity,
        unit_cost=2.0, currency="EUR", ordered_at=date(2024, 5, 1), due=due, reason=told,
    )  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project.open(tmp_path / "shop", clock=Standing())
    lines = [_line("milk"), _line(HOSTILE, quantity=4), _line("eggs", order="PO-2", due=date(2024, 5, 3))]
    made.ledger.put_orders(lines, at=NOW, actor="plan")
    return made


@pytest.fixture
def counted(project: Project) -> Project:
    days = [date(2024, 5, day) for day in range(1, 7)]
    for item in ("milk", HOSTILE):
        project.ingest("sales", pl.DataFrame({"unique_id": item, "ds": days, "y": [3.0] * 6}))
    project.stock.add(pl.DataFrame({"unique_id": ["milk", HOSTILE], "at": date(2024, 5, 2), "on_hand": [40.0, 5.0]}))
    came = {"order_id": ["PO-0"], "unique_id": ["milk"], "quantity": [7.0], "received_at": [date(2024, 5, 4)]}
    project.ingest("receipts", pl.DataFrame(came))
    return project


class Visitor:
    """A browser that sends forms as the pages hold them."""

    def __init__(self, project: Project, role: str = "operator") -> None:
        self.desk = OrderDesk(at=lambda: project.acting("ann"), role=role)
        self.app = create_app(lambda: Home(name="x"), orders=self.desk)

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.ask("GET", path, params=params or None)

    def post(self, path: str, **told: Any) -> httpx.Response:
        return self.ask("POST", path, **told)

    def submit(self, path: str, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
        return self.post(path, data={"token": self.desk.token, **fields}, headers=OURS if headers is None else headers)

    def ask(self, method: str, path: str, **told: Any) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return await client.request(method, path, **told)

        return asyncio.run(asked())


@pytest.fixture
def visitor(project: Project) -> Visitor:
    return Visitor(project)


def states(project: Project) -> dict[str, str]:
    return {line.unique_id: line.state for line in project.orders().rows}


def test_what_waits_for_approval_is_shown_first_with_its_reason_and_money(visitor: Visitor) -> None:
    page = visitor.get("/orders").text
    for text in (
        "proposed <b>3</b>",
        "milk",
        "20.00\N{NO-BREAK SPACE}EUR",
        "acme &amp; sons",
        "order_up_to aims at 12",
    ):
        assert text in page, text


def test_hostile_names_are_text(visitor: Visitor) -> None:
    assert HOSTILE not in visitor.get("/orders").text
    assert "&lt;img" in visitor.get("/orders", product=HOSTILE).text
    assert HOSTILE not in visitor.get("/orders/line", id=f"PO-1-{HOSTILE}").text


def test_ticked_lines_are_approved_and_the_list_says_so(visitor: Visitor, project: Project) -> None:
    answer = visitor.submit("/orders/approve", line=["PO-1-milk=10", "PO-2-eggs=10"], state="proposed")
    assert answer.status_code == 303
    assert "2 lines were approved" in visitor.get(answer.headers["location"]).text
    assert states(project) == {"milk": "approved", "eggs": "approved", HOSTILE: "proposed"}
    actors = {row.actor for row in project.ledger.audit_rows() if row.verb == "order.approved"}
    assert actors == {"ann"}


def test_what_is_approved_is_what_was_seen(visitor: Visitor, project: Project) -> None:
    project.edit_order("PO-1", "milk", quantity=99, code="event")
    answer = visitor.submit("/orders/approve", line=["PO-1-milk=10", "PO-2-eggs=10"], state="proposed")
    assert answer.status_code == 409
    assert "milk of PO-1 is 99 by now, not 10" in answer.text
    assert set(states(project).values()) == {"proposed"}


def test_a_late_line_is_marked_with_its_days(visitor: Visitor, project: Project) -> None:
    project.approve_orders("PO-2")
    project.send_order("PO-2", by_hand=True)
    page = visitor.get("/orders", state="late").text
    assert '<tr class="late">' in page
    assert "4 days late" in page
    assert 'class="bad">late <b>1</b>' in page


def test_a_line_shows_every_step_and_its_form_changes_it(visitor: Visitor, project: Project) -> None:
    assert "on_hand = 2" in visitor.get("/orders/line", id="PO-1-milk").text
    fields = {"line": "PO-1-milk", "quantity": "7", "due": "2024-05-10", "code": "event", "note": "street fair"}
    assert visitor.submit("/orders/edit", **fields).status_code == 303
    (line,) = project.orders("PO-1", product="milk").rows
    assert (line.quantity, line.due) == (7, date(2024, 5, 10))
    override = line.reason["override"]
    assert isinstance(override, dict)
    assert (override["by"], override["note"]) == ("ann", "street fair")
    assert "10 proposed" in visitor.get("/orders").text


def test_an_edit_against_a_suppliers_terms_is_told_on_the_list(visitor: Visitor, project: Project) -> None:
    line = replace(project.orders("PO-1", product="milk").rows[0], order_id="PO-7", line_id="PO-7-milk")
    project.ledger.put_orders([replace(line, reason={**line.reason, "pack_size": 4.0})], at=NOW, actor="plan")
    fields = {"line": "PO-7-milk", "quantity": "7", "due": line.due.isoformat(), "code": "event", "note": ""}
    answer = visitor.submit("/orders/edit", **fields)
    assert answer.status_code == 200
    assert "1 line was edited." in answer.text
    assert "7 of milk are no whole packs of 4 (pack_size)" in answer.text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"quantity": "0"}, "cannot be ordered"),
        ({"quantity": "-3"}, "no whole number"),
        ({"due": "soon"}, "no day"),
        ({"due": "2024-04-01"}, "before the order"),
        ({"code": "because"}, "no reason code"),
        ({}, "nothing was changed"),
    ],
)
def test_a_wrong_edit_is_told_on_the_form_which_keeps_what_was_typed(
    visitor: Visitor, project: Project, fields: dict[str, str], said: str
) -> None:
    before = project.orders().rows
    told = {"line": "PO-1-milk", "quantity": "10", "due": "2024-05-09", "code": "event", "note": "typed", **fields}
    answer = visitor.submit("/orders/edit", **told)
    assert answer.status_code == 409
    assert said in answer.text
    assert 'value="typed"' in answer.text
    assert project.orders().rows == before


def test_an_order_is_sent_and_a_failure_is_told_above_the_list(visitor: Visitor, project: Project) -> None:
    project.approve_orders("PO-1")
    (project.folder / "outbox").write_text("in the way")
    answer = visitor.submit("/orders/send", order="PO-1", state="approved")
    assert answer.status_code == 409
    assert "cannot be written" in answer.text
    (project.folder / "outbox").unlink()
    assert visitor.submit("/orders/send", order="PO-1", state="approved").status_code == 303
    assert states(project)["milk"] == "sent"


def test_nothing_ticked_is_said(visitor: Visitor) -> None:
    assert "Tick the lines first" in visitor.submit("/orders/cancel", state="proposed").text


@pytest.mark.parametrize(
    ("role", "allowed"), [("viewer", ()), ("planner", ("approve", "cancel", "edit")), ("operator", ("send", "approve"))]
)
def test_a_role_sees_and_does_what_it_may(project: Project, role: str, allowed: tuple[str, ...]) -> None:
    project.approve_orders("PO-2")
    visitor = Visitor(project, role)
    page = visitor.get("/orders", state="approved").text
    assert ("/orders/send" in page) == ("send" in allowed)
    assert ("Cancel ticked" in page) == (role != "viewer")
    for what in ("approve", "cancel", "edit", "send"):
        if what not in allowed and role != "operator":
            answer = visitor.submit(f"/orders/{what}", line="PO-2-eggs=10", order="PO-2", quantity="3", code="event")
            assert answer.status_code == 403, what
    assert states(project)["eggs"] == "approved"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:9999"},
        {"sec-fetch-site": "cross-site", "origin": "null"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ],
)
def test_a_page_of_another_site_changes_nothing_even_with_the_token(
    visitor: Visitor, project: Project, headers: dict[str, str]
) -> None:
    answer = visitor.submit("/orders/approve", headers=headers, line="PO-1-milk=10")
    assert answer.status_code == 403
    assert set(states(project).values()) == {"proposed"}


@pytest.mark.parametrize("token", ["", "guessed", "\N{SNOWMAN}"])
def test_a_form_without_the_token_changes_nothing(visitor: Visitor, project: Project, token: str) -> None:
    answer = visitor.post("/orders/approve", data={"token": token, "line": "PO-1-milk=10"}, headers=OURS)
    assert answer.status_code == 403
    assert set(states(project).values()) == {"proposed"}


def test_a_foreign_host_is_refused(visitor: Visitor) -> None:
    answer = visitor.submit("/orders/approve", headers={"host": "evil.example"}, line="PO-1-milk=10")
    assert answer.status_code == 421


def test_a_form_that_is_too_large_or_not_text_is_refused(visitor: Visitor) -> None:
    assert visitor.post("/orders/approve", content=b"line=" + b"x" * 300_000, headers=OURS).status_code == 413
    assert visitor.post("/orders/approve", content=b"\xff\xfe", headers=OURS).status_code == 422


def test_addresses_that_name_nothing_are_told(visitor: Visitor) -> None:
    assert visitor.get("/orders/line", id="PO-9").status_code == 404
    assert visitor.get("/orders", state="lost").status_code == 404
    assert visitor.get("/orders", done="<b>", n=3).text.count("lines were") == 0


def test_every_box_and_button_has_a_name(visitor: Visitor, project: Project) -> None:
    project.approve_orders("PO-2")
    for path in ("/orders", "/orders?state=approved", "/orders/line?id=PO-1-milk"):
        page = visitor.get(path).text
        for tag in re.findall(r"<input [^>]*>", page):
            labelled = (
                'type="hidden"' in tag or "aria-label" in tag or re.search(rf"<label[^>]*>[^<]*{re.escape(tag)}", page)
            )
            assert labelled, (path, tag)


def test_suppliers_and_edits_have_a_page(visitor: Visitor, project: Project) -> None:
    page = visitor.get("/suppliers").text
    assert "Nothing is known of suppliers yet" in page
    assert "No edit is judged yet" in page
    project.approve_orders("PO-2")
    project.send_order("PO-2", by_hand=True)
    project.receive_order("PO-2", at=date(2024, 5, 4))
    page = visitor.get("/suppliers").text
    assert "acme &amp; sons" in page
    assert "0.0\N{NO-BREAK SPACE}%" in page


def test_many_lines_come_in_pages_of_fifty(visitor: Visitor, project: Project) -> None:
    project.ledger.put_orders([_line(f"item-{k:03}", order="PO-3") for k in range(120)], at=NOW, actor="plan")
    page = visitor.get("/orders", page=3).text
    assert "page 3 of 3" in page
    assert len(re.findall(r'name="line"', page)) == 23


def test_lines_that_came_but_are_not_recorded_so_yet_are_listed_once_with_the_others(project: Project) -> None:
    orders = [_line(f"item-{k}", order=f"PO-{k}") for k in range(3, 10)]
    project.ledger.put_orders(orders, at=NOW, actor="plan")
    for k in range(3, 10):
        project.approve_orders(f"PO-{k}")
        project.send_order(f"PO-{k}", by_hand=True)
    for k in range(3, 7):
        project.receive_order(f"PO-{k}", at=date(2024, 5, 6))
    told = [
        {"order_id": f"PO-{k}", "unique_id": f"item-{k}", "quantity": 10.0, "received_at": "2024-05-06"} for k in (7, 8)
    ]
    project.receipts.add(pl.DataFrame(told))
    pages = [project.order_page(state="received", page=page, size=4) for page in (1, 2)]
    listed = [row.line.unique_id for page in pages for row in page.rows]
    assert sorted(listed) == [f"item-{k}" for k in range(3, 9)]
    assert (pages[0].found, pages[0].pages, pages[0].counts["sent"]) == (6, 2, 1)
    assert [row.line.state for row in pages[0].rows] == ["received"] * 4


def test_the_page_of_stock_says_what_each_products_books_are_made_of(counted: Project) -> None:
    page = Visitor(counted).get("/stock", q="MILK").text
    cells = re.findall(r'<td class="n">(.*?)</td>', page.partition('id="books"')[2])
    assert cells == ["40", "7", "12", "35", "35", "0"]
    assert "Where the books cannot be right" in page
    assert HOSTILE not in page
    rules = re.findall(r"<tr><td>(.*?)</td><td class=\"n\">(\d+)</td></tr>", page)
    assert ("none: as the policy wanted", "3") in rules


def test_the_page_of_stock_says_how_to_begin_where_nothing_was_counted(project: Project) -> None:
    answer = Visitor(project).get("/stock")
    assert answer.status_code == 200
    assert "ingest" in answer.text


def test_the_first_page_leads_to_every_page_there_is(counted: Project) -> None:
    visitor = Visitor(counted)
    page = visitor.get("/").text
    for address in ("/orders", "/stock", "/suppliers"):
        assert f'href="{address}"' in page
        assert visitor.get(address).status_code == 200
    assert 'href="/service"' not in page
