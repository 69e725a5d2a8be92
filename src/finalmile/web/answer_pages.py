"""The page on which a supplier's answer is taken in from a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse

from finalmile.errors import FinalMileError, MissingInputError, SchemaError, printable
from finalmile.serving.access import DEPLOY
from finalmile.web.form_files import Part, fields_of
from finalmile.web.order_forms import FormDesk, refuse_foreign, refuse_stale, whole_body
from finalmile.web.rendering import render
from finalmile.workflows.answer_reports import AnswersTaken
from finalmile.workflows.answers import formats

MOST_BYTES = 1_000_000
"""Of a form with a file; larger files are taken in by the command."""

Fields = Mapping[str, Part]


class Answerable(Protocol):
    """What the page asks of a project."""

    def take_answer(
        self,
        content: bytes,
        /,
        *,
        name: str,
        format: str | None = None,  # noqa: A002 - the verb's word
        supplier: str | None = None,
    ) -> AnswersTaken:
        """Note what a supplier's file answers."""
        ...


class AnswerDesk(FormDesk, Protocol):
    """Orders, and what whoever looks at them may do."""

    @property
    def orders(self) -> Answerable:
        """The orders as they stand now."""
        ...


def add_answer_page(app: FastAPI, desk: AnswerDesk) -> None:
    """Add the page with its form."""
    sent: Any = Depends(_Uploaded(desk))

    @app.get("/orders/answers", response_class=HTMLResponse)
    def form() -> str:  # pyright: ignore[reportUnusedFunction]  # FastAPI calls it
        return _page(desk)

    @app.post("/orders/answers", response_class=HTMLResponse)
    def take(fields: Fields = sent) -> HTMLResponse:  # pyright: ignore[reportUnusedFunction]
        try:
            return HTMLResponse(_page(desk, taken=_taken(desk, fields)))
        except SchemaError as fault:
            told = [f"{fault.source}: {each}" for each in fault.faults]
            return HTMLResponse(_page(desk, faults=told, supplier=_text(fields, "supplier")), status_code=409)
        except FinalMileError as fault:
            return HTMLResponse(_page(desk, faults=[str(fault)]), status_code=409)


def _taken(desk: AnswerDesk, fields: Fields) -> AnswersTaken:
    file = fields.get("file", Part(b""))
    if not file.file_name:
        raise MissingInputError("Choose a file first.")
    name = printable(file.file_name.rpartition("/")[2].rpartition("\\")[2])[:200]
    format_name, supplier = _text(fields, "format") or None, _text(fields, "supplier") or None
    return desk.orders.take_answer(file.content, name=name, format=format_name, supplier=supplier)


def _text(fields: Fields, name: str) -> str:
    return fields.get(name, Part(b"")).content.decode("utf-8", "replace").strip()[:500]


def _page(
    desk: AnswerDesk, *, taken: AnswersTaken | None = None, faults: list[str] | None = None, supplier: str = ""
) -> str:
    return render(
        "answers.html",
        taken=taken, faults=faults or [], formats=formats(), supplier=supplier, most=MOST_BYTES, token=desk.token,
        may_send=desk.may(DEPLOY), here="/orders",
    )  # fmt: skip


class _Uploaded:
    """Dependency that gives the fields of a form with a file, where a page of ours sent it and the role allows it."""

    def __init__(self, desk: AnswerDesk) -> None:
        self.desk = desk

    async def __call__(self, request: Request) -> Fields:
        """The fields."""
        refuse_foreign(request, self.desk, DEPLOY)
        fields = fields_of(await whole_body(request, most=MOST_BYTES), request.headers.get("content-type", ""))
        refuse_stale(_text(fields, "token"), self.desk)
        return fields
