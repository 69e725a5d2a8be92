"""The pages of orders: what waits for approval, what is on its way or late, one line with every step, suppliers."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol
from urllib.parse import parse_qs, urlencode

from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException

from finalmile.errors import ConfigError, FinalMileError, MissingInputError, UnknownNameError
from finalmile.records import OrderState
from finalmile.serving.access import DEPLOY, ORDER, allowed
from finalmile.web.answer_pages import Answerable, add_answer_page
from finalmile.web.order_forms import refuse_foreign, refuse_stale, whole_body
from finalmile.web.rendering import render
from finalmile.web.stock_pages import Stocked, add_stock_page
from finalmile.workflows.order_reports import Moved, Suppliers
from finalmile.workflows.order_views import TABS, LineView, OrderPage
from finalmile.workflows.override_reports import Overrides

MOST_BYTES = 200_000
DONE = ("approved", "cancelled", "edited", "freed to be sent anew", "sent")


class Orders(Answerable, Stocked, Protocol):
    """What the pages ask of a project."""

    def order_page(
        self, *, state: OrderState | None = None, supplier: str = "", product: str = "", page: int = 1
    ) -> OrderPage:
        """One page of order lines."""
        ...

    def order_line(self, line_id: str, /) -> LineView:
        """One line."""
        ...

    def approve_orders(self, *, marks: Sequence[str], why: str) -> Moved:
        """Approve lines as they were shown."""
        ...

    def cancel_orders(self, *, marks: Sequence[str], why: str) -> Moved:
        """Cancel lines as they were shown."""
        ...

    def edit_order(
        self,
        order: str,
        product: str,
        /,
        *,
        quantity: int | None,
        due: date | None,
        code: str,
        note: str,
        seen: str | None,
    ) -> Moved:
        """Change a line before it is sent."""
        ...

    def send_order(self, order: str, /, *, marks: Sequence[str]) -> Moved:
        """Send what is approved of an order."""
        ...

    def not_arrived(self, order: str, /) -> Moved:
        """Note that what is in doubt of an order never came to its supplier."""
        ...

    def suppliers(self) -> Suppliers:
        """How suppliers deliver."""
        ...

    def overrides(self) -> Overrides:
        """What edits were worth."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDesk:
    """Orders, and what whoever looks at these pages may do with them.

    Parameters
    ----------
    at
        Gives the project as it stands now, acting for whoever looks.
    role
        Viewers look, planners approve, edit and cancel, operators send as well.
    token
        What a form must carry: pages of other sites do not know it.
    """

    at: Callable[[], Orders]
    role: str = "admin"
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def orders(self) -> Orders:
        """The orders as they stand now."""
        return self.at()

    def may(self, permission: str) -> bool:
        """Whether the role allows something."""
        return allowed(self.role, permission)

    def shown(self) -> dict[str, object]:
        """What every page of orders is told."""
        return {"token": self.token, "may_order": self.may(ORDER), "may_send": self.may(DEPLOY)}


Form = Mapping[str, Sequence[str]]
Answer = HTMLResponse | RedirectResponse


def add_order_pages(app: FastAPI, desk: OrderDesk) -> None:
    """Add the pages of orders, lines, suppliers, their answers, and stock."""
    _add_pages(app, desk)
    _add_forms(app, desk)
    add_answer_page(app, desk)
    add_stock_page(app, desk.at)


def _add_pages(app: FastAPI, desk: OrderDesk) -> None:
    @app.get("/orders", response_class=HTMLResponse)
    def orders(  # pyright: ignore[reportUnusedFunction]  # FastAPI calls it
        state: str = "", supplier: str = "", product: str = "", page: int = Query(1, ge=1), done: str = "", n: int = 0
    ) -> str:
        shown = desk.orders.order_page(state=_state(state), supplier=supplier, product=product, page=page)
        told = f"{n:,} lines were {done}." if done in DONE else ""
        return _list(desk, shown, told=told)

    @app.get("/orders/line", response_class=HTMLResponse)
    def line(id: str) -> str:  # pyright: ignore[reportUnusedFunction]  # noqa: A002 - name in the address
        return _line(desk, desk.orders.order_line(id))

    @app.get("/suppliers", response_class=HTMLResponse)
    def suppliers() -> str:  # pyright: ignore[reportUnusedFunction]
        return render(
            "suppliers.html", cards=desk.orders.suppliers().cards, value=desk.orders.overrides(), here="/orders"
        )


