"""Records of an upload: what a cell says, and lines that no record can be made of."""

from __future__ import annotations

import tracemalloc
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from finalmile.errors import SchemaError
from finalmile.serving.asking import read_asked
from finalmile.serving.rows import Fault
from finalmile.workflows.batch import CHUNK, LONGEST_LINE, Form, Record, Source


def _records(folder: Path, text: str | bytes, form: Form = "csv", *texts: str) -> list[Record]:
    path = folder / "input"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    source = Source(path=path, form=form, texts=frozenset(texts))
    records = list(source.records())
    assert source.count() == len(records)
    return records


def test_ids_and_periods_of_a_csv_stay_what_they_are(tmp_path: Path) -> None:
    told = _records(tmp_path, "\ufeffunique_id,ds,price\n1234,2026,3\n007,2026-03-01,1e1\n1e5,,\n")
    assert [record for record, _ in told] == [
        {"unique_id": "1234", "ds": "2026", "features": {"price": 3}},
        {"unique_id": "007", "ds": "2026-03-01", "features": {"price": 10.0}},
        {"unique_id": "1e5"},
    ]


def test_categories_of_a_csv_stay_what_they_are(tmp_path: Path) -> None:
    assert _records(tmp_path, "size,price\n010,010\n", "csv", "size")[0][0] == {
        "features": {"size": "010", "price": 10.0}
    }


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_horizon_is_whole_or_refused_and_never_cut(tmp_path: Path, form: Form) -> None:
    frame = pl.DataFrame({"unique_id": ["milk"] * 3, "horizon": [7.0, 7.9, float("inf")]})
    file = tmp_path / "frame"
    frame.write_csv(file) if form == "csv" else frame.write_parquet(file)
    horizons: list[int | None] = []
    for record, _ in _records(tmp_path, file.read_bytes(), form):
        faults: list[Fault] = []
        horizons.append(read_asked(record, "", faults).horizon)
        assert len(faults) == (horizons[-1] is None)
    assert horizons == [7, None, None]


def test_periods_of_a_parquet_file_are_told_as_json_tells_them(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "unique_id": [7],
            "ds": [datetime(2026, 3, 1, 5)],
            "dates": [[date(2026, 3, 1)]],
            "features": [[1.5, 2.0]],
        }
    )
    frame.write_parquet(tmp_path / "frame")
    assert _records(tmp_path, (tmp_path / "frame").read_bytes(), "parquet")[0][0] == {
        "unique_id": "7", "ds": "2026-03-01T05:00:00", "dates": ["2026-03-01"], "features": [1.5, 2.0],
    }  # fmt: skip


def test_a_stray_quote_spoils_its_own_line_and_says_which(tmp_path: Path) -> None:
    told = _records(tmp_path, 'unique_id\n"milk\n' + "bread\n" * 20_000)
    assert told[0][0] is None
    assert "line 2 is no row of CSV" in str(told[0][1])
    assert len(told) == 20_001
    assert all(record == {"unique_id": "bread"} for record, _ in told[1:])


def test_bytes_that_are_no_utf8_change_no_id_but_spoil_their_line(tmp_path: Path) -> None:
    told = _records(tmp_path, b"unique_id\nK\xe4se\nmilk\n")
    assert "line 2" in str(told[0][1])
    assert told[1][0] == {"unique_id": "milk"}


def test_an_index_without_a_name_is_a_column_like_others_and_no_sign_of_too_many_cells(tmp_path: Path) -> None:
    told = _records(tmp_path, ",unique_id\n0,milk\n1,bread,3\n")
    assert told[0] == ({"unique_id": "milk", "features": {"": 0}}, None)
    assert told[1] == (None, "has 3 cells; the header names 2")


def test_a_header_that_cannot_be_read_is_said_to_be_so(tmp_path: Path) -> None:
    for body in (b'"unique_id\nmilk\n', b"K\xe4se\n1\n", b"x" * (LONGEST_LINE + 1) + b"\n1\n"):
        with pytest.raises(SchemaError, match="its first line"):
            _records(tmp_path, body)


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_a_line_without_end_is_one_error_and_is_never_held_whole(tmp_path: Path, form: Form) -> None:
    path = tmp_path / "input"
    first, line = ("unique_id\n", "milk\n") if form == "csv" else ("", '{"unique_id": "milk"}\n')
    path.write_text(first + line + "[" * 30_000_000 + "\n" + line)
    source = Source(path=path, form=form)
    tracemalloc.start()
    try:
        records = list(source.records())
        count = source.count()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [record for record, _ in records] == [{"unique_id": "milk"}, None, {"unique_id": "milk"}]
    assert "is longer than 1,000,000 bytes" in str(records[1][1])
    assert count == 3
    assert peak < 8 * LONGEST_LINE


def test_a_record_that_nests_too_deep_is_an_error_of_its_own(tmp_path: Path) -> None:
    told = _records(
        tmp_path, '{"unique_id": ' + "[" * 900 + "]" * 900 + '}\n{"unique_id": "[[[[[[[[[[[[[[[[[[[[["}\n', "jsonl"
    )
    assert "nested more than 20 deep" in str(told[0][1])
    assert told[1][0] == {"unique_id": "[" * 21}


def test_a_cell_that_nests_is_text(tmp_path: Path) -> None:
    nested = "[" * 900 + "]" * 900
    assert _records(tmp_path, f"price\n{nested}\n")[0][0] == {"features": {"price": nested}}


def test_long_records_are_taken_a_few_at_a_time_and_short_ones_by_thousands(tmp_path: Path) -> None:
    long, short = b'{"unique_id": "' + b"x" * 900_000 + b'"}\n', b'{"unique_id": "x"}\n'
    (tmp_path / "input").write_bytes(long * 5 + short * (CHUNK + 1))
    sizes = [len(chunk) for chunk in Source(path=tmp_path / "input", form="jsonl").chunks()]
    assert sizes == [4, CHUNK, 2]
