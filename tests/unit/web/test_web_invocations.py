"""Bodies of ``/invocations`` that would take long to read are refused before they are."""

from __future__ import annotations

import csv
from typing import Any

import pytest

from finalmile.serving.board import Limits, Route
from finalmile.web import invocations, tables
from finalmile.web.replies import RefusedError
from finalmile.web.state import Model

MODEL = Model(name="demand", route=Route(model="demand", live=1), versions={})


@pytest.mark.parametrize("body", [b"\n" * 3_000_000, b"," * 3_000_000, b"milk\n" * 20_000])
def test_no_more_rows_and_cells_of_csv_are_read_than_may_be_answered(
    body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = 0
    reader = csv.reader

    def counting(file: Any) -> Any:
        nonlocal read
        for row in reader(file):
            read += max(1, len(row))
            yield row

    monkeypatch.setattr(tables.csv, "reader", counting)
    with pytest.raises(RefusedError) as refused:
        invocations._read(body, "text/csv", MODEL, Limits(), "")
    assert refused.value.status == 413
    assert read <= Limits().rows + 2


def test_lines_are_counted_before_they_are_cut_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invocations, "_line", lambda *_: pytest.fail("a line was read"))
    with pytest.raises(RefusedError, match="at most 10000"):
        invocations._read(b"\n" * 3_000_000, "application/jsonlines", MODEL, Limits(), "")


def test_what_curl_sends_without_a_content_type_of_its_own_is_read_as_json() -> None:
    body = b'{"instances": [{"unique_id": "milk"}]}'
    records, shape = invocations._read(body, "application/x-www-form-urlencoded", MODEL, Limits(), "")
    assert ([record.asked.unique_id for record in records], shape) == (["milk"], "json")
