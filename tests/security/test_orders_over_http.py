"""Orders through the API: who may move them, what is told, and what another's key never sees."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from finalmile.records import OrderLine


@pytest.fixture
def ordered(locked: Any) -> Any:
    lines = [
        OrderLine(
            order_id="PO-1", line_id=f"PO-1-{item}", supplier="acme", unique_id=item, quantity=10, unit_cost=2.0,
            currency="EUR", ordered_at=date(2024, 5, 1), due=date(2024, 5, 8), reason={"policy": "order_up_to"},
        )
        for item in ("milk", "bread")
    ]  # fmt: skip
    locked.project.ledger.put_orders(lines, at=locked.project.clock.now(), actor="plan")
    return locked


def test_a_planner_approves_and_edits_and_an_operator_sends(ordered: Any, key: Any):
    planner, operator = key("planner"), key("operator")
    edit = {"product": "milk", "quantity": 7, "code": "event", "note": "fair"}
    assert ordered.ask("POST", "/v1/orders/PO-1/edit", key=planner, json=edit).json()["orders"][0]["quantity"] == 7
    assert len(ordered.ask("POST", "/v1/orders/PO-1/approve", key=planner, json={}).json()["orders"]) == 2
    assert ordered.ask("POST", "/v1/orders/PO-1/send", key=planner, json={}).status_code == 403
    sent = ordered.ask("POST", "/v1/orders/PO-1/send", key=operator, json={"by_hand": True}).json()["orders"]
    assert {one["state"] for one in sent} == {"sent"}
    assert sent[1]["reason"]["override"]["by"].startswith("key:fm_")
    answered = {"product": "milk", "due": "2024-05-20"}
    assert ordered.ask("POST", "/v1/orders/PO-1/acknowledge", key=operator, json=answered).status_code == 200
    told = ordered.ask("POST", "/v1/orders/PO-1/receive", key=operator, json={"at": "2024-05-07"}).json()
    assert {one["state"] for one in told["orders"]} == {"received"}
    actors = {row.actor for row in ordered.project.ledger.audit_rows() if row.verb == "order.approved"}
    assert actors == {f"key:{planner.partition('.')[0]}"}


def test_a_viewer_sees_every_step_and_moves_nothing(ordered: Any, key: Any):
    viewer = key("viewer")
    told = ordered.ask("GET", "/v1/orders/PO-1", key=viewer).json()["orders"]
    assert told[0]["worked"][-1] == "ordered = 10"
    listed = ordered.ask("GET", "/v1/orders?state=proposed&product=milk", key=viewer).json()
    assert (listed["found"], len(listed["orders"])) == (1, 1)
    for path in ("suppliers", "overrides"):
        assert ordered.ask("GET", f"/v1/{path}", key=viewer).status_code == 200
    for move in ("approve", "cancel", "send", "receive", "acknowledge"):
        assert ordered.ask("POST", f"/v1/orders/PO-1/{move}", key=viewer, json={}).status_code == 403
    assert {line.state for line in ordered.project.orders().rows} == {"proposed"}


def test_a_move_that_cannot_be_made_says_what_can(ordered: Any, key: Any):
    operator = key("operator")
    refused = ordered.ask("POST", "/v1/orders/PO-1/send", key=operator, json={})
    assert refused.status_code == 404
    assert "finalmile orders approve PO-1" in refused.text
    wrong = {"product": "milk", "quantity": 7, "code": "because"}
    assert "promotion" in ordered.ask("POST", "/v1/orders/PO-1/edit", key=operator, json=wrong).text
    assert ordered.ask("GET", "/v1/orders/PO-9", key=operator).status_code == 404
    assert ordered.ask("GET", "/v1/orders?state=lost", key=operator).status_code == 422


def test_a_key_of_one_model_has_nothing_to_do_with_orders(ordered: Any, key: Any):
    ordered.version("a", live=True)
    mine = key("admin", models=["demand"])
    for method, path in (
        ("GET", "orders"),
        ("GET", "orders/PO-1"),
        ("POST", "orders/PO-1/approve"),
        ("GET", "suppliers"),
    ):
        answer = ordered.ask(method, f"/v1/{path}", key=mine, json={})
        assert (answer.status_code, "milk" in answer.text) == (403, False)


def test_an_operator_uploads_what_a_supplier_answered_and_nobody_else(ordered: Any, key: Any):
    operator = key("operator")
    ordered.ask("POST", "/v1/orders/PO-1/approve", key=operator, json={})
    ordered.ask("POST", "/v1/orders/PO-1/send", key=operator, json={"by_hand": True})
    content = b"order_id,unique_id,status,quantity\nPO-1,milk,changed,7\n"
    for role in ("viewer", "planner"):
        assert ordered.ask("POST", "/v1/orders/answers", key=key(role), content=content).status_code == 403
    path = "/v1/orders/answers?name=monday.csv"
    wrong = ordered.ask("POST", path, key=operator, content=content + b"PO-1,tea,,\n")
    assert wrong.status_code == 422
    assert "monday.csv: line 3: in order PO-1 no product is called 'tea'" in wrong.json()["error"]["message"]
    assert ordered.ask("POST", f"{path}&supplier=other", key=operator, content=content).status_code == 422
    assert ordered.ask("POST", f"{path}&format=x12", key=operator, content=content).status_code == 404
    assert ordered.ask("POST", path, key=operator, content=b"x" * 1_000_001).status_code == 413
    assert {line.quantity for line in ordered.project.orders().rows} == {10}
    told = ordered.ask("POST", path, key=operator, content=content).json()
    assert (told["answered"], [one["quantity"] for one in told["orders"]]) == (1, [7])
    again = ordered.ask("POST", path, key=operator, content=content).json()
    assert (again["answered"], again["orders"]) == (1, [])
    (row,) = [row for row in ordered.project.ledger.audit_rows() if row.verb == "order.answered"]
    assert row.actor == f"key:{operator.partition('.')[0]}"
