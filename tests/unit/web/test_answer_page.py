"""The page on which answers are taken in: what it changes, what it says of faults, and who may use it."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from finalmile.figures import Home
from finalmile.project import Project
from finalmile.records import OrderLine
from finalmile.web import OrderDesk, create_app
from finalmile.web.form_files import fields_of

NOW = datetime(2024, 5, 7, 12, tzinfo=UTC)
OURS = {"origin": "http://localhost", "sec-fetch-site": "same-origin"}
HOSTILE = "<img src=x onerror=alert(1)>"


class Standing:
    def now(self) -> datetime:
        return NOW


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project.open(tmp_path / "shop", clock=Standing())
    lines = [
        OrderLine(
            order_id="PO-1", line_id=f"PO-1-{item}", supplier="Acme", unique_id=item, quantity=10, unit_cost=2.0,
            currency="EUR", ordered_at=date(2024, 5, 1), due=date(2024, 5, 9),
        )
        for item in ("milk", "eggs")
    ]  # fmt: skip
    made.ledger.put_orders(lines, at=NOW, actor="plan")
    made.approve_orders("PO-1")
    made.send_order("PO-1", by_hand=True)
    return made


def ask(project: Project, *, role: str = "operator", headers: Any = OURS, method: str = "POST", **told: Any) -> Any:
    desk = OrderDesk(at=lambda: project.acting("ann"), role=role)
    app = create_app(lambda: Home(name="x"), orders=desk)
    if "data" in told:
        told["data"] = {"token": desk.token, **told["data"]}

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, "/orders/answers", headers=headers, **told)

    return asyncio.run(asked())


def upload(project: Project, content: bytes, *, name: str = "answer.csv", **told: Any) -> Any:
    fields = {one: told.pop(one) for one in ("token", "supplier", "format") if one in told}
    return ask(project, data=fields, files={"file": (name, content)}, **told)


def standing(project: Project) -> list[tuple[str, str, int]]:
    return [(line.unique_id, line.state, line.quantity) for line in project.ledger.orders()]


ANSWER = b"order_id,unique_id,status,quantity\r\nPO-1,milk,changed,6\r\nPO-1,eggs,rejected,\r\n"


def test_a_file_changes_what_it_answers_once_and_the_audit_trail_says_who(project: Project) -> None:
    page = upload(project, ANSWER)
    assert page.status_code == 200
    assert "answers 2 lines: 1 acknowledged, 1 refused, 0 as they were." in page.text
    assert standing(project) == [("eggs", "cancelled", 10), ("milk", "acknowledged", 6)]
    assert "0 acknowledged, 0 refused, 2 as they were." in upload(project, ANSWER).text
    actors = [row.actor for row in project.ledger.audit_rows() if row.verb == "order.answered"]
    assert set(actors) == {"ann"}


def test_faults_are_told_as_the_command_tells_them_and_nothing_is_changed(project: Project) -> None:
    before = standing(project)
    page = upload(project, b"order_id,unique_id\nPO-1,milk\nPO-1," + HOSTILE.encode(), name=f"{HOSTILE}.csv")
    assert page.status_code == 409
    assert "line 3: in order PO-1 no product is called" in page.text
    assert HOSTILE not in page.text
    assert "order PO-1 is one of" in upload(project, ANSWER, supplier="Other").text
    assert "Choose a file first." in ask(project, data={}, files={"file": ("", b"")}).text
    assert "no answer format is called" in upload(project, ANSWER, format="x12").text
    assert standing(project) == before


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"role": "planner"}, 403),
        ({"role": "viewer"}, 403),
        ({"headers": {"origin": "http://evil.example"}}, 403),
        ({"headers": {"sec-fetch-site": "cross-site"}}, 403),
        ({"token": "guessed"}, 403),
    ],
)
def test_only_our_own_pages_and_those_who_may_send_take_answers_in(
    project: Project, told: dict[str, Any], status: int
) -> None:
    before = standing(project)
    assert upload(project, ANSWER, **told).status_code == status
    assert standing(project) == before


def test_forms_that_are_too_large_or_no_forms_with_files_are_refused(project: Project) -> None:
    assert upload(project, b"x" * 1_000_001).status_code == 413
    assert ask(project, data={"file": "x"}).status_code == 415
    assert ask(project, content=b"--x--", headers={**OURS, "content-type": "multipart/form-data"}).status_code == 415
    cut = {**OURS, "content-type": "multipart/form-data; boundary=x"}
    assert ask(project, content=b"--x\r\nContent-Disposition: form-data; name=", headers=cut).status_code == 422


@pytest.mark.parametrize(("role", "form"), [("operator", True), ("planner", False)])
def test_the_form_is_shown_to_those_who_may_use_it(project: Project, role: str, form: bool) -> None:
    page = ask(project, role=role, method="GET", headers=None).text
    assert ('type="file"' in page) is form


NAMES = st.text(st.characters(codec="utf-8", exclude_characters='"\r\n', exclude_categories=("Cs",)), min_size=1)


@given(st.dictionaries(NAMES, st.tuples(NAMES, st.binary(max_size=200)), min_size=1, max_size=5))
def test_what_another_program_writes_into_a_form_is_what_is_read(files: dict[str, tuple[str, bytes]]) -> None:
    request = httpx.Request(
        "POST", "http://x", files={name: (file, content) for name, (file, content) in files.items()}
    )
    found = fields_of(request.read(), request.headers["content-type"])
    assert [part.content for part in found.values()] == [content for _, content in files.values()]


def status_of(body: bytes, content_type: str) -> int:
    try:
        fields_of(body, content_type)
    except HTTPException as refused:
        return refused.status_code
    return 200


@given(st.binary(max_size=200), st.sampled_from(["multipart/form-data; boundary=x", "text/plain", ""]))
def test_whatever_comes_is_fields_or_refused(body: bytes, content_type: str) -> None:
    for whole in (body, b"--x\r\n" + body + b"\r\n--x--"):
        assert status_of(whole, content_type) in {200, 415, 422}