def _add_forms(app: FastAPI, desk: OrderDesk) -> None:
    orderer: Any = Depends(_Sent(desk, ORDER))
    sender: Any = Depends(_Sent(desk, DEPLOY))

    @app.post("/orders/approve", response_model=None)
    def approve(form: Form = orderer) -> Answer:  # pyright: ignore[reportUnusedFunction]
        return _listed(desk, form, lambda: desk.orders.approve_orders(marks=_marks(form), why="on the page"))

    @app.post("/orders/cancel", response_model=None)
    def cancel(form: Form = orderer) -> Answer:  # pyright: ignore[reportUnusedFunction]
        return _listed(desk, form, lambda: desk.orders.cancel_orders(marks=_marks(form), why="on the page"))

    @app.post("/orders/send", response_model=None)
    def send(form: Form = sender) -> Answer:  # pyright: ignore[reportUnusedFunction]
        order, marks = _one(form, "order"), form.get("line", ())
        return _listed(desk, form, lambda: desk.orders.send_order(order, marks=marks), all_or_nothing=False)

    @app.post("/orders/not-arrived", response_model=None)
    def not_arrived(form: Form = sender) -> Answer:  # pyright: ignore[reportUnusedFunction]
        return _listed(desk, form, lambda: desk.orders.not_arrived(_one(form, "order")))

    @app.post("/orders/edit", response_model=None)
    def edit(form: Form = orderer) -> Answer:  # pyright: ignore[reportUnusedFunction]
        line_id = _one(form, "line")
        try:
            moved = _edited(desk, form)
        except FinalMileError as fault:
            page = _line(desk, desk.orders.order_line(line_id), fault=str(fault), given=form)
            return HTMLResponse(page, status_code=409)
        state = moved.rows[0].state if moved.rows else None
        if moved.notes:
            return _with_notes(desk, moved, desk.orders.order_page(state=state, page=1))
        return _back({"state": state or "", "done": "edited", "n": len(moved.rows)})


def _edited(desk: OrderDesk, form: Form) -> Moved:
    """Change a line as a form says; what is left as it was shown stays."""
    told = desk.orders.order_line(_one(form, "line")).row.line
    quantity, due = _whole(_one(form, "quantity")), _day(_one(form, "due"))
    return desk.orders.edit_order(
        told.order_id,
        told.unique_id,
        quantity=None if quantity == told.quantity else quantity,
        due=None if due is None or due.isoformat() == told.due.isoformat()[:10] else due,
        code=_one(form, "code"),
        note=_one(form, "note"),
        seen=_one(form, "seen") or None,
    )


def _listed(desk: OrderDesk, form: Form, work: Callable[[], Moved], *, all_or_nothing: bool = True) -> Answer:
    """Do it and show the list again, with what to know of it, or why it could not be done."""
    state, supplier, product = _one(form, "state"), _one(form, "supplier"), _one(form, "product")
    try:
        moved = work()
    except FinalMileError as fault:
        shown = desk.orders.order_page(state=_state(state), supplier=supplier, product=product, page=1)
        said = f"{fault} Nothing was changed." if all_or_nothing else str(fault)
        return HTMLResponse(_list(desk, shown, fault=said), status_code=409)
    if moved.notes:
        shown = desk.orders.order_page(state=_state(state), supplier=supplier, product=product, page=1)
        return _with_notes(desk, moved, shown)
    return _back({"state": state, "supplier": supplier, "product": product, "done": moved.what, "n": len(moved.rows)})


def _with_notes(desk: OrderDesk, moved: Moved, shown: OrderPage) -> HTMLResponse:
    lines = "1 line was" if len(moved.rows) == 1 else f"{len(moved.rows):,} lines were"
    return HTMLResponse(_list(desk, shown, told=f"{lines} {moved.what}.", notes=moved.notes))


def _list(desk: OrderDesk, shown: OrderPage, *, told: str = "", fault: str = "", notes: Sequence[str] = ()) -> str:
    known: dict[str, object] = {"told": told, "fault": fault, "notes": notes, "tabs": TABS, "here": "/orders"}
    return render("order_list.html", shown=shown, **known, **desk.shown())


def _line(desk: OrderDesk, view: LineView, *, fault: str = "", given: Form | None = None) -> str:
    entered = {name: _one(given or {}, name) for name in ("quantity", "due", "code", "note")}
    return render("order_line.html", view=view, fault=fault, given=entered, here="/orders", **desk.shown())


@dataclass(frozen=True, slots=True)
class _Sent:
    """Dependency that gives a form's fields, where a page of ours sent it and the role allows what it asks for."""

    desk: OrderDesk
    permission: str

    async def __call__(self, request: Request) -> Form:
        """The form."""
        refuse_foreign(request, self.desk, self.permission)
        form = parse_qs(await _body(request), keep_blank_values=True, max_num_fields=2_000)
        refuse_stale(_one(form, "token"), self.desk)
        return form


async def _body(request: Request) -> str:
    try:
        return (await whole_body(request, most=MOST_BYTES)).decode()
    except UnicodeDecodeError:
        raise HTTPException(422, "The form is not UTF-8.") from None


def _back(query: Mapping[str, object]) -> RedirectResponse:
    told = {name: value for name, value in query.items() if value not in ("", None)}
    return RedirectResponse("/orders?" + urlencode(told), status_code=303)


def _marks(form: Form) -> Sequence[str]:
    marks = form.get("line", ())
    if not marks:
        raise MissingInputError("Tick the lines first.")
    return marks


def _one(form: Form, name: str) -> str:
    return (form.get(name) or ("",))[0].strip()


def _state(name: str) -> OrderState | None:
    if not name:
        return None
    known: dict[str, OrderState] = {one: one for one in TABS}
    if name not in known:
        raise UnknownNameError("order state", name, TABS)
    return known[name]


def _whole(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or len(text) > 9:
        raise ConfigError("quantity", [f"{text[:20]!r} is no whole number of units"])
    return int(text)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ConfigError("due", [f"{text[:20]!r} is no day; write it as 2026-03-31"]) from None
